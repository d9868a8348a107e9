"""How closely a clip must be looked at: a few of its frames are tried before all of them are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fer_core.faces.detector import FaceDetector
from fer_core.video.limits import Limits
from fer_core.video.sampling import sample_images

__all__ = ["CLOSER", "Detail", "choose_detail"]

CLOSER = 640
"""Longer side of the detector's picture for small faces; the usual one is 320, at a quarter of the time. On the old
film of 640x360 with faces of 15 to 30 pixels at 320, faces are found in 1 of 12 frames there and in 7 of 12 here."""

SAMPLES = 10
GAIN = 1.5
"""Times as many faces that a closer look must find, and two more of them, to be worth its time."""

SQUASHED = (0.5, 2.0)
"""Aspects of pixels that are tried where hardly any face is found."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How a clip should be looked at.

    Attributes:
        side: longer side, in pixels, of the detector's picture.
        notes: why, in sentences for a person; empty where there is nothing to say.
        aspect: width of a pixel by its height with which many more faces are found; None where there is none.
    """

    side: int
    notes: tuple[str, ...] = ()
    aspect: float | None = None


def choose_detail(
    source: Path, detector: FaceDetector, limits: Limits | None = None, pixel_aspect: float | None = None
) -> Detail:
    """Try a few frames at the detector's own size and closer, and squashed ones stretched.

    Args:
        source: a clip.
        detector: its size is the usual one.
        limits: what is refused.
        pixel_aspect: as somebody said it; then no other is tried.

    Raises:
        MediaError: the clip cannot be used.
    """
    images = sample_images(source, limits, count=SAMPLES, max_side=1920, pixel_aspect=pixel_aspect)
    usual = detector.side
    if not images or detector.kind != "yunet" or usual >= CLOSER:
        return Detail(usual)
    closer = detector.with_side(CLOSER)
    far, near = _faces(detector, images), _faces(closer, images)
    side, best = usual, far
    notes: tuple[str, ...] = ()
    if _gains(sum(near), sum(far)):
        side, best = CLOSER, near
        notes = (
            f"The faces are small: of {len(images)} frames that were tried, a close look found "
            f"{_count(near)}, the usual one {_count(far)}. So all frames are looked at closely, which takes longer.",
        )
    aspect = None
    if pixel_aspect is None and sum(n > 0 for n in best) < len(images) / 2:
        aspect, words = _stretched(closer, images, best)
        notes = (*notes, *words)
    return Detail(side, notes, aspect)


def _stretched(
    detector: FaceDetector, images: Sequence[np.ndarray], plain: list[int]
) -> tuple[float | None, list[str]]:
    found = {aspect: _faces(detector, [_reshaped(image, aspect) for image in images]) for aspect in SQUASHED}
    aspect, most = max(found.items(), key=lambda item: sum(item[1]))
    if not _gains(sum(most), sum(plain)) or sum(n > 0 for n in most) < 3:
        return None, []
    how = "half as wide" if aspect < 1 else "twice as wide"
    return aspect, [
        f"The picture seems to be squashed: made {how}, {_count(most)} are found in {len(images)} frames that were "
        f"tried, as it is {_count(plain)}. Analyse it again with pixels of the aspect {aspect:g} (--aspect {aspect:g})."
    ]


def _reshaped(image: np.ndarray, aspect: float) -> np.ndarray:
    height, width = image.shape[:2]
    size = (max(1, round(width * aspect)), height) if aspect < 1 else (width, max(1, round(height / aspect)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _faces(detector: FaceDetector, images: Sequence[np.ndarray]) -> list[int]:
    return [len(detector(image).boxes) for image in images]


def _gains(more: int, less: int) -> bool:
    return more >= GAIN * less and more >= less + 2


def _count(faces: Sequence[int]) -> str:
    return "1 face" if sum(faces) == 1 else f"{sum(faces) or 'no'} faces"
