"""One training at a time on a computer: a queue of locked tickets that all visitors and servers share."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fer_core.utils.locks import lock, try_lock
from fer_core.utils.platform import user_id

__all__ = ["is_taken", "queue_turn", "shared_folder"]


def shared_folder() -> Path:
    """What all servers and visitors of this computer share about trainings; one's own user alone may look into it."""
    # Not as `jobs.PREFIX`: a folder of that beginning is deleted when nothing was written to it for an hour.
    folder = Path(os.environ.get("FER_QUEUE") or Path(tempfile.gettempdir()) / f"fer-queue-{user_id()}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _gate(folder: Path) -> contextlib.AbstractContextManager[None]:
    return lock(folder / "gate")


def _waiting(folder: Path, own: Path) -> int:
    """Return how many older tickets are held; those of dead processes are removed."""
    before = 0
    with _gate(folder):
        for path in sorted(folder.glob("ticket-*")):
            if path >= own:
                break
            if (left := try_lock(path)) is None:
                before += 1
            else:
                left.release(for_good=True)
    return before


def is_taken() -> bool:
    """Return whether this computer trains now, or a training waits."""
    folder = shared_folder()
    return _waiting(folder, folder / "ticket-~") > 0


@contextlib.contextmanager
def queue_turn(tell: Callable[[int], None], cancelled: Callable[[], bool]) -> Iterator[bool]:
    """Wait for this process's turn and keep it within the block.

    Args:
        tell: is called with the number of trainings before this one whenever it changes.
        cancelled: asked several times a second.

    Yields:
        True on its turn, False where it was cancelled before.
    """
    folder, said = shared_folder(), -1
    with _gate(folder):
        numbers = [int(path.name.removeprefix("ticket-")) for path in folder.glob("ticket-*")]
        own = folder / f"ticket-{max(numbers, default=0) + 1:09d}"
        ticket = try_lock(own, -1.0)
        assert ticket is not None  # nobody else knows it yet
    try:
        while before := _waiting(folder, own):
            if before != said:
                said = before
                tell(before)
            if cancelled():
                break
            time.sleep(0.2)
        yield not before
    finally:
        ticket.release(for_good=True)
