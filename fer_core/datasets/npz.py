"""Read a dataset that lies in NumPy arrays (.npz): images, labels, and splits, votes, rows where they are there."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import SIDE, Dataset
from fer_core.datasets.image_folder import to_face
from fer_core.errors import DatasetError

__all__ = ["read_npz"]

MOST_BYTES = 400 * 1024**2
"""Of all arrays, as they are in memory at once: FER2013's images take 79 MB as bytes, 316 MB as 32-bit numbers."""


def read_npz(path: str | Path, name: str) -> Dataset:
    """Read an .npz with `images` (n, h, w) or (n, h, w, 1 or 3) and `labels` (n,), names or numbers.

    Raises:
        DatasetError: an array is missing, has another length, or is not what it should be.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MOST_BYTES:
            raise DatasetError(
                f"{name} would unpack to {unpacked / 1024**2:,.0f} MB; at most {MOST_BYTES / 1024**2:,.0f} MB are "
                "allowed. Save its images as bytes (uint8), or leave some out."
            )
        with np.load(path, allow_pickle=False) as file:
            parts = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"{name} is damaged, or holds something else than plain arrays. Make it again.") from error
    missing = {"images", "labels"} - set(parts)
    if missing:
        raise DatasetError(f"{name} has no array {' and no array '.join(sorted(missing))}; it has {sorted(parts)}.")
    images, labels = parts["images"], parts["labels"]
    if images.ndim == 4 and images.shape[3] in (1, 3):
        images = images.mean(3)
    n = len(labels)
    if images.ndim != 3 or len(images) != n or labels.ndim != 1 or not n or 0 in images.shape:
        raise DatasetError(
            f"{name} has images of shape {images.shape} and labels of {labels.shape}; (n, height, width) and (n,) "
            "are needed."
        )
    if images.dtype.kind not in "uif" or not np.isfinite(images).all() or images.min() < 0 or images.max() > 255:
        raise DatasetError(f"The images of {name} are not grey levels from 0 to 255.")
    if images.dtype.kind == "f" and images.max() <= 1:
        images = images * 255
    images = np.ascontiguousarray(np.round(images).astype(np.uint8) if images.dtype != np.uint8 else images)
    if images.shape[1:] != (SIDE, SIDE):
        images = np.stack([to_face(image) for image in images])
    if labels.dtype.kind in "iu" and "names" in parts and labels.max() < len(parts["names"]) and labels.min() >= 0:
        names, index = tuple(map(str, parts["names"])), labels.astype(np.int64)
    else:
        names_, index = np.unique(labels.astype(str), return_inverse=True)
        names = tuple(names_.tolist())
    splits = parts.get("splits", parts.get("usage", np.full(n, "Training"))).astype(str)
    votes, rows = parts.get("votes", np.zeros((n, 10))), parts.get("rows", np.arange(n))
    if splits.shape != (n,) or votes.shape != (n, 10) or rows.shape != (n,):
        raise DatasetError(f"The arrays of {name} differ in length: {n} labels, {splits.shape}, {votes.shape}.")
    return Dataset(images, index, names, splits, votes.astype(np.uint8), rows.astype(np.int64))
