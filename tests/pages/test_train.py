"""The page that trains, without a browser and without TensorFlow: its form, a run in every state, what is bad."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from helpers.fake_runs import fake_run, held
from streamlit.testing.v1 import AppTest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.errors import FerError
from fer_core.labels import FER7
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.registry import DEFAULT, active_bundle, set_active
from fer_core.training import speed_estimate as tempo
from fer_core.training.config import TrainingConfig, preset
from fer_core.training.eta import images_per_second, seconds_left, share_done
from fer_core.training.run_export import epochs_csv, run_zip
from fer_core.training.runs import Run, list_runs
from ui.train.common import references, titles
from ui.train.monitor import axis_end

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = str(ROOT / "pages" / "train.py")
GROWING = [0.2, 0.4, 0.55, 0.6]
FLAT = [0.2, 0.4, 0.55, 0.6, 0.59, 0.6, 0.58, 0.59, 0.6]


class FakeTrial:
    """A measurement that goes on until `end` says what it found, or that it found nothing."""

    made: ClassVar[list[FakeTrial]] = []

    def __init__(self, config: TrainingConfig):
        FakeTrial.made.append(self)
        self.config, self.ended, self.cancelled = config, False, False

    def end(self, learn: float | None = None) -> None:
        if learn is not None:
            path = tempo._file(self.config)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"learn": learn, "check": 0.002, "prepare": 4.0, "measured": 1.0}))
        self.ended = True

    def cancel(self) -> None:
        self.ended = self.cancelled = True


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty home, no settings of this machine, nothing cached."""
    for name in ("FER_HOSTED", "FER_TRAINING", "FER_TRAINING_MINUTES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FER_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setattr("ui.train.time_estimate.SpeedTrial", FakeTrial)
    monkeypatch.setattr(FakeTrial, "made", [])
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[TrainingConfig]:
    """What was asked to be trained; nothing is, but each leaves a run that waits."""
    asked: list[TrainingConfig] = []

    def start(config: TrainingConfig, *, minutes: float | None) -> Run:
        asked.append(config)
        settings = json.loads(config.to_json())
        name = settings.pop("name") or "run"
        return fake_run(f"{name}-{len(asked)}", state="queued", name=name, **settings)

    monkeypatch.setattr("ui.train.limits.start", start)
    return asked


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def start(run: str | None = None) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    if run is not None:
        app.query_params["run"] = run
    return whole(app.run())


def words(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(str(part.value) for kind in kinds for part in kind)


def button(app: AppTest, label: str):
    return next(b for b in app.button if b.label == label)


def labels(app: AppTest) -> set[str]:
    return {b.label for b in (*app.button, *app.get("download_button"))} | {p.label for p in app.get("page_link")}


def press(app: AppTest, label: str) -> AppTest:
    return whole(button(app, label).click().run())


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def one_part() -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (8, 48, 48)).astype(np.uint8)
    return Dataset(images, np.array([0, 1] * 4), ("cat", "dog"), np.array(["Training"] * 8))


def test_the_form_says_what_each_network_costs_and_the_levels_are_the_presets(begun: list[TrainingConfig]):
    app = start()
    assert "**20.3 thousand** parameters" in words(app) and "drawn by this program" in words(app)
    table = app.dataframe[0].value
    assert table["Network"].tolist() == [network.title for network in ARCHITECTURES.values()]
    assert "4.48 million" in table["Parameters"].tolist()
    app.segmented_control[0].set_value("reference")
    assert "**4.48 million** parameters" in words(whole(app.run()))
    app.segmented_control[0].set_value("best")
    assert "**1.92 million** parameters" in words(whole(app.run()))
    press(app, "Train")
    assert begun == [preset("best")]


def test_what_is_set_by_hand_is_trained_and_its_page_opens(begun: list[TrainingConfig]):
    app = start()
    app.text_input[0].set_value(" My *first* ")
    app.number_input(key="epochs-quick").set_value(7)
    app.selectbox(key="augmentation-quick").set_value("full")
    whole(app.run())
    assert "turned, moved, lit" in words(app)
    press(app, "Train")
    assert begun == [preset("quick", name="My *first*", epochs=7, augmentation="full")]
    assert app.title[0].value == "My \\*first\\*"


def test_every_setting_can_be_set_by_hand(begun: list[TrainingConfig]):
    app = start()
    active_bundle = {
        **{"optimizer": "sgd", "schedule": "plateau", "augmentation": "flip", "class_weights": "balanced"},
        **{"precision": "float32", "training_split": "PublicTest", "validation_split": "Training"},
    }
    numbers = {
        **{
            "epochs": 3,
            "batch": 16,
            "learning_rate": 0.02,
            "weight_decay": 0.001,
            "label_smoothing": 0.1,
            "mixup": 0.2,
        },
        **{"ema": 0.9, "early_stop": 4, "seed": 7, "threads": 1, "plateau_factor": 0.5, "plateau_patience": 6},
    }
    assert not [box for box in app.number_input if "plateau" in box.key], "only where it does something"
    app.number_input(key="warm_up-quick").set_value(0.2)
    whole(app.run())
    press(app, "Train")
    assert begun == [preset("quick", warm_up=0.2)]
    app = start()
    for field, value in active_bundle.items():
        key = f"{field}-quick-synthetic" if field.endswith("split") else f"{field}-quick"
        app.selectbox(key=key).set_value(value)
    whole(app.run())
    for field, value in numbers.items():
        app.number_input(key=f"{field}-quick").set_value(value)
    whole(app.run())
    press(app, "Train")
    assert begun[1] == preset("quick", **active_bundle, **numbers)
    untouched = {"data", "name", "preset", "architecture", "warm_up"}
    assert {field.name for field in dataclasses.fields(TrainingConfig)} == untouched | set(active_bundle) | set(numbers)


def test_a_double_click_trains_once(begun: list[TrainingConfig]):
    app = start()
    press(app, "Train")
    del app.query_params["run"]
    press(whole(app.run()), "Train")
    assert len(begun) == 1


def test_the_preview_varies_as_the_training_will():
    app = start()
    pictures = [element.proto.body for element in app.get("html")]
    assert len(pictures) == 3 and pictures[0].count("</figure>") == 5
    press(app, "Vary again")
    again = [element.proto.body for element in app.get("html")]
    assert again[0] == pictures[0] and again[1] != pictures[1]
    app.selectbox(key="augmentation-quick").set_value("none")
    whole(app.run())
    assert len(app.get("html")) == 1 and "as they are" in words(app)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("epochs-quick", 0, "Epochs must lie between 1 and 1000"),
        ("batch-quick", 4000, "larger than the 1,750 training images"),
        ("learning_rate-quick", 0.0, "Learning rate must lie between"),
        ("ema-quick", 1.0, "Ema must lie between"),
    ],
)
def test_settings_that_cannot_be_are_said_before_the_start(begun: list[TrainingConfig], field, value, said):
    app = start()
    app.number_input(key=field).set_value(value)
    whole(app.run())
    assert len(app.error) == 1 and said in app.error[0].value
    assert button(app, "Train").disabled and not begun


