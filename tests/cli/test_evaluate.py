"""`evaluate` as a script uses it: its JSON, its files, its exit status; and the bundles that it asks."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn import metrics

from fer_core.cli.main import main
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import save_dataset
from fer_core.datasets.readers import read_dataset
from fer_core.datasets.synthetic import synthetic_faces
from fer_core.errors import ModelError
from fer_core.labels import FER7, FERPLUS8, FERPLUS_VOTES
from fer_core.models.bundle import CARD, WEIGHTS
from fer_core.models.catalog import load_predictor
from fer_core.models.classifier import Classifier
from fer_core.models.predictor import BundlePredictor, bundle_predictors
from fer_core.models.registry import DEFAULT, SHIPPED, load_model

KEYS = {"n", "accuracy", "macro_f1", "nll", "ece", "per_class", "ferplus_accuracy"}
MORE = {
    *(
        "accuracy_interval",
        "precision",
        "confusion",
        "top2",
        "reliability",
        "risk_at_coverage",
        "risk_coverage",
        "aurc",
    ),
    *("images_per_second", "one_ms", "bytes", "ferplus", "votes", "clean", "full", "mcnemar", "labels", "notes"),
}
CODES = {"angry": 0, "disgust": 1, "fear": 2, "happy": 3, "sad": 4, "surprise": 5, "neutral": 6}


@pytest.fixture(scope="module")
def faces() -> Dataset:
    """Twelve drawn faces to be asked about, and four of training, two of them copies."""
    drawn = synthetic_faces().split("Training")
    chosen = drawn.select(np.arange(14))
    images = np.concatenate([chosen.images, chosen.images[:2]])
    where = np.array(["PublicTest"] * 12 + ["Training"] * 4)
    return Dataset(images, np.concatenate([chosen.labels, chosen.labels[:2]]), FER7, where)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own."""
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


def add(own: Path, name: str, edit=lambda card: None) -> Path:
    folder = own / name
    folder.mkdir(parents=True)
    card = json.loads((SHIPPED / DEFAULT / CARD).read_text())
    edit(card)
    (folder / CARD).write_text(json.dumps(card))
    shutil.copy(SHIPPED / DEFAULT / WEIGHTS, folder)
    return folder


def kaggle(folder: Path, data: Dataset, *, votes: bool = True) -> Path:
    """The dataset as Kaggle's file, with FER+ beside it in which all ten see surprise."""
    lines = ["emotion,pixels,Usage"]
    rows = zip(data.images, data.labels, data.splits, strict=True)
    lines += [f"{CODES[FER7[label]]},{' '.join(map(str, image.ravel()))},{split}" for image, label, split in rows]
    (folder / "fer2013.csv").write_text("\n".join(lines) + "\n")
    if votes:
        lines = [",".join(["Usage", "Image name", *FERPLUS_VOTES[:-1], "NF"])]
        lines += [f"{split},fer{i:07d}.png,0,0,10,0,0,0,0,0,0,0" for i, split in enumerate(data.splits)]
        (folder / "fer2013new.csv").write_text("\n".join(lines) + "\n")
    return folder / "fer2013.csv"


