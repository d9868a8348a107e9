"""Threads that stand back when the processor is busy."""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["stand_back"]

NICE = 5
"""With 10 a face was read once a second while twenty other processes wanted the two cores, with 4 four times."""


def stand_back() -> None:
    """Let other threads go before the one that calls this, and before those that it starts; for the rest of its life.

    Whatever such a thread holds, others wait for as long as it waits for the processor. That goes for Python itself, of
    which a thread has to let go first: work that is mostly Python asks whether it may go on instead, see `Jobs`. Linux
    alone knows this for a single thread; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))
