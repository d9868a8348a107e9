"""Arrays that took long to make, kept on disk under a key: whole or not at all, and only so much of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from fer_core.utils.files import atomic_file

__all__ = ["FEW", "cached_array", "cached_arrays", "content_key"]

FEW = 1000
"""Images; what is made of fewer is made again as fast as it is found."""

T = TypeVar("T")

MOST_BYTES = 256 * 1024**2
"""What a folder may hold; beyond it, what was asked for longest ago goes."""


def content_key(*arrays: np.ndarray) -> str:
    """Hex digits that change with any value or shape of the arrays: a key for what is made of them."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(str(array.shape).encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def cached_array(folder: Path | None, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array of that key, from the folder where it is there, else made and kept; a damaged file is made again."""
    return _cached(folder, f"{key}.npy", make, np.load, np.save)


def cached_arrays(
    folder: Path | None, key: str, make: Callable[[], Mapping[str, np.ndarray]]
) -> Mapping[str, np.ndarray]:
    """As `cached_array`, of arrays that belong together, by their names."""

    def load(path: Path) -> dict[str, np.ndarray]:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    return _cached(folder, f"{key}.npz", make, load, lambda file, parts: np.savez(file, **parts))  # type: ignore[arg-type]


def _cached(
    folder: Path | None,
    name: str,
    make: Callable[[], T],
    load: Callable[[Path], T],
    save: Callable[[BinaryIO, T], None],
) -> T:
    if folder is None:
        return make()
    path = folder / name
    try:
        found = load(path)
        os.utime(path)  # the last to go
        return found
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    found = make()
    with contextlib.suppress(OSError):  # a full or read-only disk: it will be made again
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, durable=False) as file:
            save(file, found)
        _shrink(path.parent)
    return found


def _shrink(folder: Path) -> None:
    known = sorted(((p, p.stat()) for p in folder.glob("*.np[yz]")), key=lambda item: item[1].st_mtime)
    size = sum(status.st_size for _, status in known)
    for path, status in known[:-1]:
        if size <= MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        size -= status.st_size
