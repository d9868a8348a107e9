"""Trainings as folders: start, list, follow, stop, resume, delete. No TensorFlow here.

A run is the folder `workspace()/runs/<id>/`, written by its own process (`trainer`) and only read by everybody else:

    config.json     the settings (TrainingConfig)
    status.json     state, error, message, epoch, batch, batches, epochs, place, classes, started, updated, ended,
                    best_epoch, best_accuracy, guess (share of the largest class in validation), warnings (sentences),
                    spent (seconds of training), memory_mb (at its most so far); replaced as a whole
    epochs.jsonl    one object an epoch: epoch, loss, accuracy, val_loss, val_accuracy, recall {label: share or null},
                    learning_rate, images_per_second, seconds, memory_mb
    batches.jsonl   a few objects a second: batch, epoch, loss, accuracy (means since the line before), t (time)
    checkpoint.npz  everything that going on needs, after each epoch; checkpoint-before.npz the one before
    best.npz        weights of the epoch with the best validation accuracy
    bundle/         the finished model, there whole or not at all
    note.txt        the person's own words
    log.txt         what the process printed
    stop            is there where somebody asked it to stop
    lock            held from the start until the process has ended, however it ends

Lines are appended whole; a last line without its end is left out by readers.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.errors import FerError, OptionError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.keras_subprocess import has_keras
from fer_core.training.config import TrainingConfig
from fer_core.training.launcher import held, launch, take
from fer_core.training.run_log import batch_table, epoch_table
from fer_core.training.status import read_status
from fer_core.utils.files import read_object, read_plain, write_atomic
from fer_core.utils.platform import remove_file, remove_folder
from fer_core.utils.platform import replace as move
from fer_core.utils.workspace import workspace

__all__ = ["ACTIVE", "Run", "list_runs", "load_run", "start", "train"]

ACTIVE = frozenset({"queued", "running", "stopping"})
"""States of a run that has not ended."""

LONGEST_NOTE = 10_000
"""Letters of a note."""


class Run:
    """A training and what it has left so far. Reads its folder anew at each question.

    Attributes:
        folder: where it lies.
        id: its folder's name.

    Example:
        >>> for run in list_runs():
        ...     print(run.id, run.state)
    """

    def __init__(self, folder: Path):
        self.folder, self.id = folder, folder.name

    @property
    def config(self) -> TrainingConfig:
        """Its settings; OptionError where they cannot be read."""
        try:
            return TrainingConfig.from_dict(read_object(self.folder / "config.json"))
        except (OSError, ValueError, TypeError) as error:
            raise OptionError(f"The settings of the training {self.id!r} cannot be read. Delete it.") from error

    @property
    def name(self) -> str:
        """What the person calls it."""
        try:
            return self.config.name or self.id
        except OptionError:
            return self.id

    @property
    def status(self) -> dict[str, Any]:
        """What its process last said; empty where it has not spoken."""
        return read_status(self.folder)

    @property
    def alive(self) -> bool:
        """Whether its process lives on this computer."""
        return held(self.folder)

    @property
    def state(self) -> str:
        """queued, running, stopping, stopped, done or failed."""
        alive = self.alive  # asked first: one that ends in between has written its end before
        said = str(self.status.get("state") or "")
        if alive:
            if (self.folder / "stop").exists():
                return "stopping"
            return said if said in ACTIVE else "running" if said else "queued"
        return said if said in {"stopped", "done", "failed"} else "failed"

    @property
    def error(self) -> str | None:
        """Why it failed, in words; None where it did not."""
        if self.state != "failed":
            return None
        status = self.status
        if status.get("state") == "failed":
            return _words(status.get("error")) or "The training failed."
        return (
            "The training ended without a word: its process was killed, the computer was switched off, or the folder "
            "was copied here while it ran. Resume it: no complete epoch is lost."
        )

    @property
    def message(self) -> str:
        """What is to be said of how it ended, such as that its time was up; empty where nothing is."""
        return _words(self.status.get("message"))

    @property
    def place(self) -> int:
        """How many trainings of this computer go before it; 0 when it runs or is next."""
        place = self.status.get("place", 0)
        return place if self.state == "queued" and isinstance(place, int) else 0

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        try:
            return (self.folder / "config.json").stat().st_mtime
        except OSError:
            return 0.0

    def epochs(self) -> pd.DataFrame:
        """Return one row for each complete epoch, see `history.epoch_table`."""
        return epoch_table(self.folder)

    def batches(self) -> pd.DataFrame:
        """Loss and accuracy within the epochs, see `history.batch_table`."""
        return batch_table(self.folder)

    @property
    def note(self) -> str:
        """The person's own words about it."""
        try:
            return read_plain(self.folder / "note.txt", 4 * LONGEST_NOTE).decode()[:LONGEST_NOTE]
        except (OSError, ValueError):
            return ""

    @note.setter
    def note(self, text: str) -> None:
        write_atomic(self.folder / "note.txt", text[:LONGEST_NOTE])

    @property
    def bundle(self) -> Path | None:
        """Folder of the finished model; None where there is none yet."""
        folder = self.folder / "bundle"
        return folder if (folder / "card.json").is_file() else None

    @property
    def resumable(self) -> bool:
        """Whether `resume` has something to go on with: it ended early."""
        return self.state in {"stopped", "failed"}

    def stop(self) -> None:
        """Ask it to stop; it keeps its best weights and makes a model of them."""
        if self.state in ACTIVE:
            (self.folder / "stop").touch()

    def resume(self, epochs: int | None = None, *, minutes: float | None = None) -> None:
        """Go on from the last complete epoch, or from the start where there is none.

        Args:
            epochs: rounds in all, if other than planned; a finished run can be made longer that way.
            minutes: see `start`; what the run has taken before counts.

        Raises:
            OptionError: it runs, or has nothing to go on with.
            FerError: the disk is full.
        """
        config = self.config
        if self.alive:
            raise OptionError("This training has not ended, so it cannot be resumed.")
        if self.state == "done" and (epochs or 0) <= config.epochs:
            raise OptionError("This training has done all its epochs. Ask for more of them to go on.")
        longer = replace(config, epochs=epochs or config.epochs)
        gate = take(self.folder)
        try:
            created = self.created
            write_atomic(self.folder / "config.json", longer.to_json())
            os.utime(self.folder / "config.json", (created, created))
            self._begin(minutes)
        except OSError as error:
            raise FerError(f"The training cannot go on: {error.strerror}. Free some space and try again.") from error
        finally:
            gate.release()

    def _begin(self, minutes: float | None) -> None:
        remove_file(self.folder / "stop")
        status = {**self.status, "state": "queued", "error": None, "message": None, "place": 0}
        write_atomic(self.folder / "status.json", json.dumps(status))
        launch(self.folder, minutes)

    def delete(self) -> None:
        """Remove it with all its files; OptionError while it runs."""
        gate = take(self.folder)
        try:
            grave = self.folder.with_name(f".{secrets.token_hex(8)}")
            try:
                move(self.folder, grave)
            except OSError as error:
                raise FerError(f"The training cannot be deleted: {error.strerror}.") from error
            remove_folder(grave)
        finally:
            gate.release(for_good=True)


