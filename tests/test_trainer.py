"""Trainings as they run: real processes, tiny data."""

import json
import os
import signal
import time

import numpy as np
import pytest

from fer_core.bundles import read_bundle
from fer_core.classification import Classifier
from fer_core.errors import OptionError
from fer_core.feeding import soft_targets, vary
from fer_core.imageset import Dataset
from fer_core.library import load_dataset, save_dataset
from fer_core.runs import list_runs, load_run, start
from fer_core.training import PRESETS, TrainingConfig, preset
from fer_core.waiting import turn

ENDED = {"stopped", "done", "failed"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FER_QUEUE", str(tmp_path / "queue"))
    data = load_dataset("synthetic")
    save_dataset("few", data.select(np.arange(0, len(data), 6)))
    yield tmp_path
    for run in list_runs():
        run.stop()
        wait(lambda run=run: not run.alive)


def wait(true, seconds=240):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def few(**changes):
    return TrainingConfig(**{"data": "few", "batch": 32, "threads": 1, "precision": "float32", "epochs": 3, **changes})


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(own):
    whole, killed = start(few(epochs=6)), start(few(epochs=6))
    wait(lambda: whole.state in ENDED)
    assert whole.state == "done", whole.error
    wait(lambda: len(killed.epochs()) >= 2)
    os.kill(killed.status["pid"], signal.SIGKILL)
    wait(lambda: not killed.alive)
    if killed.state != "done":
        assert killed.state == "failed" and "Resume" in killed.error
        (killed.folder / "checkpoint.npz").write_bytes(b"damaged")  # the one before is taken
        killed.resume()
        wait(lambda: killed.state in ENDED)
    assert killed.state == "done", killed.error
    one, two = whole.epochs(), killed.epochs()
    assert two["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(one["val_accuracy"], two["val_accuracy"], atol=0.005)
    card = json.loads((killed.bundle / "card.json").read_text())
    assert card["keras_parity"] <= 1e-3
    assert {"model.keras", "model.json", "model.weights.h5"} <= set(os.listdir(killed.bundle))
    faces = load_dataset("few").split("PublicTest")
    classifier = Classifier(read_bundle(killed.bundle))
    right = (classifier(faces.images).argmax(1) == faces.labels).mean()
    assert abs(right - killed.status["best_accuracy"]) < 0.02


def test_stopped_it_keeps_a_model_and_can_go_on(own):
    run = start(few(epochs=1000))
    wait(lambda: len(run.batches()) > 0)
    run.stop()
    wait(lambda: run.state in ENDED)
    assert run.state == "stopped" and run.bundle is not None
    run.resume(max(1, len(run.epochs())) + 1)
    wait(lambda: run.state in ENDED)
    assert run.state == "done" and len(run.epochs()) == run.config.epochs
    with pytest.raises(OptionError, match="all its epochs"):
        run.resume()
    assert load_run(run.id).folder == run.folder
    run.delete()
    assert list_runs() == [] and not run.folder.exists()


def test_what_cannot_be_trained_fails_in_words(own):
    broken = start(few(optimizer="sgd", learning_rate=10.0, epochs=8))
    large, gone = start(few(batch=4096)), start(few(name="x", seed=2))
    wait(lambda: all(run.state in ENDED for run in (broken, large, gone)))
    assert large.state == "failed" and "larger than" in large.error
    assert broken.state in {"failed", "done"}
    if broken.state == "failed":
        assert "smaller learning rate" in broken.error
    data = load_dataset("few")
    other = Dataset(255 - data.images, data.labels, data.names, data.splits)
    folder = own / "home" / "datasets" / "few"
    name = save_dataset("other", other)
    os.replace(own / "home" / "datasets" / name / "data.npz", folder / "data.npz")
    gone.resume(5)
    wait(lambda: gone.state in ENDED)
    assert gone.state == "failed" and "dataset has changed" in gone.error and gone.bundle is not None


def test_a_run_without_a_process_has_failed(own):
    folder = own / "home" / "runs" / "copied"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(few().to_json())
    (folder / "status.json").write_text('{"state": "running", "epoch": 3}')
    (folder / "epochs.jsonl").write_text('{"epoch": 1, "loss": 1.0}\n{"epoch": 2, "lo')
    run = load_run("copied")
    assert run.state == "failed" and run.epochs()["epoch"].tolist() == [1]
    run.note = "mine"
    assert run.note == "mine"


def test_one_after_the_other(own):
    said = []
    with turn(said.append, lambda: False) as first:
        assert first
        with turn(said.append, lambda: bool(said)) as second:
            assert not second and said == [1]
    with turn(said.append, lambda: False) as third:
        assert third and said == [1]


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"batch": 1}, {"learning_rate": float("nan")}, {"optimizer": "x"}, {"epochs": "3"}]
)
def test_settings_outside_what_is_allowed(bad):
    with pytest.raises(OptionError):
        TrainingConfig(**bad)


def test_settings_come_back_as_they_were():
    for name in PRESETS:
        config = preset(name, data="x")
        assert TrainingConfig.from_dict(json.loads(config.to_json())) == config
    with pytest.raises(OptionError, match="newer"):
        TrainingConfig.from_dict({"speed": 1})


def test_varied_images_keep_their_shape_and_the_seed_decides():
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 48), dtype=np.uint8)
    for how in ("none", "flip", "light"):
        one, two = (vary(images, np.random.default_rng(3), how) for _ in range(2))
        assert one.shape == images.shape
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(vary(images, np.random.default_rng(0), "none"), images)
    np.testing.assert_allclose(soft_targets(np.array([1]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05]])
