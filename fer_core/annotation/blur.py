"""Faces made unrecognizable."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["blur_faces"]


def blur_faces(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Make faces unrecognisable on the image itself, and return it.

    The face is reduced to 8x8 tiles and softened, which, unlike a plain blur, cannot be sharpened back.

    Args:
        image: uint8 (h, w, 3), BGR; changed in place.
        boxes: (n, 4), xyxy pixels.

    Example:
        >>> image = np.zeros((120, 160, 3), np.uint8)
        >>> blur_faces(image, np.array([[40, 30, 90, 90]])).shape
        (120, 160, 3)
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
        center = round((x0 + x1) / 2) - left, round((y0 + y1) / 2) - top
        axes = int((x1 - x0) / 2 + pad_x) + 1, int((y1 - y0) / 2 + pad_y) + 1
        cv2.ellipse(mask, center, axes, 0, 0, 360, 255, -1)
        face[mask > 0] = soft[mask > 0]
    return image
