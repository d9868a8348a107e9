"""Boxes, names and expressions drawn on a frame; faces blurred where they must not be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .labels import COLOURS, UNSURE
from .types import Faces

__all__ = ["Mark", "blur_faces", "draw", "marks"]

FONT = cv2.FONT_HERSHEY_DUPLEX
INK = (32, 24, 20)
PAPER = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is drawn for one face: its box (x0, y0, x1, y1 in pixels), two lines of words, and its expression."""

    track_id: int
    box: tuple[float, float, float, float]
    name: str
    label: str
    confidence: float


def bgr(label: str) -> tuple[int, int, int]:
    """The palette's colour of an expression, as OpenCV wants it."""
    code = COLOURS.get(label, COLOURS[UNSURE])
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)


def marks(faces: Faces, names: Mapping[int, str] | None = None) -> list[Mark]:
    """What to draw for the faces of a frame."""
    found = []
    for i, (box, track, shown) in enumerate(
        zip(faces.boxes.tolist(), faces.track_ids.tolist(), faces.shown.tolist(), strict=True)
    ):
        name = (names or {}).get(track) or ("" if track < 0 else f"Person {track + 1}")
        label = UNSURE if shown < 0 else faces.labels[shown]
        found.append(Mark(track, tuple(box), name, label, float(faces.smoothed[i].max())))
    return found


def draw(image: np.ndarray, found: Sequence[Mark]) -> np.ndarray:
    """Draw marks on the image itself, and return it.

    Args:
        image: uint8 (h, w, 3), BGR, contiguous; changed in place.
        found: what to draw, in pixels of this image.
    """
    height, width = image.shape[:2]
    thick = max(1, round(min(height, width) / 240))
    scale = max(0.4, min(height, width) / 900)
    # Small faces first, so that words of the face in front stay on top.
    for mark in sorted(found, key=lambda m: m.box[3] - m.box[1]):
        colour = bgr(mark.label)
        x0, y0, x1, y1 = (round(v) for v in mark.box)
        cv2.rectangle(image, (x0, y0), (x1, y1), INK, thick + 2)
        cv2.rectangle(image, (x0, y0), (x1, y1), colour, thick)
        percent = "" if mark.label == UNSURE else f" {100 * mark.confidence:.0f}%"
        words = [w for w in (_ascii(mark.name), mark.label.capitalize() + percent) if w]
        _write(image, words, x0, y0, y1, scale, colour)
    return image


def _write(
    image: np.ndarray, words: list[str], x: int, top: int, bottom: int, scale: float, colour: tuple[int, int, int]
) -> None:
    sizes = [cv2.getTextSize(w, FONT, scale, 1)[0] for w in words]
    line = max(s[1] for s in sizes) + round(10 * scale)
    wide, tall = max(s[0] for s in sizes) + round(14 * scale), line * len(words) + round(4 * scale)
    # Above the box where there is room, else below it, else inside; never beyond the picture.
    y = top - tall if top >= tall else (bottom if bottom + tall <= image.shape[0] else max(0, top))
    x = int(np.clip(x, 0, max(0, image.shape[1] - wide)))
    plate = image[y : y + tall, x : x + wide]
    if plate.size == 0:
        return
    plate[:] = (plate * 0.2 + np.array(INK) * 0.8).astype(np.uint8)
    plate[:, : max(2, round(5 * scale))] = colour
    for i, (word, size) in enumerate(zip(words, sizes, strict=True)):
        origin = x + round(9 * scale), y + line * i + size[1] + round(6 * scale)
        cv2.putText(image, word, origin, FONT, scale, PAPER, 1, cv2.LINE_AA)


def _ascii(name: str) -> str:
    # OpenCV's built-in fonts have no other letters and would draw question marks.
    return "".join(c if 32 <= ord(c) < 127 else "" for c in name).strip()[:24]


def blur_faces(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Make faces unrecognisable on the image itself, and return it.

    The face is reduced to 8x8 tiles and softened, which, unlike a plain blur, cannot be sharpened back.

    Args:
        image: uint8 (h, w, 3), BGR; changed in place.
        boxes: (n, 4), xyxy pixels.
    """
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4):
        pad_x, pad_y = 0.15 * (x1 - x0), 0.15 * (y1 - y0)
        left, right = max(0, int(x0 - pad_x)), min(width, int(x1 + pad_x) + 1)
        top, bottom = max(0, int(y0 - pad_y)), min(height, int(y1 + pad_y) + 1)
        if right - left < 2 or bottom - top < 2:
            continue
        face = image[top:bottom, left:right]
        tiles = cv2.resize(face, (8, 8), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(tiles, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        mask = np.zeros(face.shape[:2], np.uint8)
        # Round the middle of the face, not of what the picture's border left of it.
        centre = round((x0 + x1) / 2) - left, round((y0 + y1) / 2) - top
        axes = int((x1 - x0) / 2 + pad_x) + 1, int((y1 - y0) / 2 + pad_y) + 1
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
        face[mask > 0] = soft[mask > 0]
    return image
