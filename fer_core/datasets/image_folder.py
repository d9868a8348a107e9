"""Read image folders: `train/<label>/*` and `test/<label>/*`, or one level of `<label>/*`, on disk or in a ZIP."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import cv2
import numpy as np

from fer_core.datasets.dataset import SIDE, Dataset, Skipped
from fer_core.errors import DatasetError
from fer_core.labels import SAME

__all__ = ["IMAGE_SUFFIXES", "read_tree", "to_face"]

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm", ".tif", ".tiff"}
MOST_PIXELS = 40_000_000
SPLITS = {
    **dict.fromkeys(("train", "training", "train_set", "training_set", "train_class"), "Training"),
    **dict.fromkeys(("test", "testing", "test_set", "testing_set", "test_class"), "Test"),
    **dict.fromkeys(("val", "valid", "validation", "val_set", "validation_set", "val_class"), "Validation"),
    **{"publictest": "PublicTest", "privatetest": "PrivateTest"},
    **{"fer2013train": "Training", "fer2013valid": "PublicTest", "fer2013test": "PrivateTest"},  # folders of FER+
}
KAGGLE_NAME = re.compile(r"(Training|PublicTest|PrivateTest)_(\d{1,9})$")
PARTS = 2048
THREADS = 2


def to_face(image: np.ndarray) -> np.ndarray:
    """Return a grey picture of any size as uint8 (48, 48): the middle square, resized."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return image if side == SIDE else cv2.resize(image, (SIDE, SIDE), interpolation=how)


def _decode(data: bytes) -> np.ndarray | None:
    from PIL import Image, UnidentifiedImageError

    try:
        if len(data) > 20_000 or data[:3] != b"\xff\xd8\xff":  # a small JPEG cannot hold many pixels
            with Image.open(io.BytesIO(data)) as header:
                if header.width * header.height > MOST_PIXELS:
                    return None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (cv2.error, UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return None if image is None else to_face(image)


def read_tree(
    files: Iterable[tuple[str, Callable[[], bytes | None]]], name: str, folders: Iterable[str] = ()
) -> tuple[Dataset, Skipped]:
    """Read images whose folder names their label.

    Args:
        files: path within the tree, with slashes, and what reads it (None where it cannot be read).
        name: what the person calls the tree.
        folders: all folders of the tree, so that an empty one can be named.

    Raises:
        DatasetError: no image in a folder that names a label.
    """
    skipped = Skipped()
    jobs: list[tuple[str, str, str, int, Callable[[], bytes | None]]] = []
    filled: set[str] = set()
    for path, read in files:
        where = PurePosixPath(path)
        if any(part.startswith((".", "__MACOSX")) for part in where.parts) or where.name == "Thumbs.db":
            continue
        filled.update(str(parent) for parent in where.parents)
        if where.suffix.lower() not in IMAGE_SUFFIXES:
            skipped.add("not a picture", path)
            continue
        parent = where.parent.name
        if not parent or parent.lower() in SPLITS:
            skipped.add("not in a folder that names an expression", path)
            continue
        split = next((SPLITS[p.lower()] for p in reversed(where.parts[:-2]) if p.lower() in SPLITS), "Training")
        row = -1
        if kaggle := KAGGLE_NAME.match(where.stem):
            split, row = kaggle[1], int(kaggle[2])
        jobs.append((path, SAME.get(parent.lower(), parent), split, row, read))
    for folder in folders:
        if folder not in filled and not any(p.startswith((".", "__MACOSX")) for p in PurePosixPath(folder).parts):
            skipped.add("a folder without a picture", folder)
    jobs.sort(key=lambda job: job[0])
    blocks, kept = [], []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(jobs), PARTS):
            part = jobs[start : start + PARTS]
            found = pool.map(lambda job: None if (data := job[4]()) is None else _decode(data), part)
            faces = []
            for job, face in zip(part, found, strict=True):
                if face is None:
                    skipped.add("no picture that can be read", job[0])
                else:
                    faces.append(face)
                    kept.append(job)
            if faces:
                blocks.append(np.stack(faces))
    if not kept:
        said = f" {skipped}" if len(skipped) else ""
        raise DatasetError(
            f"{name} has no picture in a folder that names an expression, such as "
            f"train/happy/1.jpg or happy/1.jpg.{said}"
        )
    names = tuple(sorted({job[1] for job in kept}))
    index = {label: i for i, label in enumerate(names)}
    rows = np.array([job[3] for job in kept], np.int64)
    if (rows < 0).any():
        rows = np.arange(len(kept), dtype=np.int64)
    labels = np.array([index[job[1]] for job in kept], np.int64)
    splits = np.array([job[2] for job in kept])
    return Dataset(np.concatenate(blocks), labels, names, splits, None, rows), skipped  # type: ignore[arg-type]
