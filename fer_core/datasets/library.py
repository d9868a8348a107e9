"""Datasets by name: the drawn faces that are built in, and those that were brought in, under `workspace()/datasets`."""

from __future__ import annotations

import functools
import json
import re
import secrets
import threading
import zipfile
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset, from_parts, to_parts
from fer_core.datasets.synthetic import synthetic_faces
from fer_core.errors import DatasetError
from fer_core.labels import FER7
from fer_core.utils.platform import portable_name, remove_folder, replace
from fer_core.utils.workspace import workspace

__all__ = ["SYNTHETIC", "Stored", "delete_dataset", "list_datasets", "load_dataset", "save_dataset"]

SYNTHETIC = "synthetic"
"""The built-in dataset: drawn faces."""

CARD, ARRAYS = "card.json", "data.npz"
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a dataset of the library without opening it.

    Attributes:
        name: its name, as `load_dataset` takes it.
        title: what a page calls it.
        images: how many images it has.
        splits: for each split how many.
        labels: for each label how many.
        source: where it came from, in words.
        note: what was left out, or what it was made of.
    """

    name: str
    title: str
    images: int
    splits: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    source: str = ""
    note: str = ""


def _root() -> Path:
    return workspace() / "datasets"


def _card(name: str, title: str, data: Dataset, source: str, note: str) -> Stored:
    labels = np.bincount(data.labels, minlength=len(data.names)).tolist()
    return Stored(
        name,
        title,
        len(data),
        {split: Counter(data.splits.tolist())[split] for split in data.split_names},
        dict(zip(data.names, labels, strict=True)),
        source,
        note,
    )


@functools.lru_cache(maxsize=1)
def _drawn_once() -> Dataset:
    return synthetic_faces()


_drawing = threading.Lock()


def _drawn() -> Dataset:
    with _drawing:  # who asks while it is drawn waits for it, and does not draw it too
        return _drawn_once()


@functools.lru_cache(maxsize=1)
def _drawn_card() -> Stored:
    return Stored(
        SYNTHETIC,
        "Drawn faces (built in)",
        2100,
        {"Training": 1750, "PublicTest": 350},
        dict(zip(FER7, (298, 299, 301, 303, 301, 301, 297), strict=True)),
        source="Drawn by this program; no photograph of anybody.",
    )


def list_datasets() -> list[Stored]:
    """Return what there is: the drawn faces first, then the own ones by name; damaged ones are left out."""
    found = []
    for path in sorted(_root().glob(f"*/{CARD}")):
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
            stored = Stored(**{**card, "name": path.parent.name})
            if (path.parent / ARRAYS).is_file() and isinstance(stored.images, int):
                found.append(stored)
        except (OSError, ValueError, TypeError):
            continue
    return [_drawn_card(), *found]


def _folder(name: str) -> Path:
    """The folder of a dataset of that name, compared with what there is, so that no name leads out of the library."""
    if any(stored.name == name for stored in list_datasets()[1:]):
        return _root() / name
    names = ", ".join(stored.name for stored in list_datasets())
    raise DatasetError(f"There is no dataset called {name!r}. There are: {names}.")


def load_dataset(name: str) -> Dataset:
    """Return the dataset of that name; raises DatasetError where there is none or it is damaged.

    Example:
        >>> load_dataset("synthetic").images.shape[1:]
        (48, 48)
    """
    if name == SYNTHETIC:
        return _drawn()
    folder = _folder(name)
    try:
        with open(folder / ARRAYS, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return from_parts(arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"The dataset {name!r} is damaged. Delete it, and bring it in again.") from error


def save_dataset(name: str, data: Dataset, *, title: str = "", source: str = "", note: str = "") -> str:
    """Keep a dataset in the library; it is there whole or not at all.

    Args:
        name: what to call it; letters, digits, dots, dashes and underscores stay, anything else becomes a dash. A
            number is added where the name is taken.
        data: the images.
        title: what pages call it; the name if empty.
        source: where it came from, in words.
        note: what was left out, or what it was made of.

    Returns:
        The name under which it can be loaded.

    Raises:
        DatasetError: it has no image, or the disk takes no more.
    """
    if not len(data):
        raise DatasetError("A dataset without an image cannot be kept. Choose at least one image.")
    stem = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-._").lower()[:LONGEST] or "dataset"
    stem = portable_name(stem)
    root = _root()
    draft = root / f".{secrets.token_hex(8)}"
    try:
        draft.mkdir(parents=True)
        np.savez(draft / ARRAYS, **to_parts(data))  # type: ignore[arg-type]
        number = 1
        while True:
            free = stem if number == 1 else f"{stem}-{number}"
            card = asdict(_card(free, title or name, data, source, note))
            (draft / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")
            try:
                if free == SYNTHETIC or (root / free).exists():
                    raise FileExistsError(free)
                replace(draft, root / free)  # refuses a folder that came in between and is not empty
                return free
            except OSError:
                if free != SYNTHETIC and not (root / free).exists():
                    raise
            number += 1
    except OSError as error:
        raise DatasetError(f"The dataset cannot be kept: {error.strerror}. Free some disk space.") from error
    finally:
        remove_folder(draft)


def delete_dataset(name: str) -> None:
    """Remove a dataset from the library; the built-in one stays."""
    if name == SYNTHETIC:
        raise DatasetError("The drawn faces are built in and cannot be deleted.")
    folder = _folder(name)
    grave = _root() / f".{secrets.token_hex(8)}"
    try:
        replace(folder, grave)
    except OSError as error:
        raise DatasetError(f"The dataset {name!r} cannot be deleted: {error.strerror}.") from error
    remove_folder(grave)
