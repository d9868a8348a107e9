"""Datasets and contenders made for tests of comparing: tiny, with answers that are known beforehand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import CARD, WEIGHTS, Head
from fer_core.models.predictor import Prediction
from fer_core.models.registry import DEFAULT, SHIPPED
from fer_core.utils.progress import Progress

SEEN = 40
"""Images of `keep_faces` that models are asked about."""


def dataset(
    labels: Sequence[int],
    *,
    names: tuple[str, ...] = FER7,
    splits: Sequence[str] | None = None,
    votes: np.ndarray | None = None,
    seed: int = 0,
) -> Dataset:
    """Noise with those labels, all in PublicTest unless said otherwise; the first pixel of an image is its number."""
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 48, 48), dtype=np.uint8)
    images[:, 0, 0] = np.arange(len(labels))
    where = np.array(["PublicTest"] * len(labels) if splits is None else splits, "<U20")
    return Dataset(images, np.array(labels, np.int64), names, where, votes)


class Scripted:
    """A contender that answers image i with row i of what it is given."""

    origin, size, card, keras, side, scale = "yours", 1000, {}, None, 44, "standardise"

    def __init__(self, name: str, logits: np.ndarray, heads: tuple[Head, ...] | None = None):
        self.name, self.title, self.logits = name, name.title(), np.asarray(logits, np.float32)
        self.heads = heads or (Head("fer7", FER7),)
        self.fingerprint = name
        self.asked = 0

    def predict(self, images: np.ndarray, *, flip: bool, progress: Progress) -> Prediction:
        self.asked += 1
        progress(0.5)
        return Prediction(self.logits[images[:, 0, 0]], 100.0, 2.5)


def saying(labels: Sequence[int], outputs: int = len(FER7), sure: float = 5.0) -> np.ndarray:
    """Logits that say those."""
    return sure * np.eye(outputs)[list(labels)]


def keep_faces(votes: bool = True) -> Dataset:
    """Keep "faces": 40 drawn faces to be asked about and 20 of training, four of them copies; people see the labels."""
    drawn = load_dataset("synthetic").split("Training").select(np.arange(SEEN + 16))
    images = np.concatenate([drawn.images, drawn.images[:4]])
    labels = np.concatenate([drawn.labels, drawn.labels[:4]])
    given = np.zeros((len(labels), 10), np.uint8)
    if votes:
        words = {fer7: FERPLUS8.index(plus) for plus, fer7 in FERPLUS_TO_FER7.items()}
        given[np.arange(len(labels)), [words[FER7[i]] for i in labels]] = 8
        given[:, 7] = 2
    where = np.array(["PublicTest"] * SEEN + ["Training"] * 20)
    save_dataset("faces", Dataset(images, labels, FER7, where, given), title="Some *faces*")
    return load_dataset("faces").split("PublicTest")


def own_model(own: Path, name: str, edit: Callable[[dict], None] = lambda card: None) -> Path:
    """A copy of the shipped model as one's own."""
    folder = own / name
    folder.mkdir(parents=True)
    card = json.loads((SHIPPED / DEFAULT / CARD).read_text())
    card["title"] = name.capitalize()
    weights = (SHIPPED / DEFAULT / WEIGHTS).read_bytes() + name.encode()  # what comes after the network does not count
    card["sha256"] = hashlib.sha256(weights).hexdigest()
    edit(card)
    (folder / CARD).write_text(json.dumps(card))
    (folder / WEIGHTS).write_bytes(weights)
    return folder
