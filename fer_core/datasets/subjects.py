"""Who is in each image of a dataset, from a column of its file."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.fer2013_csv import read_column
from fer_core.errors import DatasetError

__all__ = ["read_subjects"]


def read_subjects(path: str | Path, data: Dataset, column: str) -> np.ndarray:
    """Return who is in each image.

    Args:
        path: the CSV file (also gzipped) or .npz that the dataset was read from.
        data: as it was read, with all its splits.
        column: the column of the CSV file, or the array of the .npz, that says who it is.

    Returns:
        str (n,), aligned with the images.

    Raises:
        DatasetError: the file is of another kind, or has no such column.
    """
    path = Path(path)
    lower = path.name.lower()
    try:
        if lower.endswith(".npz"):
            return _from_npz(path, data, column)
        if lower.endswith((".csv", ".csv.gz")):
            with gzip.open(path, "rb") if lower.endswith(".gz") else open(path, "rb") as file:
                words = read_column(file, path.name, column)  # type: ignore[arg-type]
            return np.asarray(np.array(words, dtype=str)[data.rows])
    except (OSError, EOFError, zlib.error, IndexError) as error:
        raise DatasetError(f"{path.name} cannot be read again to see who is in its images. Bring it anew.") from error
    raise DatasetError(
        f"{path.name} has no columns that could say who is in an image. Choose a CSV file with the columns emotion, "
        f"pixels and {column}, or an .npz with an array {column!r}."
    )


def _from_npz(path: Path, data: Dataset, column: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as file:
            if column not in file.files:
                raise DatasetError(f"{path.name} has no array {column!r}; it has: {', '.join(file.files)}.")
            found = np.asarray(file[column])
    except (ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"The array {column!r} of {path.name} cannot be read. Save it as plain text.") from error
    if found.shape != (len(data),):
        raise DatasetError(f"{column!r} of {path.name} must have one entry for each of {len(data)} images.")
    return found.astype(str)
