"""The page that compares models, without a browser: what is chosen, what is shown of it, what is bad."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from helpers.made import SEEN, keep_faces, own_model
from streamlit.testing.v1 import AppTest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import save_dataset
from fer_core.errors import ModelError
from fer_core.evaluation.baselines import BASELINES, CAUTION
from fer_core.evaluation.metrics import wilson_interval
from fer_core.evaluation.saliency import SaliencyMap
from fer_core.labels import FER7
from fer_core.models.bundle import CARD, WEIGHTS
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.keras_subprocess import has_keras
from fer_core.models.predictor import BundlePredictor
from fer_core.models.registry import DEFAULT, load_model
from fer_core.reports.html import report_html
from fer_core.utils.workspace import use_workspace
from ui.app.resources import jobs
from ui.app.visitor_session import visits

needs_keras = pytest.mark.skipif(
    not has_keras() and not os.environ.get("CI"), reason="TensorFlow is not installed"
)  # in CI it must be there

PAGE = str(Path(__file__).resolve().parent.parent.parent / "pages" / "compare.py")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty home, nothing cached; gives the folder of own models."""
    for name in ("FER_HOSTED", "FER_NOTICE", "FER_PER_VISITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    yield tmp_path / "home" / "models"
    jobs().close()
    st.cache_resource.clear()


def swap(card: dict) -> None:
    """Another order of labels: another, worse model from the same weights."""
    for head in card["heads"]:
        head["labels"] = [*head["labels"][1:], head["labels"][0]]


def asked(images: np.ndarray) -> np.ndarray:
    """The shipped model's probabilities for FER2013's labels, asked without the comparison."""
    bundle = load_model()
    logits = Classifier(bundle, flip=True).logits(images)[:, : len(FER7)]
    return softmax(logits.astype(np.float64), bundle.heads[0].temperature)


def start(**address: str | list[str]) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=120)
    for key, value in address.items():
        app.query_params[key] = value
    return whole(app.run())


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    return whole(next(b for b in app.button if b.label == label).click().run())


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.success, app.error, app.warning, app.caption, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def pictures(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html")).replace("\u00a0", " ")


def ended(app: AppTest, label: str = "Compare others") -> AppTest:
    """Draw the page until what runs in the background is through."""
    end = time.monotonic() + 120
    while label not in labels(app):
        assert time.monotonic() < end, words(app)
        time.sleep(0.1)
        whole(app.run())
    return app


def compare(app: AppTest, *models: str, data: str = "faces", split: str = "PublicTest") -> AppTest:
    app.selectbox(key="compare-dataset").set_value(data)
    whole(app.run())
    app.selectbox(key=f"compare-split-{data}").set_value(split)
    app.multiselect(key="compare-models").set_value(list(models))
    return ended(press(app, "Compare"))


def subset(app: AppTest, name: str) -> AppTest:
    app.segmented_control(key="view").set_value(name)
    return whole(app.run())


def table(app: AppTest, number: int = 0):
    found = app.table[number].value.map(lambda cell: cell.replace("\u00a0", " ").replace("\\", ""))
    return found.set_index(found.columns[0])


def test_the_drawn_faces_and_the_shipped_models_are_offered_first():
    app = start()
    assert app.selectbox(key="compare-dataset").value == "synthetic" and "faces are drawn" in words(app)
    assert DEFAULT in app.multiselect(key="compare-models").value
    app.multiselect(key="compare-models").set_value([])
    assert "Choose at least one model." in words(press(app, "Compare"))


def test_figures_are_those_of_the_models_and_the_best_is_bold(alone: Path):
    seen = keep_faces()
    own_model(alone, "swapped", swap)
    app = compare(start(), DEFAULT, "swapped")
    given = asked(seen.images)
    right = int((given.argmax(1) == seen.labels).sum())
    order = load_model("swapped").heads[0].labels
    swapped = sum(order[i] == FER7[label] for i, label in zip(given.argmax(1), seen.labels, strict=True))
    figures = table(app)
    assert figures.loc["Expression S", "Right"] == f"**{right / SEEN:.1%}**"
    assert figures.loc["Swapped", "Right"] == f"{swapped / SEEN:.1%}"
    low, high = wilson_interval(right, SEEN)
    assert figures.loc["Expression S", "95 % interval"] == f"{low:.1%} to {high:.1%}"
    assert figures.loc["Expression S", "On"] == "PublicTest, 40 images"
    assert "Expression S alone is right on" in words(app) and "4 of the 40 images have a near copy" in words(app)
    truths = table(app, 1)
    assert list(truths.columns) == [
        "Labels, all",
        "Labels, without copies",
        "What most people saw, all",
        "What most people saw, without copies",
        "Votes that agree (at best 80.0%)",
        "Cross-entropy (at best 0.500)",
    ]
    app.segmented_control(key="part").set_value("Without near copies")
    assert table(whole(app.run())).loc["Swapped", "On"] == "PublicTest, 36 images"
    app.toggle(key="published").set_value(True)
    published = table(whole(app.run()))
    assert len(published) == 2 + len(BASELINES) and CAUTION in words(app)
    row = published.loc[f"{BASELINES[0].title} :gray-badge[published]"]
    assert row["Right"] == f"{BASELINES[0].accuracy:.1%}" and row["On"] == BASELINES[0].split
    assert f"{BASELINES[1].title}: {BASELINES[1].source}" in words(app)
    app.segmented_control(key="truth").set_value("ferplus")
    people = table(whole(app.run()))
    assert len(people) == 2 and people.loc["Expression S", "On"] == "PublicTest, 36 images"


def test_models_of_one_title_are_told_apart(alone: Path):
    keep_faces()
    for name in ("first", "second"):
        own_model(alone, name, lambda card: card.update(title="Mine"))
    app = start()
    offered = app.multiselect(key="compare-models").options
    assert {"Mine · yours · first", "Mine · yours · second"} <= set(offered)
    assert list(table(compare(app, "first", "second")).index) == ["Mine (first)", "Mine (second)"]


def test_a_second_look_asks_no_model(monkeypatch: pytest.MonkeyPatch):
    keep_faces()
    app = compare(start(), DEFAULT)
    address = {key: app.query_params[key] for key in ("job", "data", "split", "model")}
    first = table(app)
    assert "Compare others" in labels(start(**address)), "a reload finds the comparison"
    jobs().close()
    st.cache_resource.clear()  # the server was started anew
    monkeypatch.setattr(BundlePredictor, "predict", lambda *a, **k: pytest.fail("the model was asked again"))
    again = ended(start(**address))
    assert table(again).equals(first) and again.query_params["job"] != address["job"]
    app = press(again, "Compare others")
    assert app.selectbox(key="compare-dataset").value == "faces" and "job" not in app.query_params


def test_an_address_that_leads_nowhere_is_said_and_one_can_choose():
    keep_faces()
    for bad, says in (
        ({"data": "gone", "split": "PublicTest", "model": [DEFAULT]}, "no dataset called"),
        ({"data": "faces", "split": "Nowhere", "model": [DEFAULT]}, "no split called 'Nowhere'"),
        ({"data": "faces", "split": "PublicTest", "model": list("abcdefg")}, "At most 6 models"),
    ):
        app = start(job="unknown", **bad)
        assert says in words(app) and "Compare" in labels(app)
        assert says not in words(app.run()), "said once"


def test_bad_models_are_said_and_the_others_are_compared(alone: Path):
    keep_faces(votes=False)
    (own_model(alone, "broken") / WEIGHTS).write_bytes(b"nothing")
    letters = [{"name": "letters", "labels": list("abcdefghijklmno")}]
    own_model(alone, "pets", lambda card: card.pop("rule") and card.update(heads=letters, main="letters"))
    app = ended(start(data="faces", split="PublicTest", model=["broken", "pets", "gone", DEFAULT]))
    sentences = {str(w.value).split("**")[1]: str(w.value) for w in app.warning}
    assert list(sentences) == ["broken", "pets", "gone"]
    assert "are damaged" in sentences["broken"] and "knows none of the dataset" in sentences["pets"]
    assert list(table(app).index) == ["Expression S"] and "There are no FER" in words(app)
    assert [c.key for c in app.segmented_control] == ["part", "view"], "without votes there is one kind of truth"


def test_a_model_with_a_damaged_card_is_left_out_and_it_is_said(alone: Path):
    keep_faces()
    (own_model(alone, "torn*") / CARD).write_text("{")
    app = start()
    assert not any("torn" in option for option in app.multiselect(key="compare-models").options)
    assert "Left out: The model 'torn*' has no readable card (card.json), so nobody can tell" in words(app)
    app = ended(start(data="faces", split="PublicTest", model=["torn*", DEFAULT]))
    (warning,) = app.warning
    assert "no readable card" in str(warning.value) and list(table(app).index) == ["Expression S"]


def test_labels_of_other_names_are_matched_and_the_rest_is_said():
    seen = keep_faces(votes=False)
    names = ("anger", "Disgust", "fear", "happiness", "neutral", "sadness", "bored")
    save_dataset("other", Dataset(seen.images, seen.labels, names, seen.splits))
    app = compare(start(), DEFAULT, data="other")
    assert "does not know bored" in words(app) and "can also say" in words(app) and "surprise" in words(app)


def test_a_dataset_of_one_class(alone: Path):
    seen = keep_faces(votes=False)
    happy = seen.select(np.flatnonzero(seen.labels == FER7.index("happy")))
    save_dataset("happy", Dataset(happy.images, np.zeros(len(happy), np.int64), ("happy",), happy.splits))
    save_dataset("cats", Dataset(happy.images, np.zeros(len(happy), np.int64), ("cat",), happy.splits))
    app = compare(start(), DEFAULT, data="happy")
    assert "All images show happy" in words(app)
    for name in ("Mistakes", "Confidence", "Hardest images", "Disagreements", "Models"):
        subset(app, name)
    app = press(app, "Compare others")
    app.selectbox(key="compare-dataset").set_value("cats")
    whole(app.run())
    app = press(app, "Compare")
    assert "has one class" in words(app) and "Compare" in labels(app)


def test_the_images_behind_a_cell_and_one_of_them_closely(alone: Path, monkeypatch: pytest.MonkeyPatch):
    seen = keep_faces()
    own_model(alone, "swapped", swap)
    app = subset(compare(start(), DEFAULT, "swapped"), "Mistakes")
    assert not pictures(app)
    given = asked(seen.images)
    happy = FER7.index("happy")
    mistake = app.pills(key="compare-frequent")
    offered = [option.content.replace("\\", "") for option in mistake.proto.options]
    cell = next(words for words in offered if words.startswith("Swapped: "))
    mistake.set_value(("swapped", *cell.removeprefix("Swapped: ").split(" · ")[0].split(" taken for ")))
    whole(app.run())
    count = int(cell.split(" · ")[1])
    assert f"Swapped: {count} images show " in words(app) and pictures(app).count("<figure ") == min(count, 24)
    app.session_state["compare-cell"] = (DEFAULT, "happy", "happy")  # as a click does
    whole(app.run())
    right = np.flatnonzero((seen.labels == happy) & (given.argmax(1) == happy))
    assert f"Expression S: {len(right)} images show happy, and it says so" in words(app)
    html = pictures(app)
    assert html.count("<br>people: 8 happiness, 2 contempt</figcaption>") == len(right) == html.count("<figure ")
    surest = right[given[right, happy].argmax()]
    assert (
        f"happy (row {surest}) · Expression S: happy {given[surest, happy]:.0%}" in html.replace("<br>", " · ")
        and "Swapped: " in html
    )
    assert list(table(app).columns)[-2:] == ["Swapped: found", "Swapped: right"]
    found = len(right) / (seen.labels == happy).sum()
    assert table(app).loc["happy", "Expression S: found"].strip("*") == f"{found:.0%}"

    next(p for p in app.pills if p.label == "Look closely at").set_value(int(surest))
    whole(app.run())
    assert f"Row {surest} · label **happy**" in words(app) and "People saw: 8 happiness, 2 contempt" in words(app)
    chart = json.loads(app.get("vega_lite_chart")[-1].proto.spec)
    assert chart["encoding"]["color"]["scale"]["domain"] == ["Expression S", "Swapped", "people"]
    looked = []

    def look(model, images, expressions, names, progress):
        looked.append((model.name, expressions))
        if len(looked) > 1:
            raise ModelError("It has no convolution.")
        return [SaliencyMap(model.title, expressions[0], images[0], np.eye(48, dtype=np.float32))]

    monkeypatch.setattr("ui.compare.saliency.saliency_maps", look)
    monkeypatch.setattr("ui.compare.saliency.has_saliency", lambda model: True)
    whole(app.run())
    press(app, "Show where the models look")
    end = time.monotonic() + 60
    while "The map is coarse" not in words(app):
        assert time.monotonic() < end
        whole(app.run())
    assert looked[0] == (DEFAULT, ["happy"]) and "It has no convolution." in words(app)


@needs_keras
def test_where_any_keras_model_looks_for_real_and_in_the_report(alone: Path):
    """Two networks unlike each other, in processes of their own; a third has no Keras file."""
    seen = keep_faces()
    own_model(alone, "plain")
    app = subset(compare(start(), DEFAULT, "reference-cnn", "plain"), "Mistakes")
    app.session_state["compare-cell"] = (DEFAULT, "happy", "happy")  # as a click does
    whole(app.run())
    pick = next(p for p in app.pills if p.label == "Look closely at")
    row = int(asked(seen.images)[:, FER7.index("happy")].argmax())
    pick.set_value(row)
    whole(app.run())
    app.selectbox(key="compare-look-for").set_value("happy")
    whole(app.run())
    press(app, "Show where the models look")
    end = time.monotonic() + 240
    while "The map is coarse" not in words(app):
        assert time.monotonic() < end, words(app)
        time.sleep(0.2)
        whole(app.run())
    assert "No Keras file, so not shown: Plain." in words(app) and not app.warning
    maps = [image.captions[0].replace("\\", "") for image in app.image[1:]]
    for title, told in zip(("Expression S", "Reference CNN"), maps, strict=True):
        assert told.startswith(f"{title}: what speaks for happy lies mostly at the "), told
    work = jobs().get(app.session_state["compare-job"]).work
    (looks,) = work.looks.values()
    assert [look.words for look in looks] == maps and all((look.image == seen.images[row]).all() for look in looks)
    report = report_html(work, when=datetime(2026, 5, 4), images=1).decode()
    assert "Where a model looks" in report and maps[0] in report
    assert "Where a model looks" not in report_html(work, when=datetime(2026, 5, 4)).decode(), "it shows a face"


def test_every_view_says_what_it_shows(alone: Path):
    seen = keep_faces()
    own_model(alone, "swapped", swap)
    app = subset(compare(start(), DEFAULT, "swapped"), "Confidence")
    assert table(app).shape == (5, 2) and len(app.get("vega_lite_chart")) == 2
    subset(app, "Hardest images")
    given = asked(seen.images)
    app.segmented_control(key="compare-hardest").set_value(DEFAULT)
    whole(app.run())
    hardest = int(given[np.arange(SEEN), seen.labels].argmin())
    assert pictures(app).split("<figcaption>")[1].startswith(f"{FER7[seen.labels[hardest]]} (row {hardest})")
    subset(app, "Disagreements")
    other = [load_model("swapped").heads[0].labels[i] for i in given.argmax(1)]
    differ = sum(FER7[i] != o for i, o in zip(given.argmax(1), other, strict=True))
    assert f"do not agree on **{differ}** of 40 images" in words(app)
    subset(app, "Models")
    assert "FER2013 Training, 28708 images" in words(app) and "An expression is not a feeling" in words(app)
    app.segmented_control(key="truth").set_value("ferplus")
    for name in ("Mistakes", "Confidence", "Hardest images", "Disagreements"):
        subset(app, name)


def test_the_report_is_made_of_this_comparison():
    keep_faces()
    app = compare(start(), DEFAULT)
    button = app.get("download_button")[0]
    assert button.proto.label == "Download" and "no internet" in words(app)


def test_images_made_harder():
    keep_faces()
    app = subset(compare(start(), DEFAULT), "Harder images")
    press(app, "Make the images harder")
    end = time.monotonic() + 120
    while "At the dashed rule" not in words(app):
        assert time.monotonic() < end
        whole(app.run())
    assert "the dataset's labels on 40 images in one view" in words(app) and len(app.get("vega_lite_chart")) == 4
    assert words(app).count("Good is ") == 4
    app.segmented_control(key="truth").set_value("ferplus")
    whole(app.run())
    assert "what most people saw on 40 images in one view" in words(app), "no model is asked again"
    app.segmented_control(key="part").set_value("Without near copies")
    whole(app.run())
    assert "what most people saw on 36 images without a near copy in Training" in words(app)
    assert len(app.get("vega_lite_chart")) == 4 and "Make the images harder" not in labels(app)


class Held:
    """In place of a model's answering: it waits until it is let go, or stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        real = BundlePredictor.predict

        def predict(model, images, *, flip, progress):
            if model.name != DEFAULT:
                while not self.go.wait(0.02):
                    progress(0.25)
            return real(model, images, flip=flip, progress=progress)

        monkeypatch.setattr(BundlePredictor, "predict", predict)


def begun(app: AppTest, *models: str) -> AppTest:
    app.selectbox(key="compare-dataset").set_value("faces")
    whole(app.run())
    app.multiselect(key="compare-models").set_value(list(models))
    return press(app, "Compare")


def test_it_waits_its_turn_runs_in_the_background_and_can_be_stopped(alone: Path, monkeypatch: pytest.MonkeyPatch):
    keep_faces()
    for name in ("second", "third"):
        own_model(alone, name)
    held = Held(monkeypatch)
    app = begun(start(), DEFAULT, "second", "third")
    end = time.monotonic() + 60
    how_far = re.compile(r"Asking Second · \d+% · about \d+:\d\d left|Asking Second · \d+% · almost done")
    while not how_far.fullmatch((bar := app.get("progress")[0].proto).text):
        assert time.monotonic() < end
        whole(app.run())
    assert bar.value >= 33 and "Expression S: **" in words(app)
    other = begun(start(), DEFAULT)
    assert other.get("progress")[0].proto.text == "Waiting: number 1 in the queue"
    assert "stopped: 0 of 1 models" in words(ended(press(other, "Stop and keep what is done")))
    press(app, "Stop and keep what is done")
    ended(app)
    assert "stopped: 1 of 3 models are through" in words(app) and list(table(app).index) == ["Expression S"]
    held.go.set()
    app = compare(press(app, "Compare others"), DEFAULT, "second", "third")
    assert list(table(app).index) == ["Expression S", "Second", "Third"]


def test_a_visitor_of_a_host_shares_the_queue(alone: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_NOTICE", "off")
    monkeypatch.setenv("FER_PER_VISITOR", "1")
    app = start()
    folder = visits().get(app.session_state["visit"]).folder
    with use_workspace(folder):
        keep_faces()
    own_model(folder / "models", "own")
    held = Held(monkeypatch)
    begun(whole(app.run()), DEFAULT, "own")
    (job,) = visits().get(app.session_state["visit"]).jobs
    try:
        app.query_params.pop("job", None)
        app.session_state["compare-job"] = ""
        whole(app.run())
        assert "You have 1 task running or waiting already" in words(press(app, "Compare"))
        held.go.set()
        app.query_params["job"] = job
        ended(app)
        assert list(table(app).index) == ["Expression S", "Own"], "the visitor's own model is found on the other thread"
        assert list((folder / "answers").glob("answers-*.npy"))
        assert "Some" not in words(start()), "nobody else sees the dataset"
    finally:
        held.go.set()
        visits().close()
