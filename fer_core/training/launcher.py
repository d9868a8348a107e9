"""The process of a training: the lock that says whether it lives, and its start."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from fer_core.errors import OptionError

__all__ = ["held", "launch", "take"]

PROJECT = Path(__file__).resolve().parent.parent.parent

_children: list[
    subprocess.Popen[bytes]
] = []  # those that ended are collected, so that no dead process stays in the table


def held(folder: Path) -> bool:
    """Whether the process of the run in this folder lives on this computer."""
    try:
        with open(folder / "lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def take(folder: Path) -> int:
    """The lock of a run that does not run; who gets it is the only one to start or delete it.

    Returns:
        A file descriptor, which the caller closes.

    Raises:
        OptionError: it runs.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    for attempt in range(40):  # whoever asks whether it lives holds the lock for a moment
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            time.sleep(0.025 if attempt else 0.0)
    os.close(lock)
    raise OptionError("This training has not ended. Stop it first, and wait until it has.")


def launch(folder: Path, lock: int, minutes: float | None) -> None:
    """Start the process of a run. It inherits the lock, and outlives the terminal and the server that started it.

    Args:
        folder: of the run.
        lock: from `take`.
        minutes: that it may take; as FER_TRAINING_MINUTES says if None.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    folder = folder.resolve()
    with open(folder / "log.txt", "ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "fer_core.training.worker", str(folder), str(lock)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,
            env={
                **os.environ,
                "FER_HOME": str(folder.parent.parent),
                "TF_CPP_MIN_LOG_LEVEL": "2",
                **({} if minutes is None else {"FER_TRAINING_MINUTES": str(minutes)}),
            },
        )
    _children.append(child)
