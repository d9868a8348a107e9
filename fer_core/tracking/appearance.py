"""What somebody looks like in coarse colours: tells people of one clip apart, and knows nobody again."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["BINS", "appearance_descriptors", "descriptor_distance"]

_SAMPLES = 20  # pixels a side taken from a region; enough for a histogram, and independent of the resolution
_SIDE = 6
# Moves part of each histogram bin to its neighbours, so that a slight change of light is a slight distance.
_LINE = np.eye(_SIDE) / 2 + (np.eye(_SIDE, k=1) + np.eye(_SIDE, k=-1)) / 4
_SPREAD = np.kron(np.kron(_LINE, _LINE), _LINE).astype(np.float32)

_LEVELS = np.arange(256)
_LIGHT_BINS = _LEVELS * _SIDE // 256 * _SIDE**2
_COLOR_BINS = np.clip((_LEVELS - 86) // 14, 0, _SIDE - 1)  # skin and most cloth lie within 42 of gray

BINS = _SIDE**3
"""Bins of a region's histogram."""


def appearance_descriptors(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Lab histograms, (n, 2, bins), of each face with its hair and of the clothes under it; zeros where out of view."""
    if not len(boxes):
        return np.zeros((0, 2, BINS), np.float32)
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).T
    w, h = x2 - x1, y2 - y1
    face = np.stack([x1, y1 - 0.2 * h, x2, y2], 1)
    clothes = np.stack([x1 - 0.3 * w, y2 + 0.3 * h, x2 + 0.3 * w, y2 + 1.2 * h], 1)
    wanted = np.stack([face, clothes], 1).reshape(-1, 4)
    height, width = image.shape[:2]
    region = np.clip(wanted, 0, [width, height, width, height])
    sides = region[:, 2:] - region[:, :2]
    visible = sides.prod(1) >= 0.3 * (wanted[:, 2:] - wanted[:, :2]).prod(1)

    # Pixels are picked on a grid: the cost is the same for every resolution and size of face.
    grid = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    columns = np.clip(region[:, :1] + grid * sides[:, :1], 0, width - 1).astype(np.intp)
    rows = np.clip(region[:, 1:2] + grid * sides[:, 1:], 0, height - 1).astype(np.intp)
    pixels = image[rows[:, :, None], columns[:, None, :]].reshape(-1, _SAMPLES, 3)
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab).reshape(len(wanted), -1, 3)
    bins = _LIGHT_BINS[lab[..., 0]] + _COLOR_BINS[lab[..., 1]] * _SIDE + _COLOR_BINS[lab[..., 2]]
    bins += np.arange(len(wanted))[:, None] * BINS
    counts = np.bincount(bins.ravel(), minlength=len(wanted) * BINS).reshape(len(wanted), -1)
    histograms = counts.astype(np.float32) @ _SPREAD
    histograms *= (visible / histograms.sum(1))[:, None]
    return histograms.reshape(-1, 2, BINS)


def descriptor_distance(known: np.ndarray, seen: np.ndarray, crowded: np.ndarray) -> np.ndarray:
    """Return the Hellinger distance of the regions that both have, (tracks, faces), stretched to 0 same and 1 other."""
    overlap = np.einsum("trb,frb->tfr", np.sqrt(known), np.sqrt(seen))
    weight = ((known.sum(2) > 0)[:, None] & (seen.sum(2) > 0)[None]).astype(np.float64)
    weight[:, crowded, 1] *= 0.3  # the clothes may be those of the neighbour
    distance = np.sqrt(np.clip(1.0 - overlap, 0.0, 1.0))
    mean = (distance * weight).sum(2) / np.maximum(weight.sum(2), 1e-6)
    return np.asarray(np.clip((mean - 0.2) / 0.4, 0.0, 1.0))
