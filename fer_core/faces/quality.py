"""Quality of a face: why it cannot be read well."""

from __future__ import annotations

import cv2
import numpy as np

from fer_core.types import FaceQuality

__all__ = ["DARKNESS", "DETAIL", "DOUBT", "SMALLEST", "YAW", "assess_quality", "head_turn"]

SMALLEST = 32.0
"""Pixels of box height under which a crop has too little detail for the network."""


# Measured with the shipped network. Of FER2013's training crops 0.6 % lie under DETAIL, 0.3 % under DARKNESS or DOUBT.
# On its PublicTest images accuracy is 56 %, but 34 % under a DETAIL of 0.04 and 27 % under DARKNESS. Portraits 40 to
# 300 pixels tall have a DETAIL of 0.048 and more, also as JPEG of quality 50; blurred by 6 % of the face's height they
# have at most 0.025, also with noise, which the variance of a Laplacian takes for detail.
DETAIL = 0.035
"""Share of a crop's variance under which it is blurred: what is lost when it is blurred by 1.5 pixels more."""


DARKNESS = 35.0
"""Mean grey level."""


DOUBT = 0.75
"""Detector's confidence."""


YAW = 0.4
"""How far the nose may stand off the middle of the eyes, in eye distances; about 36 degrees. Of PublicTest's faces 4 %
lie beyond. With 0.55 pages said something wrong of 18 % of the faces between 0.35 and 0.45, and "unsure" of 13 %; with
0.4 it is 15 and 48 %, and "unsure" of all that are turned further."""


# Of 703 news photos with one bare face each 0.3 % count as covered. Of 330 of them with a mask drawn over mouth and
# chin: light blue 96 %, green 99 %, white 83 %, black 65 %. Real masks were not at hand, and of animals and things
# nothing is said. Of FER2013's crops 1.2 % lie under BARE, more of them neutral than happy, as a smile shows more.
BARE, BARE_DOUBT = 0.40, 0.65
"""Fine detail of mouth and chin by that of eyes and brows, under which a face is covered; under the second where the
detector doubts a little too."""

COVERED_DOUBT = 0.91
"""Detector's confidence that hardly any bare face falls short of (1 of 100), and half of the covered ones do."""

EYES, MOUTH = (slice(12, 23), slice(8, 40)), (slice(29, 42), slice(13, 35))
"""Where training images have them, rows and columns of a crop."""


def _detail_below(gray: np.ndarray) -> np.ndarray:
    """Fine detail around the mouth by that around the eyes, for float32 (n, 48, 48)."""
    fine = [np.abs(crop - cv2.GaussianBlur(crop, (0, 0), 1.5)) for crop in gray]
    return np.array([one[MOUTH].mean() / max(float(one[EYES].mean()), 0.3) for one in fine], np.float32)


def assess_quality(crops: np.ndarray, boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the flags of `FaceQuality` for each face.

    Args:
        crops: uint8 (n, 48, 48).
        boxes: (n, 4) xyxy pixels.
        scores: (n,), 0 to 1.
        landmarks: (n, 5, 2) pixels or NaN.

    Returns:
        uint8 (n,).
    """
    height = boxes[:, 3] - boxes[:, 1]
    gray = crops.astype(np.float32)
    detail = np.array([_detail(crop) for crop in gray])
    flags = np.where(height < SMALLEST, FaceQuality.SMALL, 0)
    flags |= np.where(detail < DETAIL, FaceQuality.BLURRED, 0)
    flags |= np.where(np.nan_to_num(head_turn(landmarks)) > YAW, FaceQuality.TURNED, 0)
    flags |= np.where(crops.mean((1, 2)) < DARKNESS, FaceQuality.DARK, 0)
    flags |= np.where(scores < DOUBT, FaceQuality.DOUBTFUL, 0)
    below = _detail_below(gray)
    covered = (below < BARE) | ((below < BARE_DOUBT) & (scores < COVERED_DOUBT))
    # Where there is little detail anywhere, or the mouth is turned away or doubtful, nothing follows from a lack of it.
    flags |= np.where(covered & (flags == 0) & np.isfinite(landmarks).all((1, 2)), FaceQuality.COVERED, 0)
    return flags.astype(np.uint8)


def head_turn(landmarks: np.ndarray) -> np.ndarray:
    """Return how far each head is turned to the side, by the nose's distance from the middle of the eyes.

    Args:
        landmarks: (n, 5, 2) pixels or NaN.

    Returns:
        (n,), along the eye line in eye distances: 0 from the front, about 0.55 at 45 degrees, 1 and more in profile;
        NaN where there are no landmarks.
    """
    eyes = landmarks[:, 1] - landmarks[:, 0]
    length = np.maximum(np.hypot(eyes[:, 0], eyes[:, 1]), 1e-6)
    return np.asarray(np.abs(((landmarks[:, 2] - landmarks[:, :2].mean(1)) * eyes).sum(1)) / length**2)


def _detail(crop: np.ndarray) -> float:
    """Return the share of a crop's variance that is lost when it is blurred."""
    lost = cv2.meanStdDev(cv2.subtract(crop, cv2.GaussianBlur(crop, (0, 0), 1.5)))[1].item()
    return lost**2 / max(cv2.meanStdDev(crop)[1].item() ** 2, 1.0)
