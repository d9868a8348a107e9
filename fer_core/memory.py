"""Arrays that took long to make, kept on disk under a key: whole or not at all, and only so much of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["content", "remembered"]

MOST_BYTES = 256 * 1024**2
"""What a folder may hold; beyond it, what was asked for longest ago goes."""


def content(*arrays: np.ndarray) -> str:
    """Hex digits that change with any value or shape of the arrays: a key for what is made of them."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(str(array.shape).encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def remembered(folder: Path | None, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array of that key, from the folder where it is there, else made and kept; a damaged file is made again."""
    if folder is None:
        return make()
    path = folder / f"{key}.npy"
    try:
        found = np.load(path, allow_pickle=False)
        os.utime(path)  # the last to go
        return found
    except (OSError, ValueError, EOFError):
        pass
    found = make()
    _keep(path, found)
    return found


def _keep(path: Path, array: np.ndarray) -> None:
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            np.save(file, array, allow_pickle=False)
        os.replace(part, path)
        _shrink(path.parent)
    except OSError:  # a full or read-only disk: it will be made again
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _shrink(folder: Path) -> None:
    known = sorted(((p, p.stat()) for p in folder.glob("*.npy")), key=lambda item: item[1].st_mtime)
    size = sum(status.st_size for _, status in known)
    for path, status in known[:-1]:
        if size <= MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        size -= status.st_size
