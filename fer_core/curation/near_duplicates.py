"""Which images are the same picture but for small changes: thumbnails that are compared with each other."""

from __future__ import annotations

import numpy as np

from fer_core.utils.progress import Progress, silent

__all__ = ["SIMILARITY", "duplicated_in", "near_duplicates"]

SIMILARITY = 0.98
"""From which on two images are the same picture."""

CHUNK = 1024


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """16x16 thumbnails of mean 0 and length 1; their inner product is the likeness. Blank images are like nothing."""
    small = images.reshape(-1, 16, 3, 16, 3).mean((2, 4), dtype=np.float32).reshape(-1, 256)
    small -= small.mean(1, keepdims=True)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6))


def near_duplicates(images: np.ndarray, min_similarity: float = SIMILARITY, progress: Progress = silent) -> np.ndarray:
    """Pairs of images that are the same picture but for small changes, also mirrored; int64 (pairs, 2), first < second.

    Args:
        images: uint8 (n, 48, 48).
        min_similarity: from which on two images are the same picture.
        progress: told the share that is done; may raise Cancelled.
    """
    views = _thumbnails(images), _thumbnails(images[:, :, ::-1])
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(images), CHUNK):
        progress(1 - (1 - start / len(images)) ** 2)  # each image is compared with those after it
        for view in views:
            first, second = np.nonzero(views[0][start : start + CHUNK] @ view[start:].T >= min_similarity)
            keep = first < second
            found.append(np.stack([first[keep], second[keep]], 1) + start)
    return np.unique(np.concatenate(found), axis=0)


def duplicated_in(images: np.ndarray, others: np.ndarray, min_similarity: float = SIMILARITY) -> np.ndarray:
    """Return which images have a copy or a near copy, also mirrored, among others; bool (n,).

    Args:
        images: uint8 (n, 48, 48).
        others: uint8 (m, 48, 48).
        min_similarity: from which on two images are the same picture.
    """
    known, found = _thumbnails(others), np.zeros(len(images), bool)
    if not len(known):
        return found
    for view in (images, images[:, :, ::-1]):
        own = _thumbnails(view)
        for start in range(0, len(own), CHUNK):
            found[start : start + CHUNK] |= (own[start : start + CHUNK] @ known.T).max(1) >= min_similarity
    return found
