"""A training, in the process that `launcher` has made for it. See `runs` for the folder.

It waits for its turn, trains until the end, a stop or the end of its time, and makes a model of the best weights.
Whatever happens is said in status.json.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from pathlib import Path

from fer_core.errors import FerError
from fer_core.training.machine_queue import queue_turn
from fer_core.training.runs import Run
from fer_core.training.status import Status
from fer_core.utils.platform import disk_is_full, peak_memory_mb, stop_signals

__all__ = ["main"]

FULL = "The disk is full, so the training had to end. What it had reached is kept: free some space and resume it."
NAN = (
    "The loss became infinite, so the training had to end; the weights of the best epoch are kept. "
    "Try a smaller learning rate."
)
MEMORY = "There is not enough memory for this network. Choose a smaller batch or network."
BUG = "Something went wrong inside the program; log.txt of this training has the details. Try to resume it."


class _Clock:
    """How long this training may take, and whether it is to end.

    Attributes:
        minutes: that it may take; infinite where there is no limit.
        over: whether these are up.
        terminated: set where the process was told to end, as when the computer is switched off.
    """

    def __init__(self, status: Status):
        spent = status.known.get("spent")
        self._before = float(spent) if isinstance(spent, int | float) else 0.0
        self._status, self._began = status, math.nan
        self.minutes = _minutes()
        self.over = False
        self.terminated = threading.Event()

    def begin(self) -> None:
        """Its turn has come: from now on time is counted."""
        self._began = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds of training, those before it was resumed too."""
        return self._before + (0.0 if math.isnan(self._began) else time.monotonic() - self._began)

    def ended(self) -> bool:
        """Return whether it is to end."""
        self.over = self.over or self.spent > 60 * self.minutes
        return self.over or self.terminated.is_set() or self._status.stop


def _minutes() -> float:
    with contextlib.suppress(ValueError):
        given = float(os.environ.get("FER_TRAINING_MINUTES") or math.inf)
        return given if given > 0 else math.inf
    return math.inf


def _leave_while_nothing_is_lost(clock: _Clock, status: Status, prepared: threading.Event) -> None:
    """A stop while TensorFlow is loaded, the data read and the network built need not wait for that."""
    while not prepared.wait(0.2):
        with contextlib.suppress(OSError):  # a full disk is said by who needs it
            status.say(memory_mb=peak_memory_mb())
        if clock.ended() and not (status.folder / "best.npz").exists():
            status.leave(state="stopped", place=0, ended=time.time(), **_time(clock))


def _time(clock: _Clock) -> dict[str, object]:
    words = f"The {clock.minutes:g} minutes that a training may take here are up." if clock.over else None
    return {"spent": clock.spent, "message": words}


def _train(run: Run, status: Status, clock: _Clock) -> str:
    """Train until the end or a stop; returns the state in which it ended."""
    prepared = threading.Event()
    threading.Thread(target=_leave_while_nothing_is_lost, args=(clock, status, prepared), daemon=True).start()
    try:
        from fer_core.training.loop import Interrupted, NotANumber, TrainingLoop  # loads TensorFlow

        job = TrainingLoop.prepare(run, status, clock.ended)
    finally:
        prepared.set()
    try:
        job.fit()
        ended = "done"
    except Interrupted:
        ended = "stopped"
    except NotANumber:
        if job.best_epoch:
            job.bundle()
        raise FerError(NAN) from None
    status.say(**_time(clock))
    job.bundle()
    return ended


def _words(error: BaseException) -> str:
    """Return what went wrong, for the person."""
    if isinstance(error, FerError):
        return str(error)
    if disk_is_full(error):
        return FULL
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return MEMORY
    logging.getLogger(__name__).exception("training failed")
    return BUG


def main(folder: Path) -> int:
    """Do the training of a run's folder, in its turn; whatever happens is said in status.json."""
    run, status = Run(folder), Status(folder)
    clock = _Clock(status)
    with stop_signals(lambda _: clock.terminated.set(), interrupt=False):  # the computer is switched off, for instance
        return _follow(run, status, clock)


def _follow(run: Run, status: Status, clock: _Clock) -> int:
    try:
        status.say(state="queued", started=time.time(), ended=None, error=None, pid=os.getpid())
        with queue_turn(lambda place: status.say(place=place), clock.ended) as mine:
            clock.begin()
            status.say(state="running", place=0)
            ended = _train(run, status, clock) if mine else "stopped"
        status.say(state=ended, ended=time.time(), **_time(clock))
        return 0
    except BaseException as error:
        if not run.folder.exists():
            return 1  # its owner has gone, and took everything away
        status.say(state="failed", error=_words(error), ended=time.time(), spent=clock.spent)
        return 1
    finally:
        status.close()