def evaluate(capsys: pytest.CaptureFixture[str], *how: str) -> tuple[int, object, str]:
    status = main(["evaluate", *how, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_json_of_one_model(tmp_path, faces, capsys):
    status, found, _ = evaluate(capsys, "--data", str(kaggle(tmp_path, faces)))
    assert status == 0 and isinstance(found, dict) and found.keys() >= KEYS | MORE
    classifier = Classifier(load_model(), flip=True)
    part = faces.split("PublicTest")
    guess = [FER7[i] for i in classifier.head(part.images, "fer7").argmax(1)]
    right = [said == FER7[label] for said, label in zip(guess, part.labels, strict=True)]
    assert found["n"] == 12 and found["accuracy"] == pytest.approx(sum(right) / 12)
    assert list(found["per_class"]) == list(FER7) and found["split"] == "PublicTest"
    assert found["ferplus"]["n"] == 12 and found["ferplus_accuracy"] == found["votes"]["agreement"]


def test_what_pages_show_and_what_the_rule_costs(tmp_path, faces, capsys):
    """All people see surprise."""
    path = str(kaggle(tmp_path, faces))
    _, found, _ = evaluate(capsys, "--data", path)
    images, classifier = faces.split("PublicTest").images, Classifier(load_model(), flip=True)
    shown = float((classifier(images).argmax(1) == FER7.index("surprise")).mean())
    assert found["shown"]["accuracy"] == pytest.approx(shown) and found["shown"]["rule"] == classifier.rule.describe()
    alone = np.delete(classifier.head(images, "ferplus8"), FERPLUS8.index("contempt"), 1).argmax(1)
    named = float((alone == FERPLUS8.index("surprise")).mean())
    assert found["shown"]["main_head"]["accuracy"] == pytest.approx(named)
    assert found["shown"]["change"]["accuracy"] == pytest.approx(shown - named)
    main(["evaluate", "--data", path])
    text = capsys.readouterr().out
    assert f"as pages show it: {shown:.1%} of the 12 images on which most of ten people agree" in text
    assert "rule: both heads, prior taken off: ferplus8 weighs 0.975, its prior off by 0.35" in text
    assert f"its main head alone has {named:.1%} and {named:.1%}" in text


def test_without_votes(tmp_path, faces, capsys):
    status, found, _ = evaluate(capsys, "--data", str(kaggle(tmp_path, faces, votes=False)), "--one-view")
    assert status == 0 and found["ferplus_accuracy"] is None and found["views"] == 1
    assert found["votes"] is None and "no FER+ votes for these images" in " ".join(found["notes"])


def test_several_models_give_a_list_and_a_bad_one_its_sentence(own, faces, capsys):
    add(own, "twin")
    name = save_dataset("mine", faces)
    status, found, err = evaluate(capsys, "--data", name, "--model", DEFAULT, "nowhere", "twin")
    assert status == 1 and [f["model"] for f in found] == [DEFAULT, "twin", "nowhere"]
    assert found[0]["mcnemar"] == {"twin": {"only_first": 0, "only_second": 0, "p": 1.0}}
    assert "There is no model called 'nowhere'" in found[2]["error"] and "nowhere: " in err


@pytest.mark.parametrize("asked", ["48 pixels", {"side": "wide"}, {"scale": ["unit"]}, {"side": 48.5}])
def test_a_card_that_asks_for_unknown_input_costs_the_others_nothing(own, faces, capsys, asked):
    add(own, "odd", lambda card: card.update(preprocessing=asked))
    status, found, err = evaluate(capsys, "--data", save_dataset("mine", faces), "--model", "odd", DEFAULT)
    assert status == 1 and [f["model"] for f in found] == [DEFAULT, "odd"]
    assert "asks for input that this program does not know" in err


def test_models_that_do_not_load_get_a_sentence_each_and_the_rest_is_evaluated(own, faces, capsys):
    (add(own, "altered") / WEIGHTS).write_bytes(b"other")
    (add(own, "torn") / CARD).write_text('{"title": "Torn", "heads": [')
    (add(own, "listed") / CARD).write_text("[]")
    (add(own, "bare") / WEIGHTS).unlink()
    nothing = b"no network"
    sealed = hashlib.sha256(nothing).hexdigest()
    (add(own, "junk", lambda card: card.update(sha256=sealed)) / WEIGHTS).write_bytes(nothing)
    letters = [{"name": "pets", "labels": list("abcdefghijklmno")}]
    add(own, "pets", lambda card: card.pop("rule") and card.update(heads=letters, main="pets"))
    says = {
        "altered": "are damaged",
        "torn": "no readable card (card.json)",
        "listed": "no readable card (card.json)",
        "bare": "has no readable weights",
        "junk": "are not a network",
        "pets": "knows none of the dataset's expressions",
    }
    status, found, err = evaluate(capsys, "--data", save_dataset("mine", faces), "--model", *says, DEFAULT)
    assert status == 1 and [f["model"] for f in found] == [DEFAULT, *says] and found[0]["n"] == 12
    told = dict(line.split(": ", 1) for line in err.splitlines())
    assert list(told) == list(says), "one line each"
    for failed in found[1:]:
        assert says[failed["model"]] in failed["error"] == told[failed["model"]]


def test_labels_of_other_names_are_matched_and_the_rest_is_said(faces, capsys):
    names = ("Anger", "Disgust", "fear", "happy", "neutral", "sad", "bored")  # in the order of FER7
    save_dataset("plain", faces)
    save_dataset("other", Dataset(faces.images, faces.labels, names, faces.splits))
    _, plain, _ = evaluate(capsys, "--data", "plain")
    status, found, _ = evaluate(capsys, "--data", "other")
    assert status == 0 and found["labels"] == list(names) and found["per_class"]["bored"] in (0, None)
    notes = " ".join(found["notes"])
    assert "does not know bored: these images count as mistakes" in notes
    assert "can also say surprise" in notes and "left out" in notes
    other = {"angry": "Anger", "disgust": "Disgust"}
    for name, share in plain["per_class"].items():
        if name != "surprise" and share is not None:
            assert found["per_class"][other.get(name, name)] >= share, "it has one thing less to take it for"


def test_a_dataset_of_one_class(faces, capsys):
    happy = faces.select(np.flatnonzero((faces.labels == FER7.index("happy")) & (faces.splits == "PublicTest")))
    for name in ("happy", "cat"):
        save_dataset(name, Dataset(happy.images, np.zeros(len(happy), np.int64), (name,), happy.splits))
    status, found, _ = evaluate(capsys, "--data", "happy")
    assert status == 0 and found["n"] == len(happy) and "All images show happy" in found["notes"][0]
    assert found["labels"] == list(FER7), "it could have said any of them"
    status, found, err = evaluate(capsys, "--data", "cat")
    assert status == 2 and found is None and "one class, 'cat'" in err and len(err.splitlines()) == 1


def test_only_bad_models(faces, capsys):
    status, found, _ = evaluate(capsys, "--data", save_dataset("mine", faces), "--model", "nowhere")
    assert status == 2 and found["model"] == "nowhere"


def test_clean(faces, capsys):
    name = save_dataset("mine", faces)
    status, found, _ = evaluate(capsys, "--data", name, "--clean")
    assert status == 0 and found["clean"] and 0 < found["n"] <= 10  # other drawn faces may be alike, too
    status, found, err = evaluate(capsys, "--data", name, "--clean", "--split", "Training")
    assert status == 2 and found is None and "no other split" in err


def test_the_built_in_dataset_by_name(capsys, monkeypatch, faces):
    monkeypatch.setattr(
        "fer_core.datasets.library._drawn", lambda: faces
    )  # as it is, it has 350 images to be asked about
    status, found, _ = evaluate(capsys, "--data", "synthetic")
    assert status == 0 and found["n"] == 12 and found["dataset"] == "synthetic"


@pytest.mark.parametrize(
    "how, says",
    [
        (["--data", "nowhere"], "neither a file or folder nor a dataset of the library, which has: synthetic"),
        (["--data", "synthetic", "--ferplus", "x.csv"], "goes with Kaggle's CSV file"),
        (["--data", str(SHIPPED), "--ferplus", "x.csv"], "goes with Kaggle's CSV file"),
    ],
)
def test_bad_data(how, says, capsys):
    status, found, err = evaluate(capsys, *how)
    assert status == 2 and found is None and says in err


def test_a_folder_of_pictures(tmp_path, faces, capsys):
    for number, (image, label) in enumerate(zip(faces.images[:6], faces.labels[:6], strict=True)):
        folder = tmp_path / "faces" / "test" / FER7[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    (tmp_path / "fer2013new.csv").write_text("votes of something else")
    split = read_dataset(tmp_path / "faces")[0].split_names[0]
    status, found, _ = evaluate(capsys, "--data", str(tmp_path / "faces"), "--split", split)
    assert status == 0 and (found["n"], found["dataset"]) == (6, "faces")


def test_an_empty_split(faces, capsys):
    status, found, err = evaluate(capsys, "--data", save_dataset("mine", faces), "--split", "PrivateTest")
    assert status == 2 and found is None and "no split called 'PrivateTest'. It has: PublicTest, Training." in err
    assert len(err.splitlines()) == 1


def test_a_line_that_cannot_be_used_is_told(tmp_path, faces, capsys):
    path = kaggle(tmp_path, faces)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "3,1 2 3,PublicTest", *lines[2:]]) + "\n")
    status, found, err = evaluate(capsys, "--data", str(path))
    assert status == 0 and found["n"] == 11 and "1 left out" in err


