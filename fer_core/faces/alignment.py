"""Square crops of faces, turned upright, as the network was trained on."""

from __future__ import annotations

import math

import cv2
import numpy as np

from fer_core.models.preprocessing import CROP_SIDE
from fer_core.video.planes import Gray

__all__ = [
    "EYE_DISTANCE",
    "EYE_TO_MOUTH",
    "ROLL_LIMIT",
    "SIDE_PER_BOX_HEIGHT",
    "crop_faces",
    "crop_square",
    "roll_degrees",
]

SIDE_PER_BOX_HEIGHT = 0.95


EYE_DISTANCE = 0.375


EYE_TO_MOUTH = 0.39


ROLL_LIMIT = 12.0
"""Training crops roll by 7.5 degrees (standard deviation), so only stronger rolls are turned upright."""


def roll_degrees(landmarks: np.ndarray) -> np.ndarray:
    """Return the roll of each face from its eye line, in degrees, positive clockwise in the image.

    Args:
        landmarks: float (n, 5, 2), pixels; the first two points are the eyes, the one on the image's left first.

    Returns:
        float (n,); NaN where the landmarks are NaN.
    """
    line = landmarks[:, 1] - landmarks[:, 0]
    return np.asarray(np.degrees(np.arctan2(line[:, 1], line[:, 0])))


def crop_square(box: np.ndarray, landmarks: np.ndarray) -> tuple[float, float, float, float]:
    """Return where to cut a face: (centre x, centre y, side, roll) in pixels and degrees.

    The side is the mean of what the box and the landmarks say; where the landmarks are NaN, the box decides alone.

    Args:
        box: (4,) xyxy pixels.
        landmarks: (5, 2) pixels, or NaN.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    side, roll = SIDE_PER_BOX_HEIGHT * (y1 - y0), 0.0
    if np.isfinite(landmarks).all():
        eyes, mouth = landmarks[:2].mean(0), landmarks[3:5].mean(0)
        eye_distance = float(np.hypot(*(landmarks[1] - landmarks[0])))
        eye_to_mouth = float(np.hypot(*(mouth - eyes)))
        side = (side + max(eye_distance / EYE_DISTANCE, eye_to_mouth / EYE_TO_MOUTH)) / 2
        roll = float(roll_degrees(landmarks[None])[0])
        if abs(roll) < ROLL_LIMIT:
            roll = 0.0
    return (x0 + x1) / 2, (y0 + y1) / 2, max(side, 1.0), roll


def crop_faces(
    image: np.ndarray | Gray, boxes: np.ndarray, landmarks: np.ndarray, side: int = CROP_SIDE, *, color: bool = False
) -> np.ndarray:
    """Cut faces out of a frame as FER2013-like crops.

    Beyond the frame the border is repeated. Grey is BT.601, as in the training data.

    Args:
        image: uint8 (h, w, 3) BGR, or (h, w) grey, or a frame's light as it is stored.
        boxes: float (n, 4), xyxy pixels.
        landmarks: float (n, 5, 2) pixels, NaN where the detector gives none.
        side: of the crops in pixels.
        color: keep the three colours.

    Returns:
        uint8 (n, side, side), or (n, side, side, 3) RGB.
    """
    if color:
        if isinstance(image, Gray):
            raise ValueError("crops in color need a BGR image; received a plane of gray")
        cut = [_cut(image, *crop_square(box, p), out=side, color=True) for box, p in zip(boxes, landmarks, strict=True)]
        return np.stack(cut) if cut else np.empty((0, side, side, 3), np.uint8)
    gray = image if isinstance(image, Gray) else Gray(image)
    crops = np.empty((len(boxes), side, side), gray.plane.dtype)
    for i, (box, points) in enumerate(zip(boxes, landmarks, strict=True)):
        crops[i] = _cut(gray.plane, *crop_square(box, points), out=side)
    return gray.levels(crops)


def _cut(
    image: np.ndarray, x: float, y: float, side: float, roll: float, out: int = CROP_SIDE, color: bool = False
) -> np.ndarray:
    height, width = image.shape[:2]
    # Only the surroundings are turned to grey; 0.75 side holds the square at any roll.
    reach = (0.75 if roll else 0.5) * side + 2
    left, right = _within(x - reach, 0, width - 1), _within(x + reach + 1, 1, width)
    top, bottom = _within(y - reach, 0, height - 1), _within(y + reach + 1, 1, height)
    patch = image[top:bottom, left:right]
    if color:
        patch = cv2.cvtColor(patch, cv2.COLOR_GRAY2RGB if patch.ndim == 2 else cv2.COLOR_BGR2RGB)
    elif patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    x, y = x - left, y - top
    patch, factor = _shrunk(np.ascontiguousarray(patch), side, out)
    x, y, side = x / factor, y / factor, side / factor
    # First at the picture's own resolution or a little above, then shrunk by area: sampling 48 points would alias. A
    # whole multiple of the crop's side is shrunk several times as fast.
    target = out * math.ceil(side / out - 1e-6)  # a side that is a multiple already stays one
    scale, angle = target / side, np.deg2rad(roll)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    move = np.full(2, (target - 1) / 2) - turn @ np.array([x - 0.5, y - 0.5])
    cut = cv2.warpAffine(
        patch, np.column_stack([turn, move]), (target, target), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return cut if target == out else cv2.resize(cut, (out, out), interpolation=cv2.INTER_AREA)


def _within(value: float, low: int, high: int) -> int:
    return int(min(max(value, low), high))


def _shrunk(patch: np.ndarray, side: float, out: int) -> tuple[np.ndarray, int]:
    """Surroundings of a large face, shrunk by a whole number, and that number: turning all pixels takes 4 ms at 4K.

    What is left of the face is at least twice as large as the crop, so hardly anything is lost to sampling.
    """
    factor = min(int(side / (2 * out)), *patch.shape[:2])
    if factor < 2:
        return patch, 1
    height, width = patch.shape[0] // factor, patch.shape[1] // factor
    patch = patch[: height * factor, : width * factor]
    return cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA), factor
