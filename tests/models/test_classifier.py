import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers.fakes import portrait, real_recognizer, stern_portrait

from fer_core.errors import ModelError
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import FaceDetector
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import CARD, WEIGHTS
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.registry import SHIPPED, load_model

READ = real_recognizer().classifier


def crops(count: int) -> np.ndarray:
    detect = FaceDetector()
    real = []
    for image in (portrait(), stern_portrait(), portrait(60)):
        found = detect(image)
        real.append(crop_faces(image, found.boxes[:1], found.landmarks[:1])[0])
    rng = np.random.default_rng(0)
    varied = [np.roll(real[i % 3], rng.integers(-3, 4, 2), (0, 1)) for i in range(count)]
    return np.array(varied, np.uint8).reshape(-1, 48, 48)


@pytest.fixture
def bundle_copy(tmp_path, monkeypatch):
    """A copy of the shipped bundle among the user's own, and a function that changes its card."""
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    folder = tmp_path / "models" / "copy"
    folder.mkdir(parents=True)
    for name in (CARD, WEIGHTS):
        shutil.copy(SHIPPED / "expression-s" / name, folder)

    def change(edit):
        card = json.loads((folder / CARD).read_text())
        edit(card)
        (folder / CARD).write_text(json.dumps(card))
        return folder

    return change


def test_the_shipped_model_reads_a_smile_and_a_stern_face():
    smile, stern = (
        dict(zip(FER7, real_recognizer()(x).probabilities[0], strict=True)) for x in (portrait(), stern_portrait())
    )
    assert smile["happy"] > 0.95
    # 49 % neutral, 48 % sad; without the rule, which takes off how frequent neutral faces are, 69 and 28 %.
    assert max(stern, key=lambda name: stern[name]) == "neutral" and stern["neutral"] + stern["sad"] > 0.95


def test_a_row_for_each_crop_that_sums_to_one():
    p = READ(crops(5))
    assert READ.labels == FER7
    assert p.shape == (5, 7)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert (p >= 0).all()
    assert p[0].argmax() != p[1].argmax()


@pytest.mark.parametrize("count", [1, 3, 16, 40])
def test_a_batch_gives_what_its_crops_give_alone(count):
    batch = crops(count)
    alone = np.concatenate([READ(crop[None]) for crop in batch])
    np.testing.assert_allclose(READ(batch), alone, atol=1e-3)


def test_no_crops():
    none = np.empty((0, 48, 48), np.uint8)
    for classifier in (READ, Classifier(flip=True)):
        assert classifier(none).shape == (0, 7)


def test_a_mirrored_face_reads_the_same():
    batch, both = crops(6), Classifier(flip=True)
    np.testing.assert_allclose(
        both(batch), both(batch[:, :, ::-1].copy()), atol=5e-3
    )  # weights of 8 bits round differently
    assert np.abs(READ(batch) - READ(batch[:, :, ::-1].copy())).max() > 1e-3  # so the test above can fail


def test_brightness_and_contrast_do_not_matter():
    batch = crops(3)
    dim = (batch // 2 + 30).astype(np.uint8)
    np.testing.assert_allclose(READ(dim), READ(batch), atol=0.05)


def test_heads():
    batch = crops(4)
    plus = READ.head(batch, "ferplus8")
    assert plus.shape == (4, 8)
    np.testing.assert_allclose(plus.sum(1), 1, atol=1e-5)
    with pytest.raises(ModelError, match="valence"):
        READ.head(batch, "valence")


def test_without_a_rule_the_main_head_is_shown(bundle_copy):
    """In FER2013's words, without contempt."""
    bundle_copy(lambda card: card.pop("rule"))
    batch, plain = crops(4), Classifier(load_model("copy"))
    plus = plain.head(batch, "ferplus8")
    rest = np.delete(plus, FERPLUS8.index("contempt"), 1)
    happy = plus[:, FERPLUS8.index("happiness")] / rest.sum(1)
    np.testing.assert_allclose(plain(batch)[:, FER7.index("happy")], happy, atol=1e-5)
    assert np.abs(plain(batch) - READ(batch)).max() > 0.1, "the shipped card has a rule"


def test_the_rule_of_the_card_is_applied(bundle_copy):
    """The formula of the card, written out from the two heads' logits."""
    batch = crops(5)
    card = READ.bundle.card["rule"]
    logits = READ.logits(batch).astype(float)
    plus, fer7 = card["terms"]
    shown = [FERPLUS_TO_FER7.get(name) for name in FERPLUS8]
    scores = np.zeros((5, 7))
    for k, name in enumerate(FER7):
        scores[:, k] = plus["weight"] * logits[:, 7 + shown.index(name)] + fer7["weight"] * logits[:, k]
        scores[:, k] -= plus["prior_exponent"] * np.log(plus["prior"][name] / (1 - plus["prior"]["contempt"]))
        scores[:, k] -= fer7["prior_exponent"] * np.log(fer7["prior"][name])
    np.testing.assert_allclose(READ(batch), softmax(scores, card["temperature"]), atol=1e-5)
    assert READ.rule == READ.bundle.rule and card["temperature"] != 1


def test_contempt_on_request():
    batch = crops(6)
    asked = Classifier(contempt=True)
    assert asked.labels == (*FER7, "contempt")
    eight, seven = asked(batch), READ(batch)
    assert eight.shape == (6, 8) and eight.dtype == np.float32
    np.testing.assert_allclose(eight.sum(1), 1, atol=1e-5)
    assert (eight[:, 7] > 0).all()
    # Among the seven nothing changes: the one that is asked for takes its share of all alike.
    np.testing.assert_allclose(eight[:, :7] / eight[:, :7].sum(1, keepdims=True), seven, atol=1e-5)
    with pytest.raises(ModelError, match=r"'reference-cnn' does not know contempt; it knows angry, .*expression-s"):
        Classifier(load_model("reference-cnn"), contempt=True)


def test_threads_get_what_a_single_one_gets():
    batches = [crops(n) for n in (1, 5, 2, 9, 33, 1, 4, 17)]
    alone = [READ(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(READ, batches))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_softmax():
    logits = np.array([[1000.0, 999.0, -1000.0]])
    p = softmax(logits)
    np.testing.assert_allclose(p, [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0]], atol=1e-9)
    assert softmax(logits, 10.0)[0, 0] < p[0, 0]


def test_damaged_weights(bundle_copy):
    folder = bundle_copy(lambda card: None)
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[1000] ^= 255
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelError, match=r"'copy' are damaged.*Install it again"):
        Classifier(load_model("copy"))


def test_missing_weights(bundle_copy):
    folder = bundle_copy(lambda card: None)
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="no readable weights"):
        Classifier(load_model("copy"))


@pytest.mark.parametrize("data", [b"", b"not a network", b"\0" * 5000])
def test_weights_of_another_kind(bundle_copy, data):
    folder = bundle_copy(lambda card: card.pop("sha256"))
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelError, match="not a network"):
        Classifier(load_model("copy"))


def test_another_number_of_outputs(bundle_copy):
    bundle_copy(lambda card: card["heads"][0]["labels"].append("bored") or card.pop("rule"))
    with pytest.raises(ModelError, match="has 15 outputs, its card names 16"):
        Classifier(load_model("copy"))


def test_two_calls_at_a_time_do_not_mix() -> None:
    batches = [crops(count) for count in (1, 3, 7, 10)]
    alone = [READ(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(pool.map(READ, batches * 5), alone * 5, strict=True):
            np.testing.assert_array_equal(found, expected)
