"""Boxes, names and expressions drawn on a frame; faces blurred where they must not be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from fer_core.annotation.overlays import Overlay, overlays
from fer_core.annotation.text import drawable, put_text, text_size
from fer_core.labels import COLORS, UNSURE
from fer_core.types import Faces

__all__ = ["draw_faces", "draw_overlays"]

FONT = cv2.FONT_HERSHEY_DUPLEX
INK = (32, 24, 20)
PAPER = (255, 255, 255)
SHADE = np.array([round(0.8 * level) for level in INK], np.uint8)
"""What is added to a picture that shines through by a fifth."""

Box = tuple[float, float, float, float]


def bgr(label: str) -> tuple[int, int, int]:
    """Return the palette's colour of an expression, as OpenCV wants it."""
    code = COLORS.get(label, COLORS[UNSURE])
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)


def draw_faces(
    image: np.ndarray, faces: Faces, names: Mapping[int, str] | None = None, *, bars: bool = False
) -> np.ndarray:
    """Draw boxes, names and expressions on the image itself, and return it.

    Args:
        image: uint8 (h, w, 3), BGR, contiguous; changed in place.
        faces: those of this image.
        names: people by track id; "Person 1" and so on where none is given.
        bars: draw the probability of each expression beside the box too.

    Example:
        >>> image = np.zeros((120, 160, 3), np.uint8)
        >>> draw_faces(image, Faces.none(("happy", "sad"))).shape
        (120, 160, 3)
    """
    return draw_overlays(image, overlays(faces, names, bars=bars))


def draw_overlays(image: np.ndarray, found: Sequence[Overlay]) -> np.ndarray:
    """Draw marks on the image itself, and return it.

    Args:
        image: uint8 (h, w, 3), BGR, contiguous; changed in place.
        found: what to draw, in pixels of this image.
    """
    height, width = image.shape[:2]
    thick = max(1, round(min(height, width) / 240))
    scale = max(0.4, min(height, width) / 900)
    taken = [mark.box for mark in found]
    for mark in found:
        if mark.bars:
            taken.append(_bars(image, mark, scale, taken))
    # Small faces first, so that words of the face in front stay on top.
    for mark in sorted(found, key=lambda m: m.box[3] - m.box[1]):
        color = bgr(mark.label)
        x0, y0, x1, y1 = (round(v) for v in mark.box)
        cv2.rectangle(image, (x0, y0), (x1, y1), INK, thick + 2)
        cv2.rectangle(image, (x0, y0), (x1, y1), color, thick)
        percent = "" if mark.label == UNSURE else f" {100 * mark.confidence:.0f}%"
        words = [w for w in (drawable(mark.name)[:24], mark.label.capitalize() + percent) if w]
        _write(image, words, x0, y0, y1, scale, color)
    return image


def _write(
    image: np.ndarray, words: list[str], x: int, top: int, bottom: int, scale: float, color: tuple[int, int, int]
) -> None:
    sizes = [text_size(word, scale) for word in words]
    line = max(height for _, height in sizes)
    wide, tall = max(s[0] for s in sizes) + round(14 * scale), line * len(words) + round(4 * scale)
    # Above the box where there is room, else below it, else inside; never beyond the picture.
    y = top - tall if top >= tall else (bottom if bottom + tall <= image.shape[0] else max(0, top))
    x = int(np.clip(x, 0, max(0, image.shape[1] - wide)))
    plate = image[y : y + tall, x : x + wide]
    if plate.size == 0:
        return
    _darken(plate)
    plate[:, : max(2, round(5 * scale))] = color
    for i, word in enumerate(words):
        put_text(plate, word, (round(9 * scale), line * i + round(2 * scale)), scale, PAPER)


def _bars(image: np.ndarray, mark: Overlay, scale: float, taken: Sequence[Box]) -> Box:
    """Draw the probability of each expression beside or below a box, where it covers least, and return where."""
    height, width = image.shape[:2]
    small = max(0.32, 0.75 * scale)
    line = round(26 * small) + 3
    bars = mark.bars
    if line * len(bars) > 1.2 * (mark.box[3] - mark.box[1]):  # beside a small face only the strongest
        bars = tuple(sorted(bars, key=lambda bar: -bar[1])[:3])
    words = round(150 * small)
    wide, tall = words + round(100 * small), line * len(bars) + 4
    if wide > width or tall > height:
        return mark.box
    gap = max(4, round(6 * scale))
    x0, y0, x1, y1 = mark.box
    right, left, below = (x1 + gap, y0), (x0 - gap - wide, y0), (x0, y1 + gap)
    places = [(int(np.clip(x, 0, width - wide)), int(np.clip(y, 0, height - tall))) for x, y in (right, left, below)]
    x, y = min(places, key=lambda at: sum(_shared((*at, at[0] + wide, at[1] + tall), other) for other in taken))
    plate = image[y : y + tall, x : x + wide]
    _darken(plate)
    for i, (label, probability) in enumerate(bars):
        bottom = line * (i + 1) - round(5 * small)
        cv2.putText(plate, label.capitalize(), (4, bottom), FONT, small, PAPER, 1, cv2.LINE_AA)
        end = words + max(1, round((wide - words - 4) * min(max(probability, 0.0), 1.0)))
        cv2.rectangle(plate, (words, line * i + 5), (end, line * (i + 1) - 2), bgr(label), cv2.FILLED)
    return x, y, x + wide, y + tall


def _shared(one: Box, other: Box) -> float:
    """Pixels that two boxes share."""
    wide, tall = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1))
    return max(0.0, wide) * max(0.0, tall)


def _darken(plate: np.ndarray) -> None:
    plate[:] = cv2.convertScaleAbs(plate, alpha=0.2) + SHADE
