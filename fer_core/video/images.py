"""Still pictures: what their headers say, and their pixels."""

from __future__ import annotations

import contextlib
import os
import struct
from typing import BinaryIO

import cv2
import numpy as np

from fer_core.errors import MediaError

__all__ = ["picture_header", "read_still"]

PICTURE_BYTES = 256_000_000


def picture_header(file: BinaryIO) -> tuple[str, tuple[int, int] | None]:
    """Kind of picture (`jpeg`, `png`, `webp`, `bmp`, `gif`; else empty) and the size its header gives."""
    file.seek(0)
    head = file.read(32)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", struct.unpack(">II", head[16:24]) if len(head) >= 24 else None
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg", _jpeg_size(file)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif", struct.unpack("<HH", head[6:10]) if len(head) >= 10 else None
    if (
        head.startswith(b"BM")
        and len(head) >= 26
        and head[14:18] in (b"\x0c\0\0\0", b"(\0\0\0", b"l\0\0\0", b"|\0\0\0")
    ):
        width, height = struct.unpack("<HH" if head[14] == 12 else "<ii", head[18 : 22 if head[14] == 12 else 26])
        return "bmp", (abs(width), abs(height))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp", _webp_size(head)
    return "", None


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(2)
    while (mark := file.read(2)) and len(mark) == 2 and mark[0] == 0xFF:
        if mark[1] == 0xFF:  # filling
            file.seek(-1, os.SEEK_CUR)
        elif mark[1] != 0x01 and not 0xD0 <= mark[1] <= 0xD8:
            segment = file.read(7)
            if len(segment) < 7:
                return None
            if 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack(">HH", segment[3:])
                return width, height
            file.seek(struct.unpack(">H", segment[:2])[0] - 7, os.SEEK_CUR)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    if len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def read_still(file: BinaryIO, size: tuple[int, int] | None) -> np.ndarray:
    """The picture in the file, turned as its EXIF says; `size` is what its header gave."""
    file.seek(0)
    image = None
    if size is not None and min(size) > 0:
        with contextlib.suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(file.read(PICTURE_BYTES), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError("This picture is damaged or incomplete. Save or copy it again.")
    return image
