"""Quality of a face: why it cannot be read well."""

from __future__ import annotations

import cv2
import numpy as np

from fer_core.types import FaceQuality

__all__ = ["DARKNESS", "DETAIL", "DOUBT", "SMALLEST", "YAW", "assess_quality"]

SMALLEST = 32.0
"""Pixels of box height under which a crop has too little detail for the network."""


# Measured with the shipped network. Of FER2013's training crops 0.6 % lie under DETAIL, 2 % beyond YAW, 0.3 % under
# DARKNESS or DOUBT. On its PublicTest images accuracy is 56 %, but 34 % under a DETAIL of 0.04 and 27 % under DARKNESS.
# Portraits 40 to 300 pixels tall have a DETAIL of 0.048 and more, also as JPEG of quality 50; blurred by 6 % of the
# face's height they have at most 0.025, also with noise, which the variance of a Laplacian takes for detail.
DETAIL = 0.035
"""Share of a crop's variance under which it is blurred: what is lost when it is blurred by 1.5 pixels more."""


DARKNESS = 35.0
"""Mean grey level."""


DOUBT = 0.75
"""Detector's confidence."""


YAW = 0.55
"""How far the nose stands off the middle of the eyes, in eye distances; about 45 degrees."""


def assess_quality(crops: np.ndarray, boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Flags of `FaceQuality` for each face.

    Args:
        crops: uint8 (n, 48, 48).
        boxes: (n, 4) xyxy pixels.
        scores: (n,), 0 to 1.
        landmarks: (n, 5, 2) pixels or NaN.

    Returns:
        uint8 (n,).
    """
    height = boxes[:, 3] - boxes[:, 1]
    detail = np.array([_detail(crop) for crop in crops.astype(np.float32)])
    eyes = landmarks[:, 1] - landmarks[:, 0]
    length = np.maximum(np.hypot(eyes[:, 0], eyes[:, 1]), 1e-6)
    # How far the nose stands off the middle of the eyes, along the eye line: 0 from the front, about 1 in profile.
    nose = ((landmarks[:, 2] - landmarks[:, :2].mean(1)) * eyes).sum(1) / length**2
    flags = np.where(height < SMALLEST, FaceQuality.SMALL, 0)
    flags |= np.where(detail < DETAIL, FaceQuality.BLURRED, 0)
    flags |= np.where(np.abs(np.nan_to_num(nose)) > YAW, FaceQuality.TURNED, 0)
    flags |= np.where(crops.mean((1, 2)) < DARKNESS, FaceQuality.DARK, 0)
    flags |= np.where(scores < DOUBT, FaceQuality.DOUBTFUL, 0)
    return flags.astype(np.uint8)


def _detail(crop: np.ndarray) -> float:
    """Share of a crop's variance that is lost when it is blurred."""
    lost = cv2.meanStdDev(cv2.subtract(crop, cv2.GaussianBlur(crop, (0, 0), 1.5)))[1].item()
    return lost**2 / max(cv2.meanStdDev(crop)[1].item() ** 2, 1.0)
