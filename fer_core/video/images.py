"""Still pictures: what their headers say (`picture_header`) and their pixels (`read_still`), shrunk if too large."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from fer_core.errors import LimitError, MediaError
from fer_core.video.limits import Limits

__all__ = ["PICTURE_SUFFIXES", "Still", "is_animated", "picture_header", "read_still"]

PICTURE_SUFFIXES = (
    *("jpg", "jpeg", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff"),
    *("heic", "heif", "avif", "jp2", "pgm", "ppm", "pbm"),
)
"""Endings of pictures that are read; an animated GIF is a clip."""

PICTURE_BYTES = 256_000_000

JPEG_SHARE = 2.5
"""Times the pixels of other kinds that a JPEG may have which is decoded line by line (phones with 200 megapixels)."""

REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

_PILLOW = {"gif": "GIF", "tiff": "TIFF", "jp2": "JPEG2000", "pnm": "PPM", "heif": "HEIF", "avif": "AVIF"}
"""Kinds that Pillow reads, the others are OpenCV's; no kind but these is ever tried."""

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"), "heif"),
    b"avif": "avif",
}
"""Brands of files of the ISO base format that hold pictures; those of sequences (`avis`, `msf1`) are clips."""


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A decoded picture.

    Attributes:
        image: uint8 (height, width, 3) BGR, upright.
        stored: width and height in the file, before it was turned or shrunk.
        shrunk: it was made smaller while it was decoded.
    """

    image: np.ndarray
    stored: tuple[int, int]
    shrunk: bool


def picture_header(file: BinaryIO) -> tuple[str, tuple[int, int] | None]:
    """Return the kind of picture and the size that its header gives.

    Args:
        file: open for reading.

    Returns:
        `jpeg`, `png`, `webp`, `bmp`, `gif`, `tiff`, `jp2`, `pnm`, `heif`, `avif`, or an empty text where it is no
        picture; and width and height, None where the header is damaged.
    """
    file.seek(0)
    head = file.read(32)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", struct.unpack(">II", head[16:24]) if len(head) >= 24 else None
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg", _jpeg_header(file)[0]
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
    kind = _other_kind(head)
    return kind, _pillow_size(file, kind) if kind else None


def _other_kind(head: bytes) -> str:
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "jp2"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "pnm"
    if head[4:8] == b"ftyp":
        kind = _BRANDS.get(head[8:12], "")
        return "avif" if kind == "heif" and b"avif" in head[16:] else kind
    return ""


def _jpeg_header(file: BinaryIO) -> tuple[tuple[int, int] | None, bool]:
    """Return the size, and whether it is progressive: then all of it must be in memory to be decoded."""
    file.seek(2)
    while (mark := file.read(2)) and len(mark) == 2 and mark[0] == 0xFF:
        if mark[1] == 0xFF:  # filling
            file.seek(-1, os.SEEK_CUR)
        elif mark[1] != 0x01 and not 0xD0 <= mark[1] <= 0xD8:
            segment = file.read(7)
            if len(segment) < 7:
                return None, False
            if 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack(">HH", segment[3:])
                return (width, height), mark[1] not in (0xC0, 0xC1)
            file.seek(struct.unpack(">H", segment[:2])[0] - 7, os.SEEK_CUR)
    return None, False


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


@contextlib.contextmanager
def _opened(file: BinaryIO, kind: str) -> Iterator[Image.Image]:
    if kind == "heif":
        from pillow_heif import register_heif_opener  # loads libheif, only where it is needed

        register_heif_opener(thumbnails=False)
    file.seek(0)
    # Not in a `with` block of its own: that would close the file, which is its owner's.
    yield Image.open(file, formats=[_PILLOW[kind]])


def _pillow_size(file: BinaryIO, kind: str) -> tuple[int, int] | None:
    try:
        with _opened(file, kind) as picture:
            return picture.size
    except Image.DecompressionBombError as error:
        raise LimitError("The picture has far more pixels than are allowed. Make it smaller and try again.") from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, RuntimeError):
        return None


def is_animated(file: BinaryIO) -> bool:
    """Return whether a GIF has more than one picture; True where it is too damaged to tell."""
    try:
        with _opened(file, "gif") as picture:
            return bool(getattr(picture, "is_animated", False))
    except (OSError, ValueError, SyntaxError, EOFError, struct.error):
        return True


def read_still(file: BinaryIO, limits: Limits | None = None) -> Still:
    """Read a picture, turned as its EXIF says.

    One with more pixels than a clip may have is shrunk: a JPEG while it is decoded, others after.

    Args:
        file: open for reading.
        limits: `max_pixels` of the result, `max_still_pixels` in the file.

    Raises:
        LimitError: it has too many pixels even to be shrunk.
        MediaError: it is damaged, or no picture.
    """
    limits = limits or Limits()
    kind, size = picture_header(file)
    image = None
    if size is not None and min(size) > 0:
        most = limits.max_still_pixels
        if kind == "jpeg" and not _jpeg_header(file)[1]:
            most = int(most * JPEG_SHARE)
        if size[0] * size[1] > most:
            raise LimitError(
                f"The picture has {size[0]} x {size[1]} pixels; at most {most:,} pixels in all are allowed. "
                "Make it smaller and try again."
            )
        with contextlib.suppress(cv2.error, OSError, ValueError, SyntaxError, EOFError, struct.error, RuntimeError):
            image = _pixels(file, kind, size, limits)
    if image is None or size is None:
        raise MediaError("This picture is damaged or incomplete. Save or copy it again.")
    shrunk = size[0] * size[1] > limits.max_pixels
    if image.shape[0] * image.shape[1] > limits.max_pixels:
        scale = (limits.max_pixels / (image.shape[0] * image.shape[1])) ** 0.5
        smaller = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    return Still(image, size, shrunk)


def _pixels(file: BinaryIO, kind: str, size: tuple[int, int], limits: Limits) -> np.ndarray | None:
    if kind in _PILLOW:
        try:
            return _by_pillow(file, kind)
        except (OSError, ValueError, SyntaxError):
            if kind in ("heif", "avif", "gif"):
                raise
            # Colours of 16 bits and the like: OpenCV reads some that Pillow does not.
    step = 1
    while kind == "jpeg" and step < 8 and size[0] * size[1] > limits.max_pixels * step**2:
        step *= 2
    file.seek(0)
    return cv2.imdecode(np.frombuffer(file.read(PICTURE_BYTES), np.uint8), REDUCED[step])


def _by_pillow(file: BinaryIO, kind: str) -> np.ndarray:
    with _opened(file, kind) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode.startswith("I;16") or turned.mode in ("I", "F"):
            gray = np.asarray(turned, np.float32)
            top = 65535.0 if gray.max(initial=0.0) > 255 else 255.0 if gray.max(initial=0.0) > 1 else 1.0
            gray = np.clip(gray * (255 / top), 0, 255).astype(np.uint8)
            return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
        return np.asarray(cv2.cvtColor(np.asarray(turned.convert("RGB")), cv2.COLOR_RGB2BGR))
