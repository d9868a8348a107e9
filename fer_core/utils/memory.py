"""Memory that nothing uses any more goes back to the system: the C library would keep it for later."""

from __future__ import annotations

import gc
import threading

from fer_core.utils.platform import trim_memory

__all__ = ["collect_rarely", "give_back"]

EVERY = 10.0
"""Seconds between two looks through everything that is new; in that time a page leaves a few megabytes."""


def give_back() -> None:
    """Let go of what is unreachable, and of what the allocator holds free; takes some hundredths of a second."""
    gc.collect()
    trim_memory()


def collect_rarely(every: float = EVERY) -> threading.Event:
    """Let Python look through all of memory at a time of ours, and no more through what is there by now.

    It looks whenever enough was made, and everything stands still meanwhile: with pandas, Altair and aiortc loaded that
    took 0.08 s on a quiet core, and several times as long on a busy one, in the middle of a picture or of a page.

    Args:
        every: seconds.

    Returns:
        What ends it, when it is set; the usual habit comes back then.
    """
    over, usual = threading.Event(), gc.get_threshold()

    def run() -> None:
        while not over.wait(every):
            gc.collect()
        gc.set_threshold(*usual)
        gc.unfreeze()

    gc.collect()
    gc.freeze()  # modules and models, which stay as long as the server
    gc.set_threshold(usual[0], usual[1], 1_000_000)  # what is young is looked through as before
    threading.Thread(target=run, name="collect", daemon=True).start()
    return over
