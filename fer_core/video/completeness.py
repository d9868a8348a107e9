"""Whether a file is all there: what its container says of its own size, and whether it stayed as it was.

ISO/IEC 14496-12 (MP4, MOV), Matroska (RFC 9559), RIFF (AVI) and FLV (Adobe, 2010) name the bytes that must follow; a
copy or a recording that was cut off has fewer. Other containers say nothing of the kind.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["BrokenOff", "FileState", "breaks_off"]

EBML, SEGMENT = 0x1A45DFA3, 0x18538067
MOST_PARTS = 200_000
"""Parts of a container that are stepped over at most."""


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A clip that ends before its end.

    Attributes:
        read_s: seconds up to which there are pictures.
        declared_s: length in seconds that the file claims; None where it claims none.
    """

    read_s: float
    declared_s: float | None

    def __str__(self) -> str:
        of = "" if self.declared_s is None or self.declared_s < self.read_s + 0.1 else f" of {self.declared_s:.1f} s"
        return (
            f"The file breaks off: it could be read up to {self.read_s:.1f} s{of}, and the rest is missing. "
            "Copy, record or export it again."
        )


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is written to or replaced."""

    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of_open(cls, file: BinaryIO) -> FileState:
        """Return the state of an open file."""
        return cls._of(os.fstat(file.fileno()))

    @classmethod
    def of_path(cls, path: str | os.PathLike[str]) -> FileState | None:
        """Return the state of what now has that name; None where there is nothing."""
        try:
            return cls._of(os.stat(path))
        except OSError:
            return None

    @classmethod
    def _of(cls, facts: os.stat_result) -> FileState:
        return cls(facts.st_size, facts.st_mtime_ns, facts.st_ino)


def breaks_off(file: BinaryIO) -> bool:
    """Return whether a container names more bytes than the file has; its position is kept."""
    at = file.tell()
    try:
        size = os.fstat(file.fileno()).st_size
        file.seek(0)
        head = file.read(12)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _boxes_break_off(file, size)
        if head[:4] == EBML.to_bytes(4, "big"):
            return _elements_break_off(file, size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return int.from_bytes(head[4:8], "little") + 8 > size
        return head[:3] == b"FLV" and _last_tag_breaks_off(file, size)
    finally:
        file.seek(at)


def _boxes_break_off(file: BinaryIO, size: int) -> bool:
    at = 0
    for _ in range(MOST_PARTS):
        if at + 8 > size:
            break
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: to the end of the file; anything else is no box, such as what cameras append
            break
        at += length
        if at > size:
            # Only what holds pictures counts: some programs append notes with sizes of their own.
            return head[4:8] in (b"mdat", b"moov", b"moof")
    return False


def _number(file: BinaryIO, *, keep_mark: bool) -> int | None:
    """Return one of EBML's numbers of 1 to 8 bytes, None for a size that is not known; EOFError where it is cut off."""
    first = file.read(1)
    if not first:
        raise EOFError
    if not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        raise EOFError
    value = int.from_bytes(first + rest, "big")
    if keep_mark:
        return value
    value &= (1 << 7 * length) - 1
    return None if value == (1 << 7 * length) - 1 else value


def _elements_break_off(file: BinaryIO, size: int) -> bool:
    file.seek(0)
    try:
        for _ in range(MOST_PARTS):
            if file.tell() == size:
                return False
            kind = _number(file, keep_mark=True)
            length = _number(file, keep_mark=False)
            if kind == SEGMENT and length is None:
                continue  # a live recording: its parts may still say how long they are
            if kind is None or length is None:
                return False
            if file.tell() + length > size:
                return True
            if kind == SEGMENT:
                return False
            file.seek(length, os.SEEK_CUR)
    except EOFError:
        return True
    return False


def _last_tag_breaks_off(file: BinaryIO, size: int) -> bool:
    """Return each tag of FLV is followed by its length."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4), "big")
    if not 11 <= length <= size - 13:
        return True
    file.seek(size - 4 - length)
    head = file.read(4)
    return head[0] not in (8, 9, 18) or int.from_bytes(head[1:], "big") + 11 != length
