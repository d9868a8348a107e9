"""Runs as folders, their settings and their queue; no network is trained."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from helpers.trainings import few, training_home

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.errors import DatasetError, FerError, OptionError
from fer_core.training import status as status_module
from fer_core.training.batches import soft_targets, vary
from fer_core.training.checkpoints import load_last, save_next
from fer_core.training.config import PRESETS, TrainingConfig, preset
from fer_core.training.launcher import held, take
from fer_core.training.machine_queue import queue_turn, shared_folder
from fer_core.training.runs import load_run
from fer_core.training.split import split_dataset
from fer_core.training.status import Status
from fer_core.utils.distribution import PACKAGE_PARENT
from fer_core.utils.jobs import PREFIX


@pytest.fixture
def home(tmp_path, monkeypatch):
    with training_home(tmp_path, monkeypatch) as folder:
        yield folder


def make_run(home, name="copied", **status):
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(few().to_json())
    (folder / "status.json").write_text(json.dumps(status))
    return load_run(name)


def test_a_run_without_a_process_has_failed(home):
    run = make_run(home, state="running", epoch=3)
    (run.folder / "epochs.jsonl").write_text('{"epoch": 1, "loss": 1.0}\n[]\n\n{"epoch": 2, "lo')
    assert run.state == "failed" and "copied here while it ran" in run.error
    assert run.epochs()["epoch"].tolist() == [1]
    run.note = "mine"
    assert run.note == "mine"
    (run.folder / "status.json").write_text("nothing")
    assert run.state == "failed" and run.status == {}


HOLDER = """
import pathlib, sys, time
from fer_core.utils.locks import try_lock
lock = try_lock(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
time.sleep(300)
"""


def test_only_one_of_two_that_resume_at_once_does(home, monkeypatch):
    begun = []

    def launch(folder, minutes):
        command = [sys.executable, "-c", HOLDER, str(folder / "lock")]
        begun.append(subprocess.Popen(command, cwd=PACKAGE_PARENT, stdout=subprocess.PIPE))
        assert begun[-1].stdout.readline() == b"ready\n"

    monkeypatch.setattr("fer_core.training.runs.launch", launch)
    run, both, refused = make_run(home, state="stopped"), threading.Barrier(2), []

    def press():
        both.wait()
        try:
            run.resume()
        except OptionError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(begun) == 1 and len(refused) == 1 and "has not ended" in refused[0]
        assert run.alive and run.state == "queued"
        with pytest.raises(OptionError, match="Stop it first"):
            run.delete()
    finally:
        begun[0].kill()
        begun[0].communicate()
    assert run.state == "failed"
    run.delete()
    assert not run.folder.exists()


def test_a_lock_is_free_when_its_holder_is_gone(tmp_path):
    assert not held(tmp_path)
    lock = take(tmp_path)
    assert held(tmp_path)
    with pytest.raises(OptionError):
        take(tmp_path)
    lock.release()
    assert not held(tmp_path)


def test_the_queue_is_not_taken_for_what_a_server_left_over(monkeypatch):
    monkeypatch.delenv("FER_QUEUE", raising=False)
    assert not shared_folder().name.startswith(PREFIX)


def test_one_after_the_other(home):
    said = []
    with queue_turn(said.append, lambda: False) as first:
        assert first
        with queue_turn(said.append, lambda: bool(said)) as second:
            assert not second and said == [1]
    with queue_turn(said.append, lambda: False) as third:
        assert third and said == [1]


def test_the_last_word_can_be_said_on_a_full_disk(tmp_path, monkeypatch):
    status = Status(tmp_path)
    status.say(state="running")
    real = status_module.write_atomic

    def write(path, content):
        if (tmp_path / "reserve").exists():
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(status_module, "write_atomic", write)
    status.say(state="failed")
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "failed"


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(tmp_path):
    assert load_last(tmp_path) is None
    for epoch in (1, 2):
        save_next(tmp_path, [np.full(3, epoch)], {"epoch": epoch})
    assert load_last(tmp_path)[1] == {"epoch": 2}
    (tmp_path / "checkpoint.npz").write_bytes((tmp_path / "checkpoint.npz").read_bytes()[:-40])
    arrays, state = load_last(tmp_path)
    assert state == {"epoch": 1} and arrays[0].tolist() == [1, 1, 1]
    (tmp_path / "checkpoint-before.npz").write_bytes(b"")
    with pytest.raises(FerError, match="are damaged"):
        load_last(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint-before.npz", "checkpoint.npz"]


def test_a_checkpoint_runs_nothing(tmp_path):
    np.savez(tmp_path / "checkpoint.npz", state=np.array({"epoch": 1}, dtype=object), a0000=np.zeros(2))
    with pytest.raises(FerError, match="are damaged"):
        load_last(tmp_path)


def kept(name, keep, **changes):
    """A copy of the images with some left out."""
    data = load_dataset("few")
    parts = {"images": data.images, "labels": data.labels, "names": data.names, "splits": data.splits, **changes}
    save_dataset(name, Dataset(**parts).select(np.flatnonzero(keep(data))))
    return few(data=name)


def test_the_images_of_a_training(home):
    parts = split_dataset(few())
    assert (len(parts.training), len(parts.validation)) == (292, 58) and parts.warnings == ()
    assert parts.learned_on == "few, Training, 292 images" and parts.measured_on == "few, PublicTest, 58 images"

    rare = kept("rare", lambda d: (d.labels != 0) | (np.cumsum(d.labels == 0) == 1))
    assert split_dataset(rare).warnings == (
        "There is only one training image of angry: do not expect the network to recognise it.",
        "No image to measure on shows angry: how well it is recognised cannot be told.",
    )
    none = kept("none", lambda d: ~((d.labels < 2) & (d.splits == "Training")))
    assert split_dataset(none).warnings == (
        "There is no training image of angry and disgust: do not expect the network to recognise it.",
    )


def test_images_that_cannot_be_learned_from(home):
    with pytest.raises(OptionError, match="batch of 300 is larger than the 292"):
        split_dataset(few(batch=300))
    with pytest.raises(OptionError, match="must not be the same"):
        split_dataset(few(validation_split="Training"))
    with pytest.raises(DatasetError, match="no split called 'x'"):
        split_dataset(few(validation_split="x"))
    with pytest.raises(DatasetError, match="nothing to learn"):
        split_dataset(kept("same", lambda d: d.labels == 3))
    with pytest.raises(DatasetError, match="too few images"):
        split_dataset(kept("one", lambda d: np.arange(len(d)) == 0))


@pytest.mark.parametrize(
    "parts, measured, warned",
    [
        (("Training", "Validation", "Test"), "Validation", False),
        (("Training", "Test"), "Test", True),
        (("Training", "PublicTest", "PrivateTest"), "PublicTest", False),
        (("Training", "Holdout"), "Holdout", False),
    ],
)
def test_the_part_to_measure_on_is_found(home, parts, measured, warned):
    """People's datasets have train and test, or train and validation; FER2013's names are its own."""
    splits = np.array([parts[i % len(parts)] for i in range(len(load_dataset("few")))])
    config = kept("theirs", lambda data: np.ones(len(data), bool), splits=splits)
    found = split_dataset(config)
    assert f", {measured}, " in found.measured_on
    assert any("test images" in words for words in found.warnings) is warned
    assert len(found.training) == (splits == "Training").sum()


def test_a_dataset_of_one_part_is_divided_and_copies_stay_together(home):
    data = load_dataset("few")
    images = data.images.copy()
    images[1::2] = images[: len(images) // 2 * 2 : 2]  # every picture twice
    labels = np.repeat(data.labels[::2], 2)[: len(data)]
    config = kept("whole", lambda d: d.labels >= 0, images=images, labels=labels, splits=np.full(len(data), "Training"))
    parts = split_dataset(config)
    learned, held_out = ({image.tobytes() for image in part.images} for part in (parts.training, parts.validation))
    assert not learned & held_out and len(parts.training) + len(parts.validation) == len(data)
    assert 0.08 < len(parts.validation) / len(data) < 0.25
    assert set(parts.validation.labels) == set(range(7)) and "held out" in parts.measured_on
    again = split_dataset(config)
    np.testing.assert_array_equal(parts.validation.rows, again.validation.rows)


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"batch": 1}, {"learning_rate": float("nan")}, {"optimizer": "x"}, {"epochs": "3"}]
)
def test_settings_outside_what_is_allowed(bad):
    with pytest.raises(OptionError):
        TrainingConfig(**bad)


def test_zero_epochs_are_refused_in_words():
    with pytest.raises(OptionError, match="Epochs must lie between 1 and 1000; received 0"):
        TrainingConfig(epochs=0)


def test_settings_come_back_as_they_were():
    for name in PRESETS:
        config = preset(name, data="x", name="mine")
        assert TrainingConfig.from_dict(json.loads(config.to_json())) == config
    with pytest.raises(OptionError, match="newer"):
        TrainingConfig.from_dict({"speed": 1})


def test_varied_images_keep_their_shape_and_the_seed_decides():
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 48), dtype=np.uint8)
    for how in ("none", "flip", "light", "full"):
        one, two = (vary(images, np.random.default_rng(3), how) for _ in range(2))
        assert one.shape == images.shape
        np.testing.assert_array_equal(one, two)
    assert vary(images, np.random.default_rng(3), "full", 44).shape == (9, 44, 44)
    np.testing.assert_array_equal(vary(images, np.random.default_rng(0), "none"), images)
    np.testing.assert_allclose(soft_targets(np.array([1]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05]])
