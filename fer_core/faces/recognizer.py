"""A frame goes in, `Faces` come out: one detection, one batched classification."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fer_core import __version__
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import FaceDetector
from fer_core.faces.quality import assess_quality
from fer_core.types import Faces

__all__ = ["ExpressionRecognizer", "reader_settings"]


class Classify(Protocol):
    """What recognition needs of a classifier."""

    labels: tuple[str, ...]

    def __call__(self, crops: np.ndarray) -> np.ndarray: ...


class ExpressionRecognizer:
    """Detector and classifier as one step. May be shared between threads where both may."""

    def __init__(self, classifier: Classify, detector: FaceDetector | None = None):
        self.classifier = classifier
        self.detector = detector or FaceDetector()

    @property
    def labels(self) -> tuple[str, ...]:
        return self.classifier.labels

    def __call__(self, image: np.ndarray) -> Faces:
        """The faces of one frame and their expressions, largest face first.

        Args:
            image: uint8 (h, w, 3), BGR.
        """
        found = self.detector(image)
        if len(found.boxes) == 0:
            return Faces.none(self.labels)
        crops = crop_faces(image, found.boxes, found.landmarks)
        quality = assess_quality(crops, found.boxes, found.scores, found.landmarks)
        crop = getattr(self.classifier, "own_crop", None)  # a network for large pictures in colour gets them so
        if crop is not None:
            crops = crop_faces(image, found.boxes, found.landmarks, crop, color=True)
        return Faces.detected(*found, self.classifier(crops), self.labels, quality)


def reader_settings(recognizer: ExpressionRecognizer) -> dict[str, Any]:
    """What reads the faces, for exports: version, model, detector."""
    bundle = getattr(recognizer.classifier, "bundle", None)
    detector = recognizer.detector
    return {
        "fer_core": __version__,
        "model": None if bundle is None else bundle.name,
        "model_sha256": None if bundle is None else bundle.card.get("sha256"),
        "detector": getattr(detector, "kind", None),
        "detector_side": getattr(detector, "side", None),
        "smallest_face": getattr(detector, "smallest", None),
    }
