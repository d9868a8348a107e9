"""Threads that stand back when the processor is busy."""

from __future__ import annotations

import time
from collections.abc import Callable

from fer_core.utils.platform import lower_thread_priority

__all__ = ["lower_priority", "yield_to"]

NICE = 5
"""With 10 a face was read once a second while twenty other processes wanted the two cores, with 4 four times."""
MOST_WAIT = 0.1
"""Seconds for which one waits at most while something else goes first."""


def lower_priority() -> None:
    """Let other threads go before the one that calls this, and before those that it starts; for the rest of its life.

    Whatever such a thread holds, others wait for as long as it waits for the processor. That goes for Python itself, of
    which a thread has to let go first: work that is mostly Python asks whether it may go on, see `yield_to`. Linux
    alone knows this for a single thread; elsewhere nothing happens.
    """
    lower_thread_priority(NICE)


def yield_to(busy: Callable[[], bool], over: Callable[[], bool]) -> None:
    """Wait a little while something else goes first, `MOST_WAIT` at most; to be called between the parts of a work.

    Args:
        busy: says that something else goes first at the moment.
        over: says that there is nothing more to wait for, as the work is to end.
    """
    end = time.monotonic() + MOST_WAIT
    while busy() and not over() and time.monotonic() < end:
        time.sleep(0.01)
