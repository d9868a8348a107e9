"""One training at a time on a computer: a queue of locked tickets that all visitors and servers share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["is_taken", "queue_turn", "shared_folder"]


def shared_folder() -> Path:
    """What all servers and visitors of this computer share about trainings; one's own user alone may look into it."""
    folder = Path(os.environ.get("FER_QUEUE") or Path(tempfile.gettempdir()) / f"expression-lab-queue-{os.getuid()}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def _gate(folder: Path) -> Iterator[None]:
    with open(folder / "gate", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _waiting(folder: Path, own: Path) -> int:
    """How many older tickets are held; those of dead processes are removed."""
    before = 0
    with _gate(folder):
        for path in sorted(folder.glob("ticket-*")):
            if path >= own:
                break
            with open(path, "rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
                except OSError:
                    before += 1
    return before


def is_taken() -> bool:
    """Whether this computer trains now, or a training waits."""
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
        ticket = open(own, "wb")  # noqa: SIM115 (held for the whole block)
        fcntl.flock(ticket, fcntl.LOCK_EX)
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
        own.unlink(missing_ok=True)
        ticket.close()
