"""Files that are there whole or not at all, and small files read as such: whatever lies there, nothing hangs on it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fer_core.errors import FerError
from fer_core.utils.platform import open_plain, remove_file, replace

__all__ = ["atomic_file", "read_object", "read_plain", "write_atomic", "write_export"]


def read_plain(path: Path, most: int) -> bytes:
    """The first `most` bytes of a file that is one: no link, pipe or device, at which a reader could wait or go astray.

    Raises:
        OSError: there is none.
    """
    with os.fdopen(open_plain(path), "rb") as plain:
        return plain.read(most)


def read_object(path: Path, most: int = 1_000_000) -> dict[str, Any]:
    """Return the JSON object in a file of at most `most` bytes.

    Raises:
        OSError: see `read_plain`.
        ValueError: it holds something else.
    """
    try:
        found = json.loads(read_plain(path, most))
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that appears under its name whole, once the block ends without an error, or not at all.

    Args:
        path: of the file.
        durable: whether it survives a loss of power once the block has ended; that takes the disk some milliseconds.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    part = path.with_name(f".part-{secrets.token_hex(8)}")
    try:
        with open(part, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        replace(part, path)
    finally:
        remove_file(part)


def write_atomic(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write or replace a file as a whole; see `atomic_file`.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    with atomic_file(path, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_export(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that a person asked for, part by part, whole or not at all.

    Raises:
        FerError: the disk is full or the folder cannot be written.
    """
    try:
        with atomic_file(path) as file:
            file.writelines(parts)
    except OSError as error:
        raise FerError(
            f"{path.name} could not be written: {error.strerror or error}. "
            "Choose a folder that can be written and has room."
        ) from error
