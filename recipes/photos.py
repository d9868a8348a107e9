"""Labelled faces taken through the whole pipeline: detect, crop, flag.

Photos lie in a folder with `labels.csv` (columns image, expression; the seven names of FER2013). They are for choosing
and for tests, never for training.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import STILL, FaceDetector
from fer_core.faces.quality import assess_quality, head_turn
from fer_core.labels import FER7

__all__ = ["Photos", "paste_faces", "read_photos"]

SIDE, BORDER, GRAY = 192, 64, 128
"""Pixels that a face is enlarged to, and the plain border around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """The faces of n photos.

    Attributes:
        crops: uint8 (n, 48, 48), the largest face of each photo in which one was found.
        labels: int (n,), indices into FER7.
        quality: uint8 (n,), flags of `FaceQuality`.
        turn: float (n,), see `quality.head_turn`.
        missed: photos in which no face was found.
    """

    crops: np.ndarray
    labels: np.ndarray
    quality: np.ndarray
    turn: np.ndarray
    missed: int


def read_photos(folder: Path) -> Photos:
    """Read, detect, and crop.

    Raises:
        SystemExit: the folder has no table of labels, or it names what is not there.
    """
    try:
        with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
            table = [(row["image"], FER7.index(row["expression"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"{folder / 'labels.csv'} is no table of image and expression: {error}.") from error
    return _through((_read(folder / name) for name, _ in table), [label for _, label in table])


def paste_faces(images: np.ndarray, labels: np.ndarray) -> Photos:
    """Make a picture of each face image, uint8 (n, 48, 48), and take it through the pipeline."""
    size = (SIDE, SIDE)
    large = (cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) for image in images)
    framed = (np.pad(x, BORDER, constant_values=GRAY) for x in large)
    return _through((cv2.cvtColor(x, cv2.COLOR_GRAY2BGR) for x in framed), labels.tolist())


def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path} is no readable picture, but labels.csv names it.")
    return np.asarray(image)


def _through(pictures: Iterable[np.ndarray], labels: Sequence[int]) -> Photos:
    detector, rows, missed = FaceDetector(side=STILL), [], 0
    for image, label in zip(pictures, labels, strict=True):
        found = detector(image)
        if not len(found.boxes):
            missed += 1
            continue
        largest = found.boxes[:1], found.scores[:1], found.landmarks[:1]
        crops = crop_faces(image, largest[0], largest[2])
        rows.append((crops[0], label, assess_quality(crops, *largest)[0], head_turn(largest[2])[0]))
    crop, truth, quality, turn = (np.array(column) for column in zip(*rows, strict=True))
    return Photos(crop, truth, quality, turn, missed)
