"""Locks between processes, which are free again whenever their holder has ended, however it ended (filelock)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fer_core.utils.platform import remove_file

__all__ = ["Lock", "is_locked", "lock", "try_lock"]

POLL = 0.02
"""Seconds between two tries."""

_probing = threading.Lock()


class Lock:
    """A lock that this process holds, from `try_lock`."""

    def __init__(self, path: Path, held: FileLock):
        self._path, self._held = path, held

    def release(self, *, for_good: bool = False) -> None:
        """Let others have it.

        Args:
            for_good: nobody will want it any more, so its file goes too.
        """
        self._held.release()
        if for_good:
            remove_file(self._path)


def try_lock(path: Path, seconds: float = 0.0) -> Lock | None:
    """Take a lock that nobody else has.

    Args:
        path: of its file, which is made where it is missing.
        seconds: to try for; for as long as it takes if negative.

    Returns:
        The lock; None where somebody else has it.

    Raises:
        OSError: the file cannot be made or opened.
    """
    taken = FileLock(path, timeout=seconds, thread_local=False)
    try:
        taken.acquire(poll_interval=POLL)
    except Timeout:
        return None
    return Lock(path, taken)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Wait for a lock and keep it within the block."""
    taken = try_lock(path, -1.0)
    assert taken is not None  # it waits for as long as it takes
    try:
        yield
    finally:
        taken.release()


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock of that file; one that is missing or is no plain file is held by nobody.

    Whoever asks holds the lock for a moment, so what looks held is looked at twice.
    """
    with _probing:
        for pause in (0.005, 0.0):
            try:
                if not path.is_file() or path.is_symlink():
                    return False
                if (taken := try_lock(path)) is not None:
                    taken.release()
                    return False
            except OSError:
                return False  # nobody could have locked it here
            time.sleep(pause)
    return True
