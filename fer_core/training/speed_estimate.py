"""How long a training will take on this computer: a few steps are measured in a process of their own, and remembered.

The process is `python -m fer_core.training.speed_estimate SETTINGS FILE`; it feeds and trains as the
training loop does, on drawn faces. What was measured holds for all visitors and servers of the computer.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import platform
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from fer_core.datasets.synthetic import synthetic_faces
from fer_core.errors import FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.keras_subprocess import has_keras
from fer_core.models.preprocessing import prepare
from fer_core.training.batches import batches
from fer_core.training.config import TrainingConfig
from fer_core.training.learner import CHUNK, Learner, precision_for
from fer_core.training.machine_queue import is_taken, shared_folder
from fer_core.utils.child_process import ChildProcess
from fer_core.utils.files import write_atomic
from fer_core.utils.locks import lock
from fer_core.utils.platform import exit_after, lower_process_priority, processor_name, usable_cores

__all__ = ["SpeedTrial", "TrainingSpeed", "estimate_speed", "known_speed", "main", "speed_key"]

LARGEST = 256
"""Images a step at most while measuring: beyond, an image takes no less time."""
SECONDS = 4.0
"""How long is measured, after the first steps, in which TensorFlow prepares itself."""
PATIENCE = 180.0
"""Seconds after which a measurement is given up."""
NICE = 5
"""How far it stands back: a page that shows a form must not slow down what somebody waits for."""


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """How fast this computer trains a network.

    Attributes:
        learn: seconds for each image of training.
        check: seconds for each image of validation.
        prepare: seconds from its start until the first steps are learned, in which TensorFlow is loaded.
        measured: when, in seconds since 1970.
    """

    learn: float
    check: float
    prepare: float
    measured: float

    def epoch(self, training: int, validation: int = 0) -> float:
        """Return the seconds of an epoch of so many images."""
        return self.learn * training + self.check * validation


def known_speed(config: TrainingConfig) -> TrainingSpeed | None:
    """Return what was measured here for such settings; None where nothing was."""
    try:
        found = json.loads(_file(config).read_text(encoding="utf-8"))
        tempo = TrainingSpeed(*(float(found[name]) for name in ("learn", "check", "prepare", "measured")))
        return tempo if min(tempo.learn, tempo.check) > 0 and tempo.prepare >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def estimate_speed(config: TrainingConfig) -> TrainingSpeed | None:
    """A guess for such settings by multiply-adds, from the network of the nearest number of them that was measured.

    Rough: networks differ in how well a processor is used. None where no network was measured with these settings.
    """
    work = ARCHITECTURES[config.architecture].multiply_adds
    others = {name: known_speed(dataclasses.replace(config, architecture=name)) for name in ARCHITECTURES}
    shares = {name: work / ARCHITECTURES[name].multiply_adds for name, tempo in others.items() if tempo is not None}
    if not shares:
        return None
    nearest = min(shares, key=lambda name: abs(math.log(shares[name])))
    tempo, share = others[nearest], shares[nearest]
    assert tempo is not None
    return dataclasses.replace(tempo, learn=tempo.learn * share, check=tempo.check * share)


def speed_key(config: TrainingConfig) -> str:
    """Return what settings of the same tempo share: the machine, and all that changes the work for an image."""
    work = {
        "machine": _machine(),
        "architecture": config.architecture,
        "batch": min(config.batch, LARGEST),
        "precision": precision_for(config.precision, config.architecture),
        "threads": config.threads or usable_cores(),
        "optimizer": config.optimizer,
        "augmentation": config.augmentation,
        "mixup": config.mixup > 0,
        "ema": config.ema > 0,
    }
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:24]


def _file(config: TrainingConfig) -> Path:
    return shared_folder() / "tempo" / f"{speed_key(config)}.json"


@functools.cache
def _machine() -> list[str]:
    names = [platform.node(), platform.machine(), processor_name()]
    for package in ("tensorflow", "keras"):
        try:
            names.append(version(package))
        except PackageNotFoundError:
            names.append("")
    return names


class SpeedTrial:
    """A measurement under way in a process of its own, about ten seconds long on a quiet computer."""

    def __init__(self, config: TrainingConfig):
        """Begin to measure; raises FerError where that cannot be done."""
        if not has_keras():
            raise FerError("TensorFlow is not installed here, so the time cannot be measured.")
        if config.architecture not in ARCHITECTURES:
            raise FerError(f"There is no network called {config.architecture!r}.")
        self._file = _file(config)
        self._end = time.monotonic() + PATIENCE
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            arguments = (config.to_json(), str(self._file.resolve()))
            quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
            module = "fer_core.training.speed_estimate"
            self._process = ChildProcess(module, *arguments, settings=quiet, outlives=False)
        except OSError as error:
            raise FerError(f"The time cannot be measured: {error.strerror}.") from error

    @property
    def ended(self) -> bool:
        """Whether it has ended; `known_speed` then has the answer, or None where it could not be measured."""
        if self._process.status is None and time.monotonic() > self._end:
            self.cancel()
        return self._process.status is not None

    def cancel(self) -> None:
        """End it without an answer."""
        self._process.end()


def _measure(config: TrainingConfig) -> TrainingSpeed:
    started, network = time.perf_counter(), ARCHITECTURES[config.architecture]
    faces = synthetic_faces(10)
    images = np.resize(faces.images, (4 * config.batch, *faces.images.shape[1:]))
    labels = np.resize(faces.labels, len(images))
    learner, steps = Learner(config, len(faces.names)), 0
    began, warm = time.perf_counter(), 0
    for epoch in range(1, 1000):
        for x, y, w, _ in batches(images, labels, len(faces.names), config, epoch, network.side, network.scale):
            learner.step(steps, config.learning_rate, x, y, w)
            steps += 1
            if steps == 2:
                began, warm = time.perf_counter(), steps
        if steps > warm + 2 and time.perf_counter() - began > SECONDS:
            break
    learn = (time.perf_counter() - began) / (steps - warm) / config.batch
    x = np.resize(prepare(images, network.side, network.scale), (6 * CHUNK, network.side, network.side, 1))
    times = []
    for _ in learner.answers(x):
        times.append(time.perf_counter())
    check = float(np.median(np.diff(times))) / CHUNK  # the first one prepares TensorFlow
    return TrainingSpeed(learn, check, began - started, time.time())


def main(arguments: list[str]) -> int:
    """Measure for these settings, and write the answer; 1 without one where a training would have spoiled it."""
    settings, path = arguments
    config = TrainingConfig.from_dict(json.loads(settings))
    with lock(shared_folder() / "measuring"):  # two at once would each find the computer half as fast
        if is_taken():
            return 1
        tempo = _measure(dataclasses.replace(config, batch=min(config.batch, LARGEST)))
        if is_taken():
            return 1
        write_atomic(Path(path), json.dumps(dataclasses.asdict(tempo)))
    return 0


if __name__ == "__main__":
    exit_after(PATIENCE)  # also where whoever began it has gone
    lower_process_priority(NICE)
    sys.exit(main(sys.argv[1:]))
