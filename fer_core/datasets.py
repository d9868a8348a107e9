"""Datasets: read one in whatever layout it comes, or take one of the library by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import DatasetError
from .imageset import Dataset, Skipped
from .kaggle_csv import read_csv, read_votes
from .library import SYNTHETIC, Stored, delete_dataset, list_datasets, load_dataset, save_dataset

__all__ = [
    "SYNTHETIC",
    "Dataset",
    "Skipped",
    "Stored",
    "delete_dataset",
    "list_datasets",
    "load_dataset",
    "open_dataset",
    "read_dataset",
    "read_fer2013",
    "save_dataset",
]


def read_dataset(path: str | Path, ferplus: str | Path | None = None) -> tuple[Dataset, Skipped]:
    """Read a dataset in any layout that people have.

    Args:
        path: Kaggle's fer2013.csv, icml_face_data.csv or train.csv.
        ferplus: fer2013new.csv of FER+, which lists the same images in the same order.

    Returns:
        The dataset, and what was left out of it.

    Raises:
        DatasetError: it cannot be read.
    """
    return _read(path, ferplus, strict=False)


def read_fer2013(path: str | Path, ferplus: str | Path | None = None) -> Dataset:
    """Read Kaggle's fer2013.csv, and raise DatasetError at the first line that cannot be used."""
    return _read(path, ferplus, strict=True)[0]


def open_dataset(name: str | Path) -> Dataset:
    """A dataset of the library by its name, else the one that lies at that path."""
    if any(stored.name == str(name) for stored in list_datasets()):
        return load_dataset(str(name))
    if Path(name).exists():
        return read_dataset(name)[0]
    names = ", ".join(stored.name for stored in list_datasets())
    raise DatasetError(f"{str(name)!r} is neither a file or folder nor a dataset of the library, which has: {names}.")


def _read(path: str | Path, ferplus: str | Path | None, *, strict: bool) -> tuple[Dataset, Skipped]:
    name = Path(path).name
    if Path(path).exists() and not Path(path).is_file():
        raise DatasetError(f"{name} cannot be opened: it is a folder or a device. Choose the CSV file itself.")
    try:
        with open(path, "rb") as file:
            data, skipped, rows = read_csv(file, name, strict=strict)
    except OSError as error:
        raise DatasetError(f"{name} cannot be opened: {error.strerror}. Choose the CSV file itself.") from error
    return (data if ferplus is None else _with_votes(data, rows, ferplus, name)), skipped


def _with_votes(data: Dataset, rows: int, ferplus: str | Path, name: str) -> Dataset:
    other = Path(ferplus).name
    try:
        with open(ferplus, "rb") as file:
            votes, splits = read_votes(file, other)
    except OSError as error:
        raise DatasetError(f"{other} cannot be opened: {error.strerror}. Choose the CSV file itself.") from error
    if len(votes) != rows and splits.count("Training") == rows:  # train.csv alone, beside the votes of all
        votes = votes[np.array(splits) == "Training"]
    if len(votes) != rows:
        raise DatasetError(
            f"{other} has {len(votes)} rows and {name} has {rows}; "
            "the two files must list the same images in the same order."
        )
    return Dataset(data.images, data.labels, data.names, data.splits, votes[data.rows], data.rows)
