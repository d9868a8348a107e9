"""Face images made worse on purpose: smaller, blurred, darker, turned. How soon does a model give in?"""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

__all__ = ["CONDITIONS", "TITLES", "UNTOUCHED", "corrupt"]

CONDITIONS = MappingProxyType(
    {
        "size": (12.0, 16.0, 24.0, 32.0, 48.0),
        "blur": (0.0, 0.7, 1.3, 2.0, 3.0),
        "brightness": (0.1, 0.25, 0.5, 1.0, 1.5, 2.0),
        "roll": (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0),
    }
)
"""What is done to the images, and how much of it."""

TITLES = MappingProxyType(
    {
        "size": "Face size (pixels)",
        "blur": "Blur (pixels)",
        "brightness": "Brightness (times)",
        "roll": "Roll (degrees)",
    }
)

UNTOUCHED = MappingProxyType({"size": 48.0, "blur": 0.0, "brightness": 1.0, "roll": 0.0})
"""The amount that leaves an image as it is."""


def corrupt(images: np.ndarray, condition: str, amount: float) -> np.ndarray:
    """Return the images made worse.

    Args:
        images: uint8 (n, 48, 48).
        condition: size (shrunk to so many pixels and back), blur (Gaussian, its deviation in pixels), brightness (grey
            levels times it, cut at white), or roll (degrees, positive clockwise; the border is repeated).
        amount: how much.

    Returns:
        uint8 (n, 48, 48).

    Raises:
        ValueError: there is no such condition.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"condition must be one of {', '.join(CONDITIONS)}; received {condition!r}")
    if amount == UNTOUCHED[condition]:
        return images
    return np.stack([_one(image, condition, amount) for image in images]) if len(images) else images


def _one(image: np.ndarray, condition: str, amount: float) -> np.ndarray:
    height, width = image.shape
    if condition == "size":
        small = cv2.resize(image, (round(amount), round(amount)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if condition == "blur":
        return cv2.GaussianBlur(image, (0, 0), amount, borderType=cv2.BORDER_REPLICATE)
    if condition == "brightness":
        return np.clip(np.rint(image * amount), 0, 255).astype(np.uint8)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -amount, 1.0)
    return cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
