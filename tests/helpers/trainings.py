"""What tests of trainings share: a home with a small dataset, settings of a short training, and waiting for a state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.training.config import TrainingConfig
from fer_core.training.runs import Run, list_runs

__all__ = ["ENDED", "ended", "few", "training_home", "until"]

ENDED = {"stopped", "done", "failed"}


@contextmanager
def training_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own with the dataset `few`, a queue of its own, and no training left at the end."""
    home = folder / "home"
    monkeypatch.setenv("FER_HOME", str(home))
    monkeypatch.setenv("FER_QUEUE", str(folder / "queue"))
    monkeypatch.delenv("FER_TRAINING_MINUTES", raising=False)
    data = load_dataset("synthetic")
    save_dataset("few", data.select(np.arange(0, len(data), 6)))
    yield home
    for run in list_runs():
        run.stop()
    for run in list_runs():
        until(lambda run=run: not run.alive)


def until(true: Callable[[], object], seconds: float = 300) -> None:
    """Wait for a state; how long it takes depends on the machine and is not what is tested."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def few(**changes: object) -> TrainingConfig:
    """Settings of a training that takes seconds."""
    usual = {"data": "few", "batch": 32, "threads": 1, "precision": "float32", "epochs": 3}
    return TrainingConfig(**{**usual, **changes})  # type: ignore[arg-type]


def ended(*runs: Run) -> bool:
    """Whether all have ended."""
    return all(run.state in ENDED for run in runs)
