"""Read FER2013 as the Kaggle file: one image a line, its grey levels as words."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import numpy as np

from fer_core.datasets.dataset import SIDE, Dataset, Skipped
from fer_core.errors import DatasetError
from fer_core.labels import FER7, FERPLUS_VOTES, KAGGLE_CODES

__all__ = ["columns_of", "read_column", "read_csv", "read_votes"]

LONGEST = 65_536
"""Characters of a line that are read; 2304 grey levels take at most 9,216."""

PIXELS = SIDE * SIDE
TRAINING = "Training"
CODES = {str(code): FER7.index(name) for code, name in KAGGLE_CODES.items()} | {n: i for i, n in enumerate(FER7)}
NO_IMAGE = "lists no image"


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Numbered lines with any line ends and with or without a byte order mark; an endless one comes cut."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=None)
    number = 0
    try:
        while line := text.readline(LONGEST):
            number += 1
            whole = line
            while not line.endswith("\n"):  # the rest of a line that is too long, or the end of the file
                line = text.readline(LONGEST)
                if not line:
                    break
            yield number, whole.rstrip("\n")
    finally:
        with suppress(ValueError):  # the file is closed already
            text.detach()


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _header(line: str) -> tuple[list[str], str]:
    separator = max(",;\t", key=line.count)
    return [cell.strip().strip('"') for cell in _cells(line, separator)], separator


def columns_of(file: BinaryIO) -> list[str]:
    """Return the column names of a CSV file; the file is left at its start."""
    line = next((line for _, line in _lines(file)), "")
    file.seek(0)
    return _header(line)[0] if line.strip() else []


def read_column(file: BinaryIO, name: str, column: str) -> list[str]:
    """Return the words of one column, a word for each line of images; empty where a line breaks off.

    Args:
        file: opened in binary, at its start.
        name: what the person calls it.
        column: which one; upper and lower case are alike.

    Raises:
        DatasetError: there is no such column.
    """
    lines = _lines(file)
    names, separator = _header(next(lines, (0, ""))[1])
    lower = [title.lower() for title in names]
    if column.lower() not in lower:
        raise DatasetError(f"{name} has no column {column!r}; it has: {', '.join(names)}.")
    place = lower.index(column.lower())
    rows = (_cells(line, separator) for _, line in lines if line.strip())
    return [cells[place].strip() if place < len(cells) else "" for cells in rows]


def _gray_levels(text: str) -> np.ndarray | str:
    """Return the pixels of a cell, or what is wrong with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(text, np.int64, sep=" ") if text.strip() else np.zeros(0, np.int64)
        except (DeprecationWarning, ValueError):
            return "has something else than numbers in its pixels"
    if values.size != PIXELS:
        return f"has {values.size} pixels where {PIXELS} are needed"
    if values.min() < 0 or values.max() > 255:
        return f"has the grey level {values.max() if values.max() > 255 else values.min()} where 0 to 255 is allowed"
    return values.astype(np.uint8)


def read_csv(file: BinaryIO, name: str, *, strict: bool = False) -> tuple[Dataset, Skipped, int]:
    """Read Kaggle's fer2013.csv, icml_face_data.csv or train.csv.

    Args:
        file: opened in binary, at its start.
        name: what the person calls it.
        strict: raise at the first bad line instead of leaving it out.

    Returns:
        The dataset, what was left out, and how many lines of images there were in all. `rows` counts lines from 0.

    Raises:
        DatasetError: no such file, a column is missing, or fewer than half of the lines are good.
    """
    lines = _lines(file)
    first = next(lines, (0, ""))[1]
    if not first.strip():
        raise DatasetError(f"{name} is empty, or its first line is. Download it again.")
    names, separator = _header(first)
    lower = [column.lower() for column in names]
    missing = [column for column in ("emotion", "pixels") if column not in lower]
    if missing:
        shown = ", ".join(names)
        shown = shown if len(shown) < 200 and shown.isprintable() else "something else than words"
        raise DatasetError(
            f"{name} has no column {' and no column '.join(missing)}. A FER2013 file has the columns emotion, pixels "
            f"and Usage; the first line of this one has: {shown}."
        )
    emotion, pixels = lower.index("emotion"), lower.index("pixels")
    usage = lower.index("usage") if "usage" in lower else None
    most = max(emotion, pixels, -1 if usage is None else usage)
    skipped = Skipped()
    # A list of small arrays would double the memory at the end, so images go into blocks.
    blocks: list[np.ndarray] = []
    labels: list[int] = []
    splits: list[str] = []
    rows: list[int] = []
    row = -1
    for number, line in lines:
        if not line.strip():
            continue
        row += 1
        problem = None
        cells = _cells(line, separator)
        values: np.ndarray | str = ""
        if len(cells) <= most:
            problem = "breaks off"
        elif (label := CODES.get(cells[emotion].strip().lower(), -1)) < 0:
            problem = "has a label that is no code from 0 to 6"
        elif isinstance(values := _gray_levels(cells[pixels]), str):
            problem = values
        if problem is not None:
            if strict:
                raise DatasetError(f"Line {number} of {name} {problem}. Download it again.")
            skipped.add(problem, f"line {number}")
            continue
        if len(labels) % 1024 == 0:
            blocks.append(np.empty((1024, SIDE, SIDE), np.uint8))
        blocks[-1][len(labels) % 1024] = np.reshape(values, (SIDE, SIDE))
        labels.append(label)
        splits.append(cells[usage].strip() or TRAINING if usage is not None else TRAINING)
        rows.append(row)
    if row < 0:
        raise DatasetError(f"{name} {NO_IMAGE}. Download it again.")
    if len(labels) * 2 <= row + 1:
        raise DatasetError(f"Most of the {row + 1:,} lines of {name} cannot be used. {str(skipped).capitalize()}")
    images = np.concatenate(blocks)[: len(labels)]
    data = Dataset(images, np.array(labels, np.int64), FER7, np.array(splits), None, np.array(rows, np.int64))  # type: ignore[arg-type]
    return data, skipped, row + 1


def read_votes(file: BinaryIO, name: str) -> tuple[np.ndarray, list[str]]:
    """Read fer2013new.csv of FER+.

    Returns:
        uint8 (lines, 10) votes in the order of `labels.FERPLUS_VOTES`, and the split that each line names.

    Raises:
        DatasetError: a column is missing or a line cannot be read.
    """
    lines = _lines(file)
    names, separator = _header(next(lines, (0, ""))[1])
    wanted = (*FERPLUS_VOTES[:-1], "NF")
    missing = [column for column in wanted if column not in names]
    if missing:
        raise DatasetError(f"{name} has no column {', '.join(missing)}; is it fer2013new.csv?")
    places = [names.index(column) for column in wanted]
    usage = names.index("Usage") if "Usage" in names else None
    votes, splits = [], []
    for number, line in lines:
        if not line.strip():
            continue
        cells = _cells(line, separator)
        try:
            counts = [int(cells[place] or 0) for place in places]
            if not 0 <= min(counts) <= max(counts) <= 255:
                raise ValueError(counts)
        except (ValueError, IndexError) as error:
            raise DatasetError(f"Line {number} of {name} cannot be read: it is damaged. Download it again.") from error
        votes.append(counts)
        splits.append(cells[usage].strip() if usage is not None else "")
    return np.array(votes, np.uint8).reshape(-1, len(wanted)), splits
