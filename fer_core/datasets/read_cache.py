"""A dataset that was read before and has not changed since is not read again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset, Skipped, from_parts, to_parts
from fer_core.utils.archives import MOST_MEMBERS
from fer_core.utils.array_cache import cached_arrays
from fer_core.utils.workspace import workspace

__all__ = ["read_once"]

WORTH = 1024**2
"""Bytes of a source; a smaller one is read as fast as it is found again."""

SETTLED = 2.0
"""Seconds since the last change of a source. A file system's clock ticks: what is changed twice within a tick looks
unchanged, so a source that was just written is read, and not remembered."""

KIND = "read-1"
"""Beginning of the keys; another number whenever readers give something else for the same source."""


def read_once(paths: list[Path], read: Callable[[], tuple[Dataset, Skipped]]) -> tuple[Dataset, Skipped]:
    """Return what `read` gives, or gave before for the same files or folders in the same state.

    Known is a source by its place and by the size and times of change of each of its files.

    Args:
        paths: everything that is read.
        read: reads it.
    """
    digest, size, newest = hashlib.blake2b(digest_size=16), 0, 0.0
    try:
        for path in paths:
            for count, (name, about) in enumerate(_files(path.resolve())):
                if count > MOST_MEMBERS:  # whoever reads it says what is wrong
                    return read()
                state = f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}"
                digest.update(os.fsencode(name) + f"\0{state}\0".encode())
                size += about.st_size
                newest = max(newest, about.st_mtime, about.st_ctime)
    except OSError:
        return read()
    if size < WORTH or newest > time.time() - SETTLED:
        return read()

    def make() -> dict[str, np.ndarray]:
        data, skipped = read()
        return {**to_parts(data), "skipped": np.array(json.dumps([skipped.reasons, skipped.examples]))}

    parts = cached_arrays(workspace() / "cache" / "read", f"{KIND}-{digest.hexdigest()}", make)
    return from_parts(parts), Skipped(*json.loads(str(parts["skipped"])))


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Return everything below a folder, or the file itself, with its state, in an order that does not change."""
    if not path.is_dir():
        yield str(path), path.stat()
        return
    for folder, folders, _ in os.walk(path):
        folders.sort()
        yield folder, os.stat(folder)  # an empty one is told of too
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.path, entry.stat(follow_symlinks=False)
