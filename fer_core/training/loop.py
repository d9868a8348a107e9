"""The epochs of a training: learn, measure, keep the best, write what happened into the run's folder (see `runs`)."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fer_core.errors import DatasetError, FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.litert_export import make_bundle
from fer_core.models.preprocessing import prepare
from fer_core.training.batches import batches
from fer_core.training.checkpoints import load_arrays, load_last, save_arrays, save_next
from fer_core.training.learner import Learner
from fer_core.training.run_log import lines, open_lines
from fer_core.training.runs import Run
from fer_core.training.split import TrainingSplit, split_dataset
from fer_core.training.status import Status
from fer_core.utils.files import write_atomic
from fer_core.utils.platform import peak_memory_mb

__all__ = ["Interrupted", "NotANumber", "TrainingLoop"]

SAY_EVERY = 0.5
"""Seconds between two lines of batches.jsonl."""


class Interrupted(Exception):
    """It was asked to stop, or its time is up."""


class NotANumber(Exception):
    """The loss is infinite or not a number."""


class TrainingLoop:
    """A network in training with its data, figures and checkpoints.

    Attributes:
        run: whose folder is written.
        best_epoch: the epoch of the best weights; 0 before the first.
    """

    def __init__(
        self, run: Run, status: Status, interrupted: Callable[[], bool], data: TrainingSplit, learner: Learner
    ):
        """Set up; nothing is read or written yet. See `prepare`.

        Args:
            run: the run.
            status: hears what happens.
            interrupted: asked often; where it says so, the epoch under way is left.
            data: images to learn from and to measure on.
            learner: the network and its optimizer.
        """
        self.run, self.config = run, run.config
        self._status, self._interrupted = status, interrupted
        self._parts, self._learner = data, learner
        self._training, self._validation = data.training, data.validation
        self._names = self._training.names
        self._architecture = ARCHITECTURES[self.config.architecture]
        self._check = prepare(self._validation.images, self._architecture.side, self._architecture.scale)
        self._steps = math.ceil(len(self._training) / self.config.batch)
        self._state: dict[str, Any] = {
            "epoch": 0,
            "rate": self.config.learning_rate,
            "best_loss": math.inf,
            "wait": 0,
            "best_accuracy": -1.0,
            "best_epoch": 0,
            "rows": [],
            "fingerprint": self._parts.fingerprint,
        }

    @classmethod
    def prepare(cls, run: Run, status: Status, interrupted: Callable[[], bool]) -> TrainingLoop:
        """Read the data, build the network, and take up the last checkpoint; see `__init__`.

        Raises:
            FerError: the data, the settings or the checkpoint cannot be used.
        """
        data = split_dataset(run.config)
        learner = Learner(run.config, len(data.training.names))
        loop = cls(run, status, interrupted, data, learner)
        status.say(
            classes=list(data.training.names),
            guess=float(np.bincount(data.validation.labels).max() / len(data.validation)),
            precision=learner.precision,
            epochs=run.config.epochs,
            warnings=list(data.warnings),
            memory_mb=peak_memory_mb(),
        )
        loop._restore()
        return loop

    @property
    def best_epoch(self) -> int:
        """Epoch of the best weights; 0 before the first."""
        return int(self._state["best_epoch"])

    def _restore(self) -> None:
        found = load_last(self.run.folder)
        if found is not None:
            arrays, state = found
            if state.get("fingerprint") not in {None, self._parts.fingerprint}:
                raise DatasetError(
                    "The dataset has changed since this training began, so going on would mix two datasets. "
                    "Bring the old one back, or start a new training."
                )
            self._learner.assign(arrays)
            self._state = state
        # What was written after the checkpoint is learned, and written, again.
        kept = [row for row in lines(self.run.folder / "batches.jsonl") if row.get("epoch", 0) <= self._state["epoch"]]
        for name, rows in {"epochs.jsonl": self._state["rows"], "batches.jsonl": kept}.items():
            write_atomic(self.run.folder / name, "".join(json.dumps(row) + "\n" for row in rows))

    def fit(self) -> None:
        """All epochs that are left, or fewer where it stops early.

        Raises:
            Interrupted: it was asked to stop; complete epochs are kept.
            NotANumber: the loss is none; complete epochs are kept.
        """
        config = self.config
        for number in range(self._state["epoch"] + 1, config.epochs + 1):
            self._epoch(number)
            if config.early_stop and number - self.best_epoch >= config.early_stop:
                break

    def _rate(self, step: int) -> float:
        config = self.config
        if config.schedule != "cosine":
            return float(self._state["rate"])
        total = self._steps * config.epochs
        rising = config.warm_up * total
        if step < rising:
            return config.learning_rate * (step + 1) / rising
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))

    def _epoch(self, number: int) -> None:
        began = told = time.monotonic()  # the clock of the day may jump
        total = hits = seen = rate = 0.0
        part = [0.0, 0.0, 0.0]
        feed = batches(
            self._training.images,
            self._training.labels,
            len(self._names),
            self.config,
            number,
            self._architecture.side,
            self._architecture.scale,
        )
        with contextlib.closing(feed), open_lines(self.run.folder / "batches.jsonl") as file:
            for b, (x, y, w, own) in enumerate(feed):
                if self._interrupted():
                    raise Interrupted
                step = (number - 1) * self._steps + b
                rate = self._rate(step)
                loss, guess = self._learner.step(step, rate, x, y, w)
                if not math.isfinite(loss):
                    raise NotANumber
                n, right = len(own), float((guess == own).sum())
                total, hits, seen = total + loss * n, hits + right, seen + n
                part = [part[0] + loss * n, part[1] + right, part[2] + n]
                if time.monotonic() - told > SAY_EVERY or b + 1 == self._steps:
                    told = time.monotonic()
                    row = {"batch": b + 1, "epoch": number, "loss": part[0] / part[2], "accuracy": part[1] / part[2]}
                    file.write(json.dumps({**row, "t": time.time()}) + "\n")
                    file.flush()
                    self._status.say(epoch=number, batch=b + 1, batches=self._steps, memory_mb=peak_memory_mb())
                    part = [0.0, 0.0, 0.0]
        speed = seen / max(time.monotonic() - began, 1e-9)
        val_loss, val_accuracy, recall = self._validate()
        figures = {
            "epoch": number,
            "loss": total / seen,
            "accuracy": hits / seen,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "recall": recall,
            "learning_rate": rate,
            "images_per_second": round(speed, 1),
            "seconds": round(time.monotonic() - began, 2),
            "memory_mb": peak_memory_mb(),
        }
        self._close_epoch(number, figures)

    def _validate(self) -> tuple[float, float, dict[str, float | None]]:
        """Loss, accuracy, and recall of each class on the validation images."""
        parts, labels = [], self._validation.labels
        with contextlib.closing(self._learner.answers(self._check)) as answers:
            for part in answers:
                if self._interrupted():
                    raise Interrupted
                parts.append(part)
        logits = np.concatenate(parts)
        top = logits.max(1, keepdims=True)
        log_sum = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
        loss = float((log_sum - logits[np.arange(len(labels)), labels]).mean())
        if not math.isfinite(loss):
            raise NotANumber
        right = logits.argmax(1) == labels
        recall = {
            name: float(right[labels == i].mean()) if (labels == i).any() else None
            for i, name in enumerate(self._names)
        }
        return loss, float(right.mean()), recall

    def _close_epoch(self, number: int, row: dict[str, Any]) -> None:
        state, config, folder = self._state, self.config, self.run.folder
        if row["val_accuracy"] > state["best_accuracy"]:
            state |= {"best_accuracy": row["val_accuracy"], "best_epoch": number}
            self._keep(row)
        if row["val_loss"] < state["best_loss"] - 1e-4:
            state |= {"best_loss": row["val_loss"], "wait": 0}
        else:
            state["wait"] += 1
            if config.schedule == "plateau" and state["wait"] >= config.plateau_patience:
                state |= {"rate": max(state["rate"] * config.plateau_factor, 1e-5), "wait": 0}
        state["epoch"] = number
        state["rows"].append(row)
        save_next(folder, self._learner.arrays(), state)
        with open_lines(folder / "epochs.jsonl") as file:
            file.write(json.dumps(row) + "\n")
        self._status.say(best_epoch=state["best_epoch"], best_accuracy=state["best_accuracy"])

    def _keep(self, row: dict[str, Any]) -> None:
        save_arrays(self.run.folder / "best.npz", self._learner.weights(), row)

    def bundle(self) -> None:
        """Make the model of the best weights; of the present ones where no epoch is complete.

        Raises:
            FerError: the best weights cannot be read, or the inference weights answer other than Keras.
        """
        if not self.best_epoch:
            if not self._learner.steps_done:
                return
            self._keep({"epoch": 0})
        found = load_arrays(self.run.folder / "best.npz")
        if found is None:
            raise FerError("The best weights of this training cannot be read. Resume it to make them anew.")
        import keras

        keras.mixed_precision.set_dtype_policy("float32")
        model = self._architecture.build(len(self._names))
        model.set_weights(found[0])
        make_bundle(model, self.run.folder / "bundle", self._card(found[1]), self._validation.images)

    def _card(self, row: dict[str, Any]) -> dict[str, Any]:
        config, network = self.config, self._architecture
        return {
            "name": self.run.id,
            "title": config.name or f"{network.title}, trained here",
            "summary": f"{network.title}, trained on {config.data}.",
            "architecture": config.architecture,
            "main": "expressions",
            "heads": [{"name": "expressions", "labels": list(self._names)}],
            "unsure_below": 0.4,
            "preprocessing": {"side": network.side, "scale": network.scale},
            "data": {
                "trained_on": self._parts.learned_on,
                "selected_on": self._parts.measured_on,
            },
            "recipe": json.loads(config.to_json()) | {"precision": self._learner.precision},
            "epoch": row["epoch"],
            "epochs_done": self._state["epoch"],
            "metrics": {config.validation_split: {"accuracy": row.get("val_accuracy"), "recall": row.get("recall")}},
            "limits": ["An expression is not a feeling: the network names what a face shows."],
        }