def test_training_and_validation_must_differ(begun: list[TrainingConfig]):
    app = start()
    app.selectbox(key="validation_split-quick-synthetic").set_value("Training")
    assert "must not be the same images" in whole(app.run()).error[0].value
    assert button(app, "Train").disabled


def test_a_dataset_of_ones_own(begun: list[TrainingConfig]):
    save_dataset("few", one_part())
    data = load_dataset("synthetic")
    rare = np.flatnonzero((data.labels != 1) | (np.cumsum(data.labels == 1) <= 1))
    save_dataset("rare", data.select(rare), title="Rare *ones*")
    app = start()
    app.selectbox(key="data").set_value("few")
    assert "larger than the 7 training images" in whole(app.run()).error[0].value
    app.number_input(key="batch-quick").set_value(4)
    assert "“cat” 4, “dog” 4." in whole(app.run()).warning[0].value and "tenth of each" in words(app)
    press(app, "Train")
    assert begun[-1].data == "few" and begun[-1].training_split == "Training"
    app = start()
    app.selectbox(key="data").set_value("rare")
    assert "“disgust” 1." in whole(app.run()).warning[0].value
    press(app, "Train")
    assert begun[-1].data == "rare" and "on Rare \\*ones\\*" in words(app)


def test_a_start_that_fails_is_said(monkeypatch: pytest.MonkeyPatch):
    def full(config: TrainingConfig, *, minutes: float | None) -> Run:
        raise FerError("The training cannot be kept: No space left on device. Free some space and try again.")

    monkeypatch.setattr("ui.train.limits.start", full)
    app = start()
    assert "No space left" in press(app, "Train").error[0].value and not list_runs()


