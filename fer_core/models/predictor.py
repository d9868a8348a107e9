"""Whatever can be compared: anything that takes face images and answers with scores for named expressions."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fer_core.errors import ModelError
from fer_core.models.bundle import Bundle, Head
from fer_core.models.classifier import Classifier, preprocessing_of
from fer_core.models.registry import SHIPPED, list_models
from fer_core.utils.progress import Progress

__all__ = ["BundlePredictor", "Prediction", "Predictor", "bundle_predictors"]

CHUNK = 128
"""Images between two looks at progress and cancel."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model answered.

    Attributes:
        logits: float32 (n, outputs), the scores of all its heads side by side.
        images_per_second: over all images, as evaluated.
        one_ms: milliseconds for one face alone, in one view, on one core.
    """

    logits: np.ndarray
    images_per_second: float
    one_ms: float


class Predictor(Protocol):
    """A model that can be compared.

    Attributes:
        name: what it is chosen by; no two are called alike.
        title: for people.
        origin: where it comes from, in a word for the table: shipped, yours, package.
        heads: its outputs.
        size: bytes of its weights for inference.
        fingerprint: changes with its weights and with what is done to the images before.
        card: what is known of it; may be empty.
        keras: its Keras model, None where there is none; needed to show where it looks.
        scale: how images become its input, see `preprocessing.prepare`.
    """

    name: str
    title: str
    origin: str
    heads: tuple[Head, ...]
    size: int
    fingerprint: str
    card: dict[str, Any]
    keras: Path | None
    side: int
    scale: str

    def predict(self, images: np.ndarray, *, flip: bool, progress: Progress) -> Prediction:
        """Return what the model answers for images."""


class BundlePredictor:
    """A model bundle: shipped with the app, trained in it, or imported into it."""

    def __init__(self, bundle: Bundle):
        """Raises ModelError where the weights are missing or damaged, or the card asks for input that is not known."""
        self.bundle = bundle
        weights = bundle.weights()
        self.name, self.title, self.heads, self.card = bundle.name, bundle.title, bundle.heads, bundle.card
        self.origin = "shipped" if bundle.folder.parent == SHIPPED else "yours"
        self.size = len(weights)
        keras = bundle.folder / "model.keras"
        self.keras = keras if keras.exists() else None
        self.side, self.scale = preprocessing_of(bundle)
        said = json.dumps([self.side, self.scale]).encode()
        self.fingerprint = hashlib.sha256(weights + said).hexdigest()[:32]

    def predict(self, images: np.ndarray, *, flip: bool, progress: Progress) -> Prediction:
        """Answers for uint8 (n, 48, 48); raises ModelError where the weights are not a network of this kind."""
        one_ms = self._one_ms(images)
        classifier = Classifier(self.bundle, flip=flip, threads=2)
        start, parts = time.perf_counter(), []
        for i in range(0, len(images), CHUNK):
            progress(i / len(images))
            parts.append(classifier.logits(images[i : i + CHUNK]))
        seconds = time.perf_counter() - start
        progress(1.0)
        return Prediction(np.concatenate(parts), len(images) / max(seconds, 1e-9), one_ms)

    def _one_ms(self, images: np.ndarray) -> float:
        single, took = Classifier(self.bundle, threads=1), []
        for _ in range(20):
            start = time.perf_counter()
            single.logits(images[:1])
            took.append(1000 * (time.perf_counter() - start))
        return statistics.median(took[5:])


def bundle_predictors() -> list[Predictor]:
    """Return all that can be compared here; models that do not load are left out."""
    found: list[Predictor] = []
    for bundle in list_models():
        try:
            found.append(BundlePredictor(bundle))
        except ModelError:
            continue
    return found
