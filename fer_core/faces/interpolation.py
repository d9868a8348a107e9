"""Faces of the frames between two that were searched: linear motion over a tenth of a second.

Keypoint interpolation between key frames, as annotation tools do it (for example CVAT, Sekachev et al., 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from fer_core.faces.yunet import Detections
from fer_core.video.frame import Frame

__all__ = ["between", "detect_between", "same_faces"]

MOVE = 0.10
"""Sizes of a face that it may move between the two frames; beyond that each frame is searched."""
GROWTH = 0.10
"""Natural logarithm of how much it may grow."""
CHANGE = 24.0
"""Gray levels of mean difference between the two pictures; beyond that the shot was cut, or the light went out."""
SIDE = 320
"""Longer side of the pictures that are compared: the detector's, so they are there already."""


def detect_between(
    frames: Sequence[Frame],
    seconds: Sequence[float],
    first: Detections,
    last: Detections,
    detect: Callable[[Frame], Detections],
) -> list[Detections]:
    """Return the faces of all frames of a stretch of which the first and the last were searched.

    Where the same faces rest or move calmly from the one to the other, those in between follow from both. Where one
    came, went or moved fast, or the picture changed, each frame is searched.

    Args:
        frames: of the stretch, in order of time.
        seconds: of each.
        first: faces of the first frame.
        last: faces of the last frame.
        detect: finds the faces of a frame.
    """
    inner = range(1, len(frames) - 1)
    if not inner:
        return [first, last][: len(frames)]
    pairs = same_faces(first, last)
    if pairs is None or not _calm(frames[0], frames[-1]):
        return [first, *(detect(frames[i]) for i in inner), last]
    target = Detections(*(column[pairs] for column in last))
    span = max(seconds[-1] - seconds[0], 1e-6)
    return [first, *(between(first, target, (seconds[i] - seconds[0]) / span) for i in inner), last]


def same_faces(first: Detections, last: Detections) -> np.ndarray | None:
    """For each face of `first` its row in `last`; None where not all of both fit one another."""
    count = len(first.boxes)
    if count != len(last.boxes):
        return None
    if not count:
        return np.empty(0, np.intp)
    (before, size_before), (after, size_after) = _places(first.boxes), _places(last.boxes)
    apart = np.linalg.norm(before[:, None] - after[None], axis=2) / size_before[:, None]
    rows = apart.argmin(1)
    calm = apart[np.arange(count), rows] < MOVE
    calm &= np.abs(np.log(size_after[rows] / size_before)) < GROWTH
    return rows if calm.all() and len(set(rows.tolist())) == count else None


def between(first: Detections, last: Detections, share: float) -> Detections:
    """Faces at a moment between two searches; `share` is 0 at the first and 1 at the last, rows are the same faces."""
    weight = np.float32(share)
    return Detections(*(a + weight * (b - a) for a, b in zip(first, last, strict=True)))


def _places(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    corners = boxes.reshape(-1, 2, 2)
    return corners.mean(1), np.maximum((corners[:, 1] - corners[:, 0]).mean(1), 1.0)


def _calm(one: Frame, other: Frame) -> bool:
    a, b = (np.ascontiguousarray(frame.image(SIDE)[::8, ::8]) for frame in (one, other))
    return a.shape == b.shape and bool(cv2.norm(a, b, cv2.NORM_L1) < CHANGE * a.size)
