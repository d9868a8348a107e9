"""A frame goes in, `Faces` come out: one detection, one batched classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from fer_core import __version__
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import FaceDetector
from fer_core.faces.measures import FaceMeasurer, with_measures
from fer_core.faces.quality import assess_quality
from fer_core.faces.yunet import Detections
from fer_core.models.classifier import Classifier
from fer_core.models.preprocessing import CROP_SIDE
from fer_core.types import Faces
from fer_core.video.frame import Frame

__all__ = ["ExpressionRecognizer", "reader_settings"]

NO_CROPS = np.empty((0, CROP_SIDE, CROP_SIDE), np.uint8)


class Classify(Protocol):
    """What recognition needs of a classifier."""

    labels: tuple[str, ...]

    def __call__(self, crops: np.ndarray) -> np.ndarray: ...


class ExpressionRecognizer:
    """Detector and classifier as one step. May be shared between threads where both may."""

    def __init__(
        self,
        classifier: Classify | None = None,
        detector: FaceDetector | None = None,
        measurer: FaceMeasurer | None = None,
    ):
        """Set up.

        Args:
            classifier: names the expression of crops; the shipped model if None.
            detector: finds the faces; YuNet if None.
            measurer: measures head, eyes and mouth; None for no measures.

        Example:
            >>> import numpy as np
            >>> recognizer = ExpressionRecognizer()
            >>> len(recognizer(np.zeros((240, 320, 3), np.uint8)))
            0
        """
        self.classifier = classifier or Classifier()
        self.detector = detector or FaceDetector()
        self.measurer = measurer

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the expressions."""
        return self.classifier.labels

    def __call__(self, image: np.ndarray) -> Faces:
        """Return the faces of one picture and their expressions, largest face first.

        Args:
            image: uint8 (h, w, 3), BGR.
        """
        found = self.detector(image)
        crops = crop_faces(image, found.boxes, found.landmarks)
        faces = self._classified([crops], [found], [image])[0]
        if self.measurer is None:
            return faces
        return with_measures(faces, self.measurer(image, found.boxes, found.landmarks))

    def detect(self, frame: Frame) -> Detections:
        """Find the faces of a frame, largest first, in pixels of the upright frame."""
        return self.detector(frame)

    def classify(self, frames: Sequence[Frame], found: Sequence[Detections]) -> list[Faces]:
        """Read the expressions of faces that are found already; those of all frames go to the network together.

        Args:
            frames: one or more.
            found: the faces of each.
        """
        crops = [
            crop_faces(frame.gray(), faces.boxes, faces.landmarks) if len(faces.boxes) else NO_CROPS
            for frame, faces in zip(frames, found, strict=True)
        ]
        pictures = [frame.image() for frame in frames] if self._own_crop else ()
        read = self._classified(crops, found, pictures)
        if self.measurer is None:
            return read
        return [
            with_measures(faces, self.measurer(frame.image(), faces.boxes, faces.landmarks))
            for frame, faces in zip(frames, read, strict=True)
        ]

    @property
    def _own_crop(self) -> int | None:
        """Side of the crops in color that a network for large pictures is given; None for grey ones of 48 pixels."""
        side: int | None = getattr(self.classifier, "own_crop", None)
        return side

    def _classified(
        self, crops: Sequence[np.ndarray], found: Sequence[Detections], pictures: Sequence[np.ndarray]
    ) -> list[Faces]:
        counts = [len(faces.boxes) for faces in found]
        if not sum(counts):
            return [Faces.none(self.labels) for _ in found]
        together = Detections(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
        together_crops = np.concatenate(crops)
        quality = assess_quality(together_crops, together.boxes, together.scores, together.landmarks)
        if self._own_crop is not None:
            colored = [
                crop_faces(picture, faces.boxes, faces.landmarks, self._own_crop, color=True)
                for picture, faces in zip(pictures, found, strict=True)
                if len(faces.boxes)
            ]
            together_crops = np.concatenate(colored)
        faces = Faces.detected(*together, self.classifier(together_crops), self.labels, quality)
        ends = np.cumsum(counts).tolist()
        return [faces[end - count : end] for count, end in zip(counts, ends, strict=True)]


def reader_settings(recognizer: ExpressionRecognizer) -> dict[str, Any]:
    """Return what reads the faces, for exports: version, model, detector."""
    bundle = getattr(recognizer.classifier, "bundle", None)
    detector = recognizer.detector
    return {
        "fer_core": __version__,
        "model": None if bundle is None else bundle.name,
        "model_sha256": None if bundle is None else bundle.card.get("sha256"),
        "rule": None if bundle is None else bundle.rule.describe(),
        "detector": getattr(detector, "kind", None),
        "detector_side": getattr(detector, "side", None),
        "smallest_face": getattr(detector, "smallest", None),
    }