def test_files_and_words(tmp_path, faces, own, capsys):
    add(own, "twin")
    out = tmp_path / "out"
    data = str(kaggle(tmp_path, faces))
    assert main(["evaluate", "--data", data, "--model", DEFAULT, "twin", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "12 images of fer2013.csv, PublicTest" in printed and "what most of ten people see" in printed
    assert "McNemar's p = 1" in printed and "precision: " in printed and "of the surest 50%" in printed
    assert "single votes that agree" in printed and "images a second" in printed
    assert sorted(p.name for p in out.iterdir()) == ["answers-1.csv", "answers-2.csv", "figures.json", "report.html"]
    assert [f["model"] for f in json.loads((out / "figures.json").read_text())] == [DEFAULT, "twin"]
    with open(out / "answers-1.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["row"] for row in table] == [str(i) for i in range(12)] and table[0]["model"] == DEFAULT
    assert [row["label"] for row in table] == [FER7[i] for i in faces.labels[:12]]
    for row in table:
        given = {name: float(row[name]) for name in FER7}
        assert row["guess"] == max(given, key=given.__getitem__) and sum(given.values()) == pytest.approx(1, abs=1e-4)


def test_the_figures_follow_from_the_answers(tmp_path, faces, capsys):
    """Worked out again with scikit-learn from what each model answered, as anybody could."""
    data, out = str(kaggle(tmp_path, faces)), tmp_path / "out"
    assert main(["evaluate", "--data", data, "--model", "reference-cnn", "--out", str(out)]) == 0
    capsys.readouterr()
    (found,) = json.loads((out / "figures.json").read_text())
    with open(out / "answers-1.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = np.array([FER7.index(row["label"]) for row in rows])
    p = np.array([[float(row[name]) for name in FER7] for row in rows])
    p /= p.sum(1, keepdims=True)
    said, sure, there = p.argmax(1), p.max(1), np.unique(truth)
    right = said == truth
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    assert found["macro_f1"] == pytest.approx(
        metrics.f1_score(truth, said, labels=there, average="macro", zero_division=0)
    )
    assert found["nll"] == pytest.approx(metrics.log_loss(truth, p, labels=range(7)), abs=1e-3)
    assert found["top2"] == pytest.approx(metrics.top_k_accuracy_score(truth, p, k=2, labels=range(7)))
    assert found["confusion"] == metrics.confusion_matrix(truth, said, labels=range(7)).tolist()
    for i, name in enumerate(FER7):
        if i in there:
            assert found["per_class"][name] == pytest.approx(right[truth == i].mean())
        if (said == i).any():
            assert found["precision"][name] == pytest.approx(right[said == i].mean())
    order = np.argsort(-sure, kind="stable")
    risks = [1 - right[order[: i + 1]].mean() for i in range(len(rows))]
    assert found["aurc"] == pytest.approx(np.mean(risks))
    gap = sum(abs(right[own].sum() - sure[own].sum()) for own in (np.floor(sure * 15) == b for b in range(16)))
    assert found["ece"] == pytest.approx(gap / len(rows), abs=1e-3)


def with_people(folder: Path, per_person: int = 15) -> Path:
    """Drawn faces as Kaggle's file with a column that says who it is; each has a neutral face among them."""
    drawn = synthetic_faces().split("Training")
    neutral = np.flatnonzero(drawn.labels == FER7.index("neutral"))[:12]
    others = np.flatnonzero(drawn.labels != FER7.index("neutral"))[: 6 * (per_person - 2)]
    lines = ["emotion,pixels,Usage,Person"]
    for person in range(6):
        chosen = [*neutral[2 * person : 2 * person + 2], *others[person::6]]
        for i in chosen:
            pixels = " ".join(map(str, drawn.images[i].ravel()))
            lines.append(f"{CODES[FER7[drawn.labels[i]]]},{pixels},PublicTest,P{person}")
    lines.insert(3, "0,1 2 3,PublicTest,nobody")  # left out, so that rows and images differ
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    return folder / "people.csv"


def test_own_neutral_by_the_column_that_says_who_it_is(tmp_path, capsys):
    data = with_people(tmp_path)
    status, found, _ = evaluate(capsys, "--data", str(data), "--subject", "person", "--baseline", "--one-view")
    own = found["baseline"]
    assert status == 0 and found["n"] == 6 * 15
    assert (own["subjects"], own["images"], own["baseline_images"], own["left_out"]) == (6, 6 * 14, 6, [])
    dataset, _ = read_dataset(data)
    classifier = Classifier(flip=False)
    given = classifier(dataset.images)  # what pages show, not the head for FER2013's labels
    first = {f"P{p}": 15 * p for p in range(6)}
    rows = [i for i in range(90) if i not in first.values()]
    right = []
    for i in rows:
        rest = np.log(np.clip(given[15 * (i // 15)], 1e-6, 1))
        logits = np.log(np.clip(given[i], 1e-6, 1)) - rest
        logits[FER7.index("neutral")] += 1.5
        right.append(int(logits.argmax()) == dataset.labels[i])
    assert own["adjusted"]["accuracy"] == pytest.approx(np.mean(right))
    assert own["plain"]["accuracy"] == pytest.approx((given[rows].argmax(1) == dataset.labels[rows]).mean())
    assert main(["evaluate", "--data", str(data), "--subject", "Person", "--baseline"]) == 0
    printed = capsys.readouterr().out
    assert "84 images of 6 people, without 6 for baselines, as clips show them" in printed
    assert "with each person's own neutral taken off: accuracy" in printed


@pytest.mark.parametrize(
    "how, says",
    [
        (["--baseline"], "--baseline and --subject go together"),
        (["--subject", "person"], "--baseline and --subject go together"),
        (["--subject", "who", "--baseline"], "no column 'who'; it has: emotion, pixels, Usage, Person"),
    ],
)
def test_baseline_without_people(tmp_path, capsys, how, says):
    status, found, err = evaluate(capsys, "--data", str(with_people(tmp_path, 3)), *how)
    assert status == 2 and found is None and says in err.splitlines()[-1]


def test_people_of_a_dataset_that_cannot_say(capsys):
    status, _, err = evaluate(capsys, "--data", "synthetic", "--subject", "person", "--baseline")
    assert status == 2 and "synthetic has no columns" in err


def test_the_report_shows_faces_only_where_it_is_asked_to(tmp_path, faces, own, capsys):
    add(own, "twin")
    data = save_dataset("mine", faces)
    for name, how, shown in (("without", [], False), ("with", ["--images"], True)):
        assert main(["evaluate", "--data", data, "--model", DEFAULT, "twin", "--out", str(tmp_path / name), *how]) == 0
        page = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        assert ("data:image/png" in page) == shown and "Expression S (twin)" in page
    capsys.readouterr()
    assert main(["evaluate", "--data", data, "--model", "nowhere", "--out", str(tmp_path / "none")]) == 2
    assert sorted(p.name for p in (tmp_path / "none").iterdir()) == ["figures.json"]


def test_degraded(faces, capsys):
    name = save_dataset("mine", faces)
    assert main(["evaluate", "--data", name, "--degraded"]) == 0
    printed = capsys.readouterr().out
    assert "of 12 images that were made worse" in printed
    for words in ("face size (pixels) 12: ", "blur (pixels) 0: ", "brightness (times) 0.1: ", "roll (degrees) -30: "):
        assert words in printed


def test_words_that_a_spreadsheet_would_run_are_made_safe(tmp_path, faces, own, capsys):
    add(own, "=2+3")
    keep = faces.select(np.flatnonzero(np.isin(faces.labels, [0, 1]) & (faces.splits == "PublicTest")))
    data = Dataset(keep.images, keep.labels, (*FER7[:6], "@surprise"), keep.splits)
    name = save_dataset("mine", data)
    assert main(["evaluate", "--data", name, "--model", "=2+3", "--out", str(tmp_path / "out")]) == 0
    with open(tmp_path / "out" / "answers-1.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0][-1] == "'@surprise" and rows[1][0] == "'=2+3"


def test_a_terminal_is_told_how_far_it_is(faces):
    name = save_dataset("mine", faces)
    command = [sys.executable, "-m", "fer_core", "evaluate", "--data", name, "--model", DEFAULT, "nowhere"]
    near, far = pty.openpty()
    root = Path(__file__).resolve().parent.parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=far) as child:
        os.close(far)
        said = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while more := os.read(near, 4096):
                said += more
        out = child.stdout.read().decode()
    os.close(near)
    line, rest = said.decode().rsplit("\r\x1b[K", 1)
    assert re.search(r"Asking [\w -]+: \d+%", line) and rest.startswith("nowhere: There is no model")
    assert child.returncode == 1 and out.startswith("Expression S: 12 images of mine")


def test_a_folder_that_cannot_be_written(tmp_path, faces, capsys):
    (tmp_path / "file").write_text("")
    status, _, err = evaluate(capsys, "--data", save_dataset("mine", faces), "--out", str(tmp_path / "file" / "below"))
    assert status == 2 and "Choose another folder with --out" in err


def test_a_bundle_as_a_contender(faces):
    model = load_predictor(DEFAULT)
    told: list[float] = []
    found = model.predict(faces.images, flip=True, progress=told.append)
    np.testing.assert_allclose(found.logits, Classifier(load_model(), flip=True).logits(faces.images), atol=1e-4)
    assert found.one_ms > 0 and found.images_per_second > 0 and told[-1] == 1.0 and told == sorted(told)
    assert (model.name, model.origin, model.size) == (DEFAULT, "shipped", (SHIPPED / DEFAULT / WEIGHTS).stat().st_size)


def test_contenders_leave_out_what_does_not_load(own):
    add(own, "good")
    (add(own, "damaged") / WEIGHTS).write_bytes(b"other")
    found = {model.name: model for model in bundle_predictors()}
    assert "good" in found and "damaged" not in found and found["good"].origin == "yours"
    with pytest.raises(ModelError, match="damaged"):
        load_predictor("damaged")


def test_the_fingerprint_follows_weights_and_preprocessing(own):
    add(own, "same")
    add(own, "other", lambda card: card.update(preprocessing={"side": 48, "scale": "unit"}))
    found = {name: BundlePredictor(load_model(name)).fingerprint for name in (DEFAULT, "same", "other")}
    assert found[DEFAULT] == found["same"] != found["other"]