def test_a_run_under_way_is_found_again_and_can_be_stopped():
    run = fake_run(
        "mine-1", GROWING, name="mine", state="running", batches=20, status={"epoch": 5, "batch": 10, "batches": 20}
    )
    with held(run):
        assert "**Training:** “mine”, 60.0% of the validation images right so far" in words(start())
        app = press(start(), "Watch it")
        assert metrics(app)["Memory"] == "900 MB", "that of the last epoch, where nothing newer is known"
        (run.folder / "status.json").write_text(json.dumps({**run.status, "memory_mb": 950}))
        whole(app.run())
        assert "It is learning: of 100 new faces it names 60 right" in app.success[0].value
        shown = metrics(app)
        assert shown["Best validation"] == "60.0%" and shown["Memory"] == "950 MB"
        assert shown["Learning rate"] == "0.0005" and shown["Time left"] == "0:51" and shown["Images a second"] == "128"
        assert len(app.get("vega_lite_chart")) == 4
        assert "Use this model" not in labels(app) and "Go on" not in labels(app)
        press(app, "Stop and keep the best")
        assert (run.folder / "stop").exists() and button(app, "Stopping …").disabled
    # A second viewer finds what the first one sees.
    (run.folder / "status.json").write_text(json.dumps({**run.status, "state": "stopped"}))
    assert "Stopped after 4 epochs of 25." in words(start("mine-1"))


def test_a_run_that_waits_says_so():
    with held(fake_run("later", state="queued", status={"place": 2})) as run:
        app = start("later")
        assert "It waits for 2 other trainings" in app.info[0].value
        press(app, "Leave the queue")
        assert (run.folder / "stop").exists()


def test_memory_is_shown_while_it_prepares():
    with held(fake_run("new", state="running", status={"memory_mb": 412})):
        app = start("new")
        assert metrics(app)["Memory"] == "412 MB" and metrics(app)["Images a second"] == "–"
        assert not app.get("vega_lite_chart")


def test_the_sentence_follows_the_numbers():
    with held(fake_run("still", FLAT, state="running", training=[0.1 * k for k in range(1, 10)])):
        assert "Validation stopped improving 5 epochs ago" in start("still").warning[0].value


def test_what_others_reach_is_drawn_for_fer2013_only():
    names = [line.name for line in references("fer2013", FER7)]
    assert names == ["guessing 14 %", "people, about 65 %", "reference notebook 65.8 %", "best published 76.1 %"]
    assert [line.name for line in references("synthetic", FER7)] == ["guessing 14 %"]
    assert [line.name for line in references("pets", ["cat", "dog"])] == ["guessing 50 %"]


def test_use_a_model_and_go_back():
    fake_run("good", GROWING, bundle=True, name="My =best=")
    app = press(start("good"), "Use this model")
    assert active_bundle() == "good" and "In use" in words(app)
    assert start().dataframe[1].value["State"].tolist() == ["In use"]
    video = whole(AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=60).run())
    assert "Read by your model **My =best=**" in words(video)
    press(video, "Back to the usual one")
    assert active_bundle() == DEFAULT and "Read by the model" in words(video)
    assert "Use this model" in labels(whole(app.run()))


def test_the_camera_says_which_model_reads_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_NOTICE", "off")
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: None)
    fake_run("good", GROWING, bundle=True, name="Mine")
    set_active("good")
    app = whole(AppTest.from_file(str(ROOT / "pages" / "live.py"), default_timeout=60).run())
    assert "Read by your model **Mine**" in words(app) and app.selectbox(key="model").value == "good"
    press(app, "Back to the usual one")
    assert active_bundle() == DEFAULT and app.selectbox(key="model").value == DEFAULT


def test_a_model_that_is_damaged_is_refused_in_words():
    run = fake_run("bad", GROWING, bundle=True)
    (run.folder / "bundle" / "model.tflite").write_bytes(b"half")
    assert "damaged" in press(start("bad"), "Use this model").error[0].value
    assert active_bundle() == DEFAULT


