"""Read FER2013 from the Kaggle file, with the FER+ votes beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import DatasetError
from .labels import FER7, FERPLUS_VOTES, KAGGLE_CODES

__all__ = ["Dataset", "read_fer2013"]

SIDE = 48


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Face images with their labels.

    Attributes:
        images: uint8 (n, 48, 48), grey.
        labels: int64 (n,), indices into `names`.
        names: class names.
        splits: str (n,), such as Training or PublicTest.
        votes: uint8 (n, 10), FER+ votes in the order of `labels.FERPLUS_VOTES`; all 0 where there are none.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    splits: np.ndarray
    votes: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def split(self, name: str) -> Dataset:
        """The images of one split; raises DatasetError where there is none of that name."""
        keep = self.splits == name
        if not keep.any():
            known = ", ".join(sorted(set(self.splits.tolist())))
            raise DatasetError(f"The dataset has no split called {name!r}. It has: {known}.")
        return Dataset(self.images[keep], self.labels[keep], self.names, self.splits[keep], self.votes[keep])


def read_fer2013(path: str | Path, ferplus: str | Path | None = None) -> Dataset:
    """Read Kaggle's fer2013.csv (columns emotion, pixels, Usage).

    Args:
        path: the CSV file.
        ferplus: fer2013new.csv of FER+, with one row for each row of `path`, in the same order.

    Raises:
        DatasetError: a file cannot be read, a column is missing, a row is not one of 2304 grey levels and a code from
            0 to 6, or the two files differ in length.
    """
    images, labels, splits = _read_images(path)
    votes = np.zeros((len(images), len(FERPLUS_VOTES)), np.uint8) if ferplus is None else _read_votes(ferplus)
    if len(votes) != len(images):
        raise DatasetError(
            f"{Path(str(ferplus)).name} has {len(votes)} rows and {Path(path).name} has {len(images)}; "
            "the two files must list the same images in the same order."
        )
    return Dataset(images, labels, FER7, splits, votes)


@contextmanager
def _table(path: str | Path) -> Iterator[csv.DictReader[str]]:
    """The rows of a CSV file; DatasetError where it cannot be read or a cell is not what it should be."""
    name = Path(path).name
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            try:
                yield reader
            except (ValueError, OverflowError, KeyError, AttributeError, TypeError, csv.Error) as error:
                raise DatasetError(
                    f"Line {reader.line_num} of {name} cannot be read: it is damaged or not of this kind of file. "
                    "Download it again."
                ) from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be opened: {error.strerror}. Choose the CSV file itself.") from error


def _read_images(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, splits, rows = [], [], []
    to_index = {code: FER7.index(name) for code, name in KAGGLE_CODES.items()}
    with _table(path) as reader:
        missing = {"emotion", "pixels", "Usage"} - {str(name).strip() for name in reader.fieldnames or ()}
        if missing:
            raise DatasetError(
                f"{Path(path).name} has no column {', '.join(sorted(missing))}. A FER2013 file has the columns "
                f"emotion, pixels and Usage; this one has: {', '.join(reader.fieldnames or ('none',))}."
            )
        for number, record in enumerate(reader, start=2):
            pixels = np.array(record["pixels"].split(), dtype=np.uint8)
            if pixels.size != SIDE * SIDE:
                raise DatasetError(f"Line {number} of {Path(path).name} has {pixels.size} pixels; 2304 are needed.")
            rows.append(pixels)
            labels.append(to_index[int(record["emotion"])])
            splits.append(record["Usage"].strip())
    if not rows:
        raise DatasetError(f"{Path(path).name} lists no image. Download it again.")
    return np.stack(rows).reshape(-1, SIDE, SIDE), np.array(labels), np.array(splits)


def _read_votes(path: str | Path) -> np.ndarray:
    columns = (*FERPLUS_VOTES[:-1], "NF")
    with _table(path) as reader:
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise DatasetError(f"{Path(path).name} has no column {', '.join(sorted(missing))}; is it fer2013new.csv?")
        return np.array([[int(record[name]) for name in columns] for record in reader], np.uint8)
