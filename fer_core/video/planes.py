"""Decoded pictures as they are stored: planes of luma and chroma (Y'CbCr), read without converting all of them.

Conversion as in ITU-R BT.601, BT.709 and BT.2020; the numbers of matrices and ranges are those of ITU-T H.273.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import av
import cv2
import numpy as np

__all__ = ["Gray", "luma", "picked"]

BITS = {"yuv420p": 8, "yuv422p": 8, "yuv444p": 8, "yuvj420p": 8, "yuvj422p": 8, "yuvj444p": 8}
BITS |= {"yuv420p10le": 10, "yuv422p10le": 10, "yuv444p10le": 10, "yuv420p12le": 12}
"""Pixel formats of three planes, with the bits of a sample: what the decoders of H.264, HEVC, VP9 and AV1 give."""

WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Share of red and of blue in the luma, by matrix; others, and clips that do not say, have those of BT.601."""
BT601 = (0.299, 0.114)

FULL_RANGE = 2
"""FFmpeg's number for luma from 0 to 255 (JPEG, some phones); otherwise black is 16 and white 235."""


class Gray(NamedTuple):
    """Light of a picture as it is stored: `black` and `white` are its levels for 0 and 255.

    Cutting and shrinking are linear, so only what was cut has to be brought to 0 to 255: a few pixels, not millions.
    """

    plane: np.ndarray
    black: float = 0.0
    white: float = 255.0

    def levels(self, cut: np.ndarray) -> np.ndarray:
        """Gray levels, uint8 from 0 to 255, of something cut out of the plane."""
        if (self.black, self.white) == (0.0, 255.0):
            return cut
        scale = 255.0 / (self.white - self.black)
        light = np.maximum(cut, cut.dtype.type(self.black))  # or it would come out as its mirror image above 0
        return np.asarray(cv2.convertScaleAbs(light, alpha=scale, beta=-scale * self.black).reshape(cut.shape))


def luma(picture: av.VideoFrame) -> Gray | None:
    """Return the light of a picture, not turned, without a copy; None where the format is none of `BITS`."""
    bits = BITS.get(picture.format.name)
    plane = None if bits is None else _plane(picture, 0)
    if bits is None or plane is None:
        return None
    unit = 1 << (bits - 8)
    return Gray(plane, 0.0, 256.0 * unit - 1) if _full(picture) else Gray(plane, 16.0 * unit, 235.0 * unit)


def picked(picture: av.VideoFrame, size: tuple[int, int]) -> np.ndarray | None:
    """Return a small BGR copy of pixels picked at even distances, not turned; None where the format is none of `BITS`.

    Nothing is averaged, so fine patterns flicker, but it takes 0.1 ms at any resolution.
    """
    bits = BITS.get(picture.format.name)
    planes = None if bits is None else [_plane(picture, i) for i in range(3)]
    if bits is None or planes is None or any(plane is None for plane in planes):
        return None
    small = cv2.merge([cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in planes])  # type: ignore[arg-type]
    if bits > 8:
        small = cv2.convertScaleAbs(small, alpha=1 / (1 << (bits - 8)))
    return cv2.transform(small, _to_bgr(int(picture.colorspace), _full(picture)))


def _full(picture: av.VideoFrame) -> bool:
    return picture.color_range == FULL_RANGE or picture.format.name.startswith("yuvj")


def _plane(picture: av.VideoFrame, number: int) -> np.ndarray | None:
    plane = picture.planes[number]
    depth = np.dtype(np.uint8 if BITS[picture.format.name] == 8 else np.uint16)
    if plane.line_size < plane.width * depth.itemsize:
        return None  # stored from the bottom up
    rows = np.frombuffer(memoryview(plane), depth).reshape(-1, plane.line_size // depth.itemsize)
    return rows[: plane.height, : plane.width]


@cache
def _to_bgr(matrix: int, full: bool) -> np.ndarray:
    """float64 (3, 4): BGR from luma, chroma of blue and of red, and 1."""
    red, blue = WEIGHTS.get(matrix, BT601)
    green = 1 - red - blue
    light, color, black = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    to_blue, to_red = 2 * (1 - blue) * color, 2 * (1 - red) * color
    rows = np.array(
        [
            [light, to_blue, 0.0],
            [light, -to_blue * blue / green, -to_red * red / green],
            [light, 0.0, to_red],
        ]
    )
    return np.column_stack([rows, -rows @ np.array([black, 128.0, 128.0])])