def test_an_interrupted_run_goes_on(monkeypatch: pytest.MonkeyPatch):
    fake_run("killed", GROWING, state="running")  # and nobody holds it: its process is gone
    app = start("killed")
    assert "was killed" in app.error[0].value and "weights of epoch 4 are kept" in app.error[0].value
    asked: list[str] = []
    monkeypatch.setattr("fer_core.training.runs.launch", lambda folder, minutes: asked.append(folder.name))
    press(app, "Go on")
    fake_run("early", state="running")
    press(start("early"), "Try again")
    assert asked == ["killed", "early"]

    def gone(folder: Path, minutes: float | None) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fer_core.training.runs.launch", gone)
    app = start("killed")
    assert "No space left on device" in press(app, "Go on").error[0].value


def test_notes_and_deletion():
    fake_run("a", GROWING, name="same")
    fake_run("b", GROWING, name="same")
    app = start("a")
    app.text_area[0].set_value("better\nthan before")
    whole(app.run())
    table = start().dataframe[1].value
    assert sorted(table["Training"]) == ["same", "same (2)"] and "better than before" in table["Note"].tolist()
    press(app, "Delete it")
    assert [run.id for run in list_runs()] == ["b"] and "Train a network" in words(app)


def test_a_run_that_lives_cannot_be_deleted():
    run = fake_run("a", GROWING)
    app = start("a")
    with held(run):
        press(app, "Delete it")
        assert run.folder.exists()
    assert "has not ended" in app.error[0].value


def test_a_run_with_damaged_settings_can_only_be_deleted():
    run = fake_run("odd", GROWING)
    (run.folder / "config.json").write_text('{"speed": 1}')
    assert start().dataframe[1].value["State"].tolist() == ["Damaged"]
    app = start("odd")
    assert "newer version" in app.error[0].value
    press(app, "Delete it")
    assert not list_runs()


def test_a_run_that_is_gone():
    app = start("never-was")
    assert "no longer there" in app.info[0].value and "run" not in app.query_params
    assert "Train a network" in words(app)


def test_runs_are_compared():
    fake_run("a", GROWING, name="one", data="synthetic")
    fake_run("b", FLAT, name="two", data="fer")
    fake_run("c", [], name="empty", state="failed", status={"error": "No."})
    app = start()
    assert len(app.get("vega_lite_chart")) == 2
    assert set(app.multiselect[0].options) == {"one", "two"}
    app.multiselect[0].set_value([])
    assert len(whole(app.run()).get("vega_lite_chart")) == 0
    app.selectbox(key="pick").set_value("b")
    app = press(whole(app.run()), "Open")
    assert app.title[0].value == "two"


def test_training_switched_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_TRAINING", "0")
    fake_run("a", GROWING)
    app = start("a")
    assert "switched off here" in app.info[0].value and "Train" not in labels(app)


