"""Datasets: read one in whatever layout it comes, or take one of the library by name."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.datasets.dataset import Dataset, Skipped
from fer_core.datasets.fer2013_csv import columns_of, read_csv, read_votes
from fer_core.datasets.image_folder import read_tree
from fer_core.datasets.library import list_datasets, load_dataset
from fer_core.datasets.npz import read_npz
from fer_core.datasets.read_cache import read_once
from fer_core.errors import DatasetError
from fer_core.utils.archives import MOST_MEMBERS, Bounded, open_zip

__all__ = ["open_dataset", "read_dataset", "read_fer2013"]

WANTED = "Choose FER2013's CSV file, a ZIP or folder of images in folders named by expression, or an .npz."
NOT_THESE = {b"%PDF": "a PDF", b"\x89PNG": "a single picture", b"\xff\xd8\xff": "a single picture"}
MOST_FILE = 50 * 1024**2
"""Bytes of one image file; a larger one is left out."""


def read_dataset(path: str | Path, ferplus: str | Path | None = None, *, keep: bool = True) -> tuple[Dataset, Skipped]:
    """Read a dataset in any layout that people have.

    Args:
        path: Kaggle's fer2013.csv, icml_face_data.csv or train.csv, also gzipped or in a ZIP; a folder or a ZIP with
            train/<label>/* and test/<label>/*, or <label>/*; an .npz.
        ferplus: fer2013new.csv of FER+, which lists the same images in the same order.

        keep: remember it on disk, so that it is there at once when it is read again unchanged.

    Returns:
        The dataset, and what was left out of it.

    Raises:
        DatasetError: it cannot be read.

    Example:
        >>> import tempfile
        >>> rows = ["emotion,pixels,Usage", *(f"{i},{' '.join(['7'] * 2304)},Training" for i in (3, 4))]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "faces.csv").write_text(chr(10).join(rows))
        ...     data, skipped = read_dataset(Path(folder) / "faces.csv")
        >>> len(data), len(skipped)
        (2, 0)
    """
    sources = [Path(path), *([] if ferplus is None else [Path(ferplus)])]
    if not keep:
        return _read(path, ferplus, strict=False)
    return read_once(sources, lambda: _read(path, ferplus, strict=False))


def read_fer2013(path: str | Path, ferplus: str | Path | None = None) -> Dataset:
    """Read Kaggle's fer2013.csv, and raise DatasetError at the first line that cannot be used."""
    return _read(path, ferplus, strict=True)[0]


def open_dataset(name: str | Path) -> Dataset:
    """Return a dataset of the library by its name, else the one that lies at that path."""
    if any(stored.name == str(name) for stored in list_datasets()):
        return load_dataset(str(name))
    if Path(name).exists():
        return read_dataset(name)[0]
    names = ", ".join(stored.name for stored in list_datasets())
    raise DatasetError(f"{str(name)!r} is neither a file or folder nor a dataset of the library, which has: {names}.")


def _read(path: str | Path, ferplus: str | Path | None, *, strict: bool) -> tuple[Dataset, Skipped]:
    path = Path(path)
    name = path.name
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DatasetError(f"{name} cannot be opened: it is a device. {WANTED}")
    try:
        if path.is_dir():
            return _folder(path, ferplus)
        with open(path, "rb") as file:
            start = file.read(1024)
            for magic, kind in NOT_THESE.items():
                if start.startswith(magic):
                    raise DatasetError(f"{name} is {kind}, whatever its name says. {WANTED}")
            file.seek(0)
            if start.startswith(b"PK"):
                return _zip(path, ferplus)
            if start.startswith(b"\x1f\x8b"):
                with gzip.GzipFile(fileobj=file) as packed:
                    plain = io.BufferedReader(Bounded(packed, name))  # type: ignore[arg-type]
                    data, skipped, rows = read_csv(plain, name, strict=strict)
            elif b"\0" in start:
                raise DatasetError(f"{name} is no table of words and numbers. {WANTED}")
            else:
                data, skipped, rows = read_csv(file, name, strict=strict)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"{name} is not whole: its upload or download broke off. Bring it again.") from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be opened: {error.strerror}. {WANTED}") from error
    return (data if ferplus is None else _with_votes(data, rows, ferplus, name)), skipped


Member = tuple[str, int, Callable[[], Any]]
"""A file of a folder or archive: its path there, its size, and what opens it."""


def _folder(path: Path, ferplus: str | Path | None) -> tuple[Dataset, Skipped]:
    found = [p for p in islice(path.rglob("*"), MOST_MEMBERS + 1) if not p.is_symlink()]
    if len(found) > MOST_MEMBERS:
        raise DatasetError(
            f"{path.name or path} holds more than {MOST_MEMBERS:,} files. Choose the folder that has the images alone."
        )
    members: list[Member] = [
        (p.relative_to(path).as_posix(), p.stat().st_size, partial(open, p, "rb")) for p in found if p.is_file()
    ]
    folders = [p.relative_to(path).as_posix() for p in found if p.is_dir()]
    return _table(members, ferplus, path.name) or _pictures(members, folders, path.name)


def _zip(path: Path, ferplus: str | Path | None) -> tuple[Dataset, Skipped]:
    name = path.name
    with open_zip(path, name) as archive:
        files = [m for m in archive.infolist() if not m.is_dir()]
        if files and all(m.filename.endswith(".npy") for m in files):
            return read_npz(path, name), Skipped()
        where = {m: m.filename.replace("\\", "/") for m in archive.infolist()}  # some programs of Windows write these
        members: list[Member] = [(where[m], m.file_size, partial(archive.open, m)) for m in files]
        folders = [name.rstrip("/") for m, name in where.items() if m.is_dir()]
        try:
            table = _table(members, ferplus, name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DatasetError(f"{name} is damaged inside. Make or download it again.") from error
        return table or _pictures(members, folders, name)


def _table(members: list[Member], ferplus: str | Path | None, name: str) -> tuple[Dataset, Skipped] | None:
    """Return the largest FER2013 table among the files, with the votes that lie beside it; None where there is none."""
    columns: dict[str, list[str]] = {}
    tables = sorted((m for m in members if m[0].lower().endswith(".csv")), key=lambda m: -m[1])
    for where, _, opened in tables:
        with opened() as raw:
            columns[where] = columns_of(io.BytesIO(raw.read(4096)))
    found = [m for m in tables if {"emotion", "pixels"} <= {column.lower() for column in columns[m[0]]}]
    if not found:
        return None
    inside = f"{found[0][0]} in {name}"
    with found[0][2]() as raw:
        data, skipped, rows = read_csv(io.BufferedReader(Bounded(raw, name)), inside)
    votes = [m for m in tables if "NF" in columns[m[0]]]
    if ferplus is not None:
        data = _with_votes(data, rows, ferplus, inside)
    elif votes:
        with votes[0][2]() as raw:
            read = read_votes(io.BufferedReader(Bounded(raw, name)), votes[0][0])
        data = _join(data, rows, *read, votes[0][0], inside)
    return data, skipped


def _pictures(members: list[Member], folders: list[str], name: str) -> tuple[Dataset, Skipped]:
    def reader(size: int, opened: Callable[[], Any]) -> Callable[[], bytes | None]:
        def read() -> bytes | None:
            if size > MOST_FILE:
                return None
            try:
                with opened() as file:
                    found: bytes | None = file.read(MOST_FILE)
                    return found
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
                return None

        return read

    return read_tree([(where, reader(size, opened)) for where, size, opened in members], name, folders)


def _with_votes(data: Dataset, rows: int, ferplus: str | Path, name: str) -> Dataset:
    other = Path(ferplus).name
    try:
        with open(ferplus, "rb") as file:
            votes, splits = read_votes(file, other)
    except OSError as error:
        raise DatasetError(f"{other} cannot be opened: {error.strerror}. Choose the CSV file itself.") from error
    return _join(data, rows, votes, splits, other, name)


def _join(data: Dataset, rows: int, votes: np.ndarray, splits: list[str], other: str, name: str) -> Dataset:
    if len(votes) != rows and splits.count("Training") == rows:  # train.csv alone, beside the votes of all
        votes = votes[np.array(splits) == "Training"]
    if len(votes) != rows:
        raise DatasetError(
            f"{other} has {len(votes)} rows and {name} has {rows}; "
            "the two files must list the same images in the same order."
        )
    return Dataset(data.images, data.labels, data.names, data.splits, votes[data.rows], data.rows)
