"""Open ZIP and gzip files that strangers made: nothing is unpacked to the disk, and no more is read than is allowed."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from fer_core.errors import DatasetError

__all__ = ["MOST_BYTES", "MOST_MEMBERS", "Bounded", "open_zip"]

MOST_BYTES = 2 * 1024**3
"""Bytes that an archive may hold when unpacked."""

MOST_MEMBERS = 200_000
"""Files that a ZIP may hold."""


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than `most` bytes."""

    def __init__(self, source: BinaryIO, name: str, most: int | None = None):
        self._source, self._name = source, name
        self._most = self._left = MOST_BYTES if most is None else most

    def readable(self) -> bool:
        """Return true: this is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, and refuse what unpacks to more than allowed."""
        part = self._source.read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise DatasetError(f"{self._name} unpacks to more than {self._most / 1024**2:,.0f} MB, which is refused.")
        buffer[: len(part)] = part
        return len(part)


def open_zip(path: str | Path, name: str) -> zipfile.ZipFile:
    """A ZIP file that was found fit; raises DatasetError where it is broken, too large or leads out of itself."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DatasetError(f"{name} is no whole ZIP file: its upload or download broke off. Bring it again.") from error
    members = archive.infolist()
    problem = ""
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        problem = f"holds {len(members):,} files; at most {MOST_MEMBERS:,} are allowed"
    elif unpacked > MOST_BYTES:
        problem = f"would unpack to {unpacked / 1024**2:,.0f} MB; at most {MOST_BYTES / 1024**2:,.0f} MB are allowed"
    refused: dict[str, list[str]] = {}
    for member in members:
        if why := _refusal(member):
            refused.setdefault(why, []).append(member.filename[:80])
    if not problem and refused:
        why, names = next(iter(refused.items()))
        problem = f"holds {len(names):,} {why} (first: {names[0]!r})"
    if problem:
        archive.close()
        raise DatasetError(f"{name} {problem}.")
    return archive


def _refusal(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with a file of an archive; nothing where it is fit."""
    parts = member.filename.replace("\\", "/").split("/")
    if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "with a name that leads out of the archive, which is refused"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "that is a link to elsewhere, which is refused"
    if member.flag_bits & 1:
        return "protected by a password; make an archive without"
    return ""