def test_a_host_says_how_long_a_training_may_take(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_TRAINING_MINUTES", "5")
    assert "ends after 5 minutes at the latest" in words(start())


def test_what_can_be_taken_along():
    run = fake_run("mine", GROWING, bundle=True)
    run.note = "=1+1"
    with zipfile.ZipFile(io.BytesIO(run_zip(run))) as archive:
        names = set(archive.namelist())
        assert {"mine/config.json", "mine/epochs.csv", "mine/note.txt", "mine/model/model.tflite"} <= names
        settings = json.loads(archive.read("mine/config.json"))
        assert TrainingConfig.from_dict(settings) == run.config
        table = pd.read_csv(io.BytesIO(archive.read("mine/epochs.csv")))
    assert table["val_accuracy"].tolist() == GROWING and table["recall_happy"].tolist() == pytest.approx(GROWING)
    assert {"Epochs (CSV)", "Settings (JSON)", "Everything (ZIP)"} <= labels(start("mine"))
    empty = fake_run("empty", state="failed")
    assert epochs_csv(empty.epochs()).decode().startswith("epoch,loss,accuracy,val_loss,val_accuracy,learning_rate")
    with zipfile.ZipFile(io.BytesIO(run_zip(empty))) as archive:
        assert len(archive.namelist()) == 2


def test_headway_by_hand():
    run = fake_run("a", GROWING[:2], batches=10, state="running")
    epochs, batches = run.epochs(), run.batches()
    assert images_per_second(epochs, batches, 32) == pytest.approx(9 * 32 / (9 * 0.25))
    assert images_per_second(epochs, batches[:0], 32) == 800 and images_per_second(epochs[:0], batches[:0], 32) is None
    assert images_per_second(epochs[:0], batches[:1], 32) is None
    half = {"epoch": 3, "batch": 5, "batches": 10}
    assert (
        share_done(half, epochs) == 2.5
        and share_done({**half, "epoch": 2}, epochs) == 2
        and share_done({}, epochs) == 2
    )
    assert seconds_left(half, epochs, 4, None, None) == pytest.approx(1.5 * 2.5)
    assert (
        seconds_left({}, epochs[:0], 4, 100.0, 50) == pytest.approx(2)
        and seconds_left({}, epochs[:0], 4, None, 50) is None
    )


def test_the_axis_of_a_long_plan_grows_by_doubling():
    assert [axis_end(25, n) for n in (0, 24, 25)] == [25, 25, 25]
    assert [axis_end(1000, n) for n in (0, 59, 60, 119, 120, 999)] == [60, 60, 120, 120, 240, 1000]


def test_titles_are_unique():
    made = [fake_run(f"r{i}", name=name) for i, name in enumerate(("x", "x", "x (2)"))]
    assert list(titles(made)) == ["r0", "r1", "r2"] and len(set(titles(made).values())) == 3


def test_the_time_is_measured_while_the_form_is_filled_in(begun: list[TrainingConfig]):
    app = start()
    (first,) = FakeTrial.made
    assert first.config.architecture == "tiny" and "Measuring on this computer" in words(app)
    assert app.dataframe[0].value["An epoch"].tolist() == ["–"] * len(ARCHITECTURES)
    app.number_input(key="epochs-quick").set_value(20)  # changes no step of the training
    whole(app.run())
    assert FakeTrial.made == [first] and not first.cancelled
    first.end(0.01)
    whole(app.run())
    assert "About **18 s** an epoch, **6 min** in all; measured on this computer." in words(app)
    assert "Measuring" not in words(app)
    times = app.dataframe[0].value["An epoch"].tolist()
    assert times[0] == "18 s" and all(time.startswith("≈ ") for time in times[1:])

    # Another choice: its own measurement, until then an estimate; a third one ends the second.
    app.selectbox(key="network-quick").set_value("mobile")
    whole(app.run())
    assert "in all; estimated from the multiply-adds" in words(app) and "Measuring on this computer" in words(app)
    app.number_input(key="batch-quick").set_value(16)
    whole(app.run())
    _, second, third = FakeTrial.made
    assert second.cancelled and third.config.batch == 16
    press(app, "Train")
    assert third.cancelled and len(begun) == 1
    with held(list_runs()[0]):
        app = start()
        app.number_input(key="batch-quick").set_value(8)
        assert "measured when no training is under way" in words(whole(app.run()))
    assert len(FakeTrial.made) == 3


def test_the_other_networks_are_measured_on_demand():
    app = start()
    FakeTrial.made[0].end(0.01)
    press(whole(app.run()), "Measure the others too")
    for count in range(2, len(ARCHITECTURES) + 1):
        assert len(FakeTrial.made) == count
        FakeTrial.made[-1].end(0.02)
        whole(app.run())
    assert [trial.config.architecture for trial in FakeTrial.made] == list(ARCHITECTURES)
    assert app.dataframe[0].value["An epoch"].tolist() == ["18 s", *["36 s"] * 4]
    assert "Measure the others too" not in labels(app) and "Measuring" not in words(app)


def test_a_measurement_that_cannot_be_made_is_tried_once(monkeypatch: pytest.MonkeyPatch):
    app = start()
    FakeTrial.made[0].end()
    whole(whole(app.run()).run())
    assert "could not be measured" in words(app) and len(FakeTrial.made) == 1
    press(app, "Try again")
    assert len(FakeTrial.made) == 2

    def none(config: TrainingConfig) -> None:
        raise FerError("TensorFlow is not installed here.")

    monkeypatch.setattr("ui.train.time_estimate.SpeedTrial", none)
    assert "not installed" in words(start())
