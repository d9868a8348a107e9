"""What tracking needs of a frame's picture: measured for each frame alone, so in any order and in any process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_core.tracking.appearance import appearance_descriptors
from fer_core.video.shot_detection import shot_thumbnail

__all__ = ["FrameFeatures", "measure_frame"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """The few kilobytes of a frame that tracking and shot detection compare.

    Attributes:
        descriptors: float32 (n, 2, 216), `appearance_descriptors` of the frame's faces.
        thumbnail: uint8 (27, 48, 3), BGR, `shot_thumbnail` of the frame.
    """

    descriptors: np.ndarray
    thumbnail: np.ndarray


def measure_frame(image: np.ndarray, boxes: np.ndarray) -> FrameFeatures:
    """Measure a frame.

    Args:
        image: uint8 (height, width, 3), BGR.
        boxes: float32 (n, 4), xyxy in pixels of `image`.
    """
    return FrameFeatures(appearance_descriptors(image, boxes), shot_thumbnail(image))