def start(config: TrainingConfig, *, minutes: float | None = None) -> Run:
    """Begin a training in a process of its own; it waits there while another one runs on this computer.

    Args:
        config: the settings.
        minutes: after which it is stopped, with the best weights kept; FER_TRAINING_MINUTES if None, else no limit.

    Raises:
        OptionError: there is no network of that name.
        FerError: the run's folder cannot be made, or TensorFlow is not installed.
    """
    if not has_keras():
        raise FerError("TensorFlow is not installed here, and training needs it: pip install tensorflow.")
    if config.architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise OptionError(f"There is no network called {config.architecture!r}. There are: {known}.")
    stem = re.sub(r"[^a-z0-9]+", "-", config.name.lower()).strip("-")[:40] or config.architecture.replace("_", "-")
    run = Run(workspace() / "runs" / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
    try:
        run.folder.mkdir(parents=True)
        write_atomic(run.folder / "config.json", config.to_json())
        gate = take(run.folder)
        try:
            run._begin(minutes)
        finally:
            gate.release()
    except OSError as error:
        remove_folder(run.folder)
        raise FerError(f"The training cannot be kept: {error.strerror}. Free some space and try again.") from error
    return run


def train(config: TrainingConfig, *, minutes: float | None = None) -> Run:
    """Train a network in a process of its own, and wait until it has ended.

    Args:
        config: the settings; see `preset`.
        minutes: see `start`.

    Returns:
        The run; `run.bundle` is the folder of its model.

    Raises:
        OptionError: there is no network of that name.
        FerError: it cannot be started, or it failed.

    Example:
        >>> from fer_core import preset
        >>> run = train(preset("quick"))  # doctest: +SKIP
        >>> run.state  # doctest: +SKIP
        'done'
    """
    run = start(config, minutes=minutes)
    while run.state in ACTIVE:
        time.sleep(0.3)
    if run.error:
        raise FerError(run.error)
    return run


def list_runs() -> list[Run]:
    """Return the runs of this home, the newest first."""
    found = [Run(path.parent) for path in (workspace() / "runs").glob("*/config.json") if path.parent.name[0] != "."]
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def load_run(run_id: str) -> Run:
    """Return the run of that id, or of that name where only one has it; OptionError that lists what there is."""
    runs = list_runs()
    same = [run for run in runs if run.id == run_id] or [run for run in runs if run.name == run_id]
    if len(same) == 1:
        return same[0]
    if same:
        raise OptionError(f"{len(same)} trainings are called {run_id!r}: {', '.join(run.id for run in same)}.")
    known = ", ".join(run.id for run in runs[:10]) or "none"
    raise OptionError(f"There is no training called {run_id!r}. There are: {known}.")


def _words(said: object) -> str:
    """Return what a run's process said, as one line of at most 500 letters."""
    return "".join(c if c.isprintable() else " " for c in str(said or ""))[:500]
