"""What a network sees in images, and the map of it: kept by content, told of its progress, stopped at a wish."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.curation import embeddings as embedding
from fer_core.curation.embeddings import embed_2d, features
from fer_core.datasets.library import load_dataset
from fer_core.errors import Cancelled, DatasetError
from fer_core.models.classifier import Classifier
from fer_core.models.registry import load_model


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    monkeypatch.setattr(embedding, "EARLY", 60)
    monkeypatch.setattr(embedding, "LATE", 60)
    return tmp_path


def drawn(count=300):
    return load_dataset("synthetic").select(np.arange(count))


def mixed(xy, labels):
    """How many of each point's five neighbours bear another label."""
    far = ((xy[:, None] - xy[None]) ** 2).sum(2)
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, 1)[:, :5]
    return float((labels[near] != labels[:, None]).mean())


@pytest.mark.parametrize(("name", "wide"), [("expression-s", 256), ("reference-cnn", 512)])
def test_a_network_gives_what_goes_into_its_last_layer_and_answers_as_before(name, wide):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    bundle, images = load_model(name), drawn(embedding.CHUNK + 3).images
    seen = embedding._before_the_last_layer(images, bundle, lambda share: None)
    assert seen.shape == (len(images), wide)
    # Computed a second way: the last layer's own weights, times what was seen, are the answers.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=bundle.weights(), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    last = interpreter._get_ops_details()[-1]
    assert last["op_name"] == "FULLY_CONNECTED"
    weights, bias = sorted((interpreter.get_tensor(i) for i in last["inputs"][1:]), key=lambda part: -part.ndim)
    details = (interpreter._get_tensor_details(i, 0) for i in last["inputs"][1:])
    scale = next(d["quantization_parameters"]["scales"] for d in details if len(d["shape"]) == 2)
    wished = seen @ (weights.astype(np.float32) * scale[:, None]).T + bias
    # The network rounds what it sees to 8 bits before its last layer.
    assert np.abs(wished - Classifier(bundle).logits(images)).max() < 0.1


def test_the_answers_are_taken_where_the_layer_is_too_wide(monkeypatch):
    monkeypatch.setattr(embedding, "WIDEST", 10)
    bundle, images = load_model(), drawn(5).images
    seen = embedding._before_the_last_layer(images, bundle, lambda share: None)
    np.testing.assert_allclose(seen, Classifier(bundle).logits(images), atol=0.05)


def test_images_that_look_alike_lie_together():
    data = drawn()
    told = []
    found = embed_2d(features(data, load_model(), told.append), told.append)
    assert found.shape == (len(data), 2) and np.isfinite(found).all() and np.abs(found).max() == pytest.approx(1)
    assert mixed(found, data.labels) < 0.6 * mixed(np.random.default_rng(0).random((len(data), 2)), data.labels)
    assert told[0] == 0 and 1 in told and all(0 <= share <= 1 for share in told)


def test_without_a_model_the_pixels_are_taken():
    data = drawn()
    found = features(data, None)
    assert found.shape == (300, embedding.DIMENSIONS)
    brighter = data.images // 2 + 90  # what differs in light alone is alike
    again = embedding._pixels(np.concatenate([data.images, brighter]))
    assert np.abs(again[:300] - again[300:]).mean() < 0.1 * np.abs(np.diff(again[:300], axis=0)).mean()


def test_images_beyond_the_landmarks_go_to_their_neighbours(monkeypatch):
    monkeypatch.setattr(embedding, "LANDMARKS", 200)
    data = drawn()
    found = embed_2d(features(data, load_model()))
    assert len(np.unique(found, axis=0)) > 290
    assert mixed(found, data.labels) < 0.6 * mixed(np.random.default_rng(0).random((300, 2)), data.labels)


def test_both_are_kept_by_content(own_home, monkeypatch):
    monkeypatch.setattr(embedding, "FEW", 100)
    data, bundle = drawn(), load_model()
    first = features(data, bundle)
    place = embed_2d(first)
    assert len(list((own_home / "cache").iterdir())) == 2

    def never(*args):
        raise AssertionError("it was kept")

    monkeypatch.setattr(embedding, "_before_the_last_layer", never)
    monkeypatch.setattr(embedding, "_map", never)
    np.testing.assert_array_equal(features(data, bundle), first)
    np.testing.assert_array_equal(embed_2d(first), place)
    with pytest.raises(AssertionError):
        features(data.select(np.arange(200)), bundle)
    with pytest.raises(AssertionError):
        features(data, load_model("reference-cnn"))


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_it_stops_at_a_wish_and_keeps_nothing_half_made(own_home, monkeypatch, after):
    monkeypatch.setattr(embedding, "FEW", 100)

    def stop(share):
        if share >= after:
            raise Cancelled("Stopped.")

    data = drawn()
    with pytest.raises(Cancelled):
        features(data, load_model(), stop)
    with pytest.raises(Cancelled):
        embed_2d(np.random.default_rng(0).random((300, 8), np.float32), stop)
    assert not list(own_home.rglob("*.np*"))


def test_too_few_images():
    with pytest.raises(DatasetError, match="at least 3"):
        features(drawn(2), None)
    assert embed_2d(features(drawn(3), None)).shape == (3, 2)
    assert not features(drawn(1).select([0] * 4), None).any()
    assert embed_2d(np.zeros((5, 4), np.float32)).shape == (5, 2)
