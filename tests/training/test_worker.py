"""Trainings as they run: real processes, tiny data."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from helpers.trainings import ended, few, training_home, until

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import delete_dataset, load_dataset, save_dataset
from fer_core.errors import OptionError
from fer_core.models.classifier import Classifier
from fer_core.models.registry import active_bundle, load_model, set_active
from fer_core.training import launcher as launching
from fer_core.training.checkpoints import load_last, save_arrays
from fer_core.training.runs import list_runs, load_run, start
from fer_core.utils.distribution import PACKAGE_PARENT


@pytest.fixture
def home(tmp_path, monkeypatch):
    with training_home(tmp_path, monkeypatch) as folder:
        yield folder


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(home):
    started, both = [], threading.Barrier(2)

    def press():  # two tabs at once
        both.wait()
        started.append(start(few(epochs=5)))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_runs()) == 2
    states = set()

    def second_waits_for_the_first():
        states.add(tuple(sorted(run.state for run in started)))
        return any(len(run.epochs()) >= 2 for run in started)

    until(second_waits_for_the_first)
    assert ("running", "running") not in states and ("queued", "running") in states
    killed = next(run for run in started if len(run.epochs()) >= 2)
    whole = next(run for run in started if run is not killed)
    assert killed.state == "running" and whole.place == 1
    os.kill(killed.status["pid"], signal.SIGKILL)
    until(lambda: not killed.alive)
    assert killed.state == "failed" and "Resume" in killed.error
    (killed.folder / "checkpoint.npz").write_bytes(b"damaged")  # the one before is taken
    killed.resume()
    with pytest.raises(OptionError, match="has not ended"):
        killed.resume()
    until(lambda: ended(whole, killed))
    assert (whole.state, killed.state) == ("done", "done"), (whole.error, killed.error)
    one, two = whole.epochs(), killed.epochs()
    assert two["epoch"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(one["val_accuracy"], two["val_accuracy"], atol=0.005)
    assert killed.batches()["epoch"].is_monotonic_increasing

    card = json.loads((killed.bundle / "card.json").read_text())
    assert card["keras_parity"] <= 1e-3
    assert {"model.keras", "model.json", "model.weights.h5"} <= set(os.listdir(killed.bundle))
    set_active(killed.id)
    faces = load_dataset("few").split("PublicTest")
    right = (Classifier(load_model(active_bundle()))(faces.images).argmax(1) == faces.labels).mean()
    assert abs(right - killed.status["best_accuracy"]) < 0.02

    # A folder that was copied to another computer shows all it has; its data is not there, which is said.
    other = home.parent / "other"
    shutil.copytree(killed.folder, other / "runs" / killed.id)
    os.environ["FER_HOME"] = str(other)  # the fixture's monkeypatch puts it back
    copy = load_run(killed.id)
    assert copy.state == "done" and len(copy.epochs()) == 5 and copy.bundle is not None
    copy.resume(7)
    until(lambda: ended(copy))
    assert copy.state == "failed" and "'few' is neither" in copy.error and copy.bundle is not None
    assert len(copy.epochs()) == 5


def test_stopped_it_keeps_a_model_and_can_go_on_while_its_data_is_there(home):
    data = load_dataset("few")
    alone = np.flatnonzero((data.labels == 0) & (data.splits == "Training"))[1:]
    save_dataset("rare", data.select(np.setdiff1d(np.arange(len(data)), alone)))
    run = start(few(data="rare", epochs=1000))
    until(lambda: len(run.epochs()) >= 1)
    assert "only one training image of angry" in run.status["warnings"][0]
    delete_dataset("rare")  # it vanishes under the training, which has read it
    more = len(run.epochs()) + 1
    until(lambda: len(run.epochs()) > more or ended(run))
    run.stop()
    assert run.state in {"stopping", "stopped"}
    until(lambda: ended(run))
    assert run.state == "stopped" and run.error is None and run.bundle is not None
    last = run.epochs()["epoch"].max()
    run.resume()
    until(lambda: ended(run))
    assert run.state == "failed" and "'rare' is neither" in run.error and run.bundle is not None
    changed = data.select(np.setdiff1d(np.arange(len(data)), alone))
    save_dataset("rare", Dataset(255 - changed.images, changed.labels, changed.names, changed.splits))
    run.resume()
    until(lambda: ended(run))
    assert run.state == "failed" and "dataset has changed" in run.error and run.bundle is not None
    delete_dataset("rare")
    save_dataset("rare", changed)
    run.resume(int(last) + 1)
    until(lambda: ended(run))
    assert run.state == "done" and len(run.epochs()) == last + 1
    with pytest.raises(OptionError, match="all its epochs"):
        run.resume()
    run.delete()
    assert list_runs() == [] and not run.folder.exists()


def test_a_loss_that_is_no_number_ends_it_and_the_best_weights_stay(home):
    run = start(few(epochs=1))
    until(lambda: ended(run))
    assert run.state == "done", run.error
    arrays, state = load_last(run.folder)
    save_arrays(run.folder / "checkpoint.npz", [np.full_like(a, np.nan) if a.ndim == 2 else a for a in arrays], state)
    shutil.rmtree(run.bundle)
    run.resume(3)
    until(lambda: ended(run))
    assert run.state == "failed" and "loss became infinite" in run.error and "smaller learning rate" in run.error
    assert run.epochs()["epoch"].tolist() == [1], "no epoch of it counts"
    faces = load_dataset("few").split("PublicTest")
    found = Classifier(load_model(run.id))(faces.images)
    assert np.isfinite(found).all(), "the model is that of the last good epoch"


def test_a_full_disk_ends_it_in_words_and_it_goes_on_when_there_is_space(home):
    # A network with strided and depthwise convolutions, whose gradients in float32 ended the process once.
    run = start(few(epochs=2, architecture="mini_xception"))
    run.stop()
    until(lambda: ended(run))
    # No file may grow beyond 100 kB: settings and status can be written, a checkpoint cannot.
    (run.folder / "stop").unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "fer_core.training.launcher", str(run.folder)],
        cwd=PACKAGE_PARENT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        timeout=300,
        capture_output=True,
    )
    assert run.state == "failed" and "disk is full" in run.error and "resume" in run.error
    assert len(run.epochs()) == 0 and run.bundle is None
    assert not [name for name in os.listdir(run.folder) if name.endswith(".part") or name == "reserve"]
    run.resume()
    until(lambda: ended(run))
    assert run.state == "done" and len(run.epochs()) == 2, run.error


def test_what_cannot_be_trained_fails_in_words_before_tensorflow_is_loaded(home):
    large, gone = start(few(batch=4096)), start(few(data="nowhere"))
    until(lambda: ended(large, gone))
    assert large.state == "failed" and "batch of 4,096 is larger than the 292 training images" in large.error
    assert gone.state == "failed" and "nowhere" in gone.error
    with pytest.raises(OptionError, match="no network called 'huge'"):
        start(few(architecture="huge"))


def test_it_ends_while_it_prepares_when_stopped_terminated_or_out_of_time(home):
    late, short = start(few()), start(few(), minutes=0.0001)
    late.stop()
    told = start(few())
    until(lambda: "pid" in told.status)
    os.kill(told.status["pid"], signal.SIGTERM)
    until(lambda: ended(late, short, told))
    assert {run.state for run in (late, short, told)} == {"stopped"}
    assert "0.0001 minutes that a training may take here are up" in short.message
    assert late.message == told.message == "" and late.bundle is None
    assert all(not {"stop", "reserve"} & set(os.listdir(run.folder)) for run in (late, short, told))


def test_it_ends_when_its_folder_is_taken_away(home):
    run = start(few(epochs=1000))
    process = launching._children[-1]
    until(lambda: len(run.batches()) > 0)
    grave = home.with_name("grave")
    home.rename(grave)  # at once: a file that is written while a folder is emptied would keep it
    shutil.rmtree(grave, ignore_errors=True)
    assert process.wait(300) is not None
    assert not run.folder.exists(), "it writes nothing where nobody wants it"
