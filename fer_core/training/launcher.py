"""The process of a training: its start, and the locks that say whether it lives.

    python -m fer_core.training.launcher RUN_FOLDER

The process holds `lock` in its folder for as long as it lives. Whoever starts, resumes or deletes a run holds a lock
beside the folder meanwhile: Windows renames no folder in which a file is open.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

from fer_core.errors import OptionError
from fer_core.utils.child_process import ChildProcess
from fer_core.utils.locks import Lock, is_locked, try_lock

__all__ = ["held", "launch", "main", "take"]

LOCK = "lock"
PATIENCE = 60.0
"""Seconds for which a process that was just started may take to lock its folder."""

_own: list[Lock] = []  # of this process, until it is gone
_children: list[ChildProcess] = []  # those that ended are collected, so that no dead process stays in the table


def _gate(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.starting")


def held(folder: Path) -> bool:
    """Return whether the process of the run in this folder lives on this computer, or is being started."""
    return is_locked(folder / LOCK) or is_locked(_gate(folder))


def take(folder: Path) -> Lock:
    """Make this process the only one that may start or delete a run, which does not run now.

    Returns:
        What says so until it is released.

    Raises:
        OptionError: it runs.
    """
    gate = try_lock(_gate(folder), 1.0)  # whoever asks whether it lives holds the lock for a moment
    if gate is not None:
        if not is_locked(folder / LOCK):
            return gate
        gate.release()
    raise OptionError("This training has not ended. Stop it first, and wait until it has.")


def launch(folder: Path, minutes: float | None) -> None:
    """Start the process of a run that was taken; it outlives the terminal and the server that started it.

    Returns once the process holds its lock, or has ended.

    Args:
        folder: of the run.
        minutes: that it may take; as FER_TRAINING_MINUTES says if None.
    """
    _children[:] = [child for child in _children if child.status is None]
    folder = folder.resolve()
    settings = {"FER_HOME": str(folder.parent.parent), "TF_CPP_MIN_LOG_LEVEL": "2"}
    if minutes is not None:
        settings["FER_TRAINING_MINUTES"] = str(minutes)
    child = ChildProcess("fer_core.training.launcher", str(folder), log=folder / "log.txt", settings=settings)
    _children.append(child)
    end = time.monotonic() + PATIENCE
    while child.status is None and not is_locked(folder / LOCK) and time.monotonic() < end:
        child.wait(0.01)


def main(folder: Path) -> int:
    """Do the training of a run in this process, which lives for nothing else; not where another one does it."""
    lock = try_lock(folder / LOCK, 1.0)
    if lock is None:
        return 1
    _own.append(lock)
    from fer_core.training.worker import main as work  # takes a while to load, and whoever starts it waits

    return work(folder)


if __name__ == "__main__":
    logging.basicConfig()
    ended = main(Path(sys.argv[1]))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # At once: TensorFlow takes seconds to take itself apart, and until the end the log is open and the lock is held.
    os._exit(ended)
