"""The commands `train` and `runs` as somebody types them: real processes, tiny data."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.trainings import training_home, until

from fer_core.datasets.library import load_dataset
from fer_core.training.runs import list_runs

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with training_home(tmp_path, monkeypatch) as folder:
        yield folder


def command(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fer_core", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_a_training_is_interrupted_resumed_listed_used_and_deleted(tmp_path: Path) -> None:
    few = load_dataset("few")
    names = {"images": few.images, "labels": few.labels, "names": np.array(few.names), "splits": few.splits}
    np.savez(tmp_path / "mine.npz", **names)
    arguments = ["train", "--data", "mine.npz", "--epochs", "1000", "--name", "My first", "--json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "fer_core", *arguments],
        cwd=tmp_path,  # the path is meant from where it is typed
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: child.poll() is not None or any(len(run.epochs()) for run in list_runs()))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130, err
    found = json.loads(out)
    assert found["state"] == "stopped" and found["name"] == "My first" and found["id"].startswith("my-first-")
    assert "epoch 1 of 1000: " in err and "Stopping" in err and "right in validation" in err
    assert f"models --use {found['id']}" in err and f"train --resume {found['id']}" in err

    (run,) = list_runs()
    assert run.bundle is not None and found["bundle"] == str(run.bundle)
    longer = len(run.epochs()) + 1
    done = command("train", "--resume", "My first", "--epochs", str(longer))
    assert done.returncode == 0 and "Done, " in done.stderr, done.stderr
    assert done.stdout == "" and len(run.epochs()) == longer

    listed = command("runs")
    assert listed.stdout.startswith(f"{run.id} (My first): done, ") and "right (epoch " in listed.stdout
    assert json.loads(command("runs", "--json").stdout)[0]["epoch"] == longer
    assert f"{run.id} (default)" in command("models", "--use", run.id).stdout
    assert command("runs", "--delete", "My first").returncode == 0 and list_runs() == []
    assert "(default)" in command("models").stdout.splitlines()[0], "the shipped model is used again"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], "Epochs must lie between 1 and 1000; received 0."),
        (["--data", "nowhere.csv"], "'nowhere.csv' is neither a file or folder nor a dataset"),
        (["--data", "few", "--batch", "4000"], "batch of 4,000 is larger than the 292 training images"),
        (["--resume", "nothing"], "no training called 'nothing'"),
    ],
)
def test_what_cannot_be_trained_is_said(arguments: list[str], words: str) -> None:
    done = command("train", *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_without_a_training_it_says_how_to_begin() -> None:
    done = command("runs")
    assert done.returncode == 0 and done.stdout == "" and "fer_core train" in done.stderr
