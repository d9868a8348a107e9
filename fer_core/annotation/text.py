"""Words in pictures, in letters of many scripts: DejaVu Sans, which ships with this package, drawn by Pillow.

OpenCV's own fonts know ASCII alone. A word is drawn once and kept, as a clip shows the same few in all its frames.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["drawable", "put_text", "text_size"]

FONT_FILE = Path(__file__).with_name("fonts") / "DejaVuSans.ttf"
SHARE = 22
"""Pixels of a font of scale 1, that of OpenCV's fonts: both then take about the same room."""


def drawable(text: str) -> str:
    """Return the text without the signs that the font has no picture of, such as Chinese ones."""
    return "".join(c for c in text if c.isprintable() and _known(c)).strip()


def text_size(text: str, scale: float) -> tuple[int, int]:
    """Return width and height of a word in pixels; the height holds capitals and what hangs below the line."""
    height, width = _mask(text, scale).shape
    return width, height


def put_text(
    image: np.ndarray, text: str, at: tuple[int, int], scale: float, color: tuple[int, int, int]
) -> np.ndarray:
    """Write a word on the image itself, and return it; what lies beyond the image is left out.

    Args:
        image: uint8 (h, w, 3); changed in place.
        text: one line.
        at: x and y of the upper left corner, in pixels, not negative.
        scale: size of the letters; 1 is 22 pixels.
        color: in the image's own order of channels.
    """
    x, y = at
    part = image[y : y + 10_000, x : x + 10_000]
    mask = _mask(text, scale)[: part.shape[0], : part.shape[1], None]
    part = part[: mask.shape[0], : mask.shape[1]]
    part[:] = (part * (1 - mask) + np.array(color) * mask).astype(np.uint8)
    return image


@lru_cache(maxsize=512)
def _mask(text: str, scale: float) -> np.ndarray:
    """Return how much each pixel is covered by the letters, float32 (h, w), 0 to 1."""
    font = _font(max(8, round(SHARE * scale)))
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    mask = np.asarray(image, np.float32) / 255
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=4096)
def _known(sign: str) -> bool:
    return sign.isspace() or not np.array_equal(_mask(sign, 1.0), _mask("\uffff", 1.0))


@lru_cache(maxsize=32)
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FILE), pixels)
