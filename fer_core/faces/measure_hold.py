"""Measures between the frames that are measured: 15 of a second are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from fer_core.faces.measures import FaceMeasurer, with_measures
from fer_core.faces.yunet import Detections
from fer_core.types import FaceMeasures, Faces
from fer_core.video.frame import Frame

__all__ = ["MEASURE_RATE", "MeasureHold", "MeasuringRecognizer", "measure_frames"]

MEASURE_RATE = 15.0
"""Frames of a second that are measured at least, where so many are analysed; a blink lasts 0.1 s and more."""

SIDE = 1920
"""Longer side in pixels of the picture that is measured, at most."""

SAME = 0.08
"""Mean distance of the five landmarks, in box heights, within which a face is that of the frame before."""


class MeasureHold:
    """Gives each frame measures: its own, or those of the same face a frame before. For one thread."""

    def __init__(self) -> None:
        """Set up; no face is known yet."""
        self._last: Faces | None = None

    def __call__(self, faces: Faces, measure: Callable[[np.ndarray], FaceMeasures]) -> Faces:
        """Return the faces with measures.

        Args:
            faces: those of the next frame; with measures, or with none yet.
            measure: measures the faces that a mask, bool (n,), chooses; for those that were not there a frame before.
        """
        if faces.measures is None:
            faces = with_measures(faces, self._held(faces, measure))
        self._last = faces
        return faces

    def _held(self, faces: Faces, measure: Callable[[np.ndarray], FaceMeasures]) -> FaceMeasures:
        known = self._last
        rows = [self._row(known, faces, i) for i in range(len(faces))]
        new = np.array([row < 0 for row in rows], bool)
        if known is None or known.measures is None or new.all():
            return measure(np.ones(len(faces), bool))
        found = known.measures[np.maximum(rows, 0)]
        if new.any():
            fresh = measure(new)
            found.values[new], found.gaps[new] = fresh.values, fresh.gaps  # a fancy index has copied them
        return found

    @staticmethod
    def _row(known: Faces | None, faces: Faces, i: int) -> int:
        """Which of the known faces it is; -1 for none."""
        if known is None or not len(known):
            return -1
        apart = np.hypot(*(known.landmarks - faces.landmarks[i]).transpose(2, 0, 1)).mean(1)
        apart = np.nan_to_num(apart, nan=np.inf)
        nearest = int(apart.argmin())
        return nearest if apart[nearest] < SAME * float(faces.boxes[i, 3] - faces.boxes[i, 1]) else -1


def measure_frames(measurer: FaceMeasurer, frames: Sequence[Frame], faces: Sequence[Faces]) -> list[Faces]:
    """Measure frames that follow one another closely, `MEASURE_RATE` times a second; the others keep what was found.

    What comes out depends on these frames alone, so that groups of frames can be worked on side by side.

    Args:
        measurer: may be shared between threads.
        frames: one or more, in order of time.
        faces: those of each frame, in pixels of the upright frame.
    """
    hold, last, measured = MeasureHold(), -np.inf, []
    for frame, found in zip(frames, faces, strict=True):

        def measure(rows: np.ndarray, frame: Frame = frame, found: Faces = found) -> FaceMeasures:
            image = frame.image(SIDE)
            scale = np.float32(image.shape[1] / frame.size[0])
            return measurer(image, found.boxes[rows] * scale, found.landmarks[rows] * scale)

        if frame.seconds - last >= 1 / MEASURE_RATE - 2e-3:  # times of clips are rounded
            last = frame.seconds
            found = with_measures(found, measure(np.ones(len(found), bool)))
        measured.append(hold(found, measure))
    return measured


class Recognize(Protocol):
    """What is needed of a recognizer whose faces are to be measured."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def detect(self, frame: Frame) -> Detections: ...

    def classify(self, frames: list[Frame], found: list[Detections]) -> list[Faces]: ...


class MeasuringRecognizer:
    """A recognizer that also measures the faces it reads. May be shared between threads where both parts may."""

    def __init__(self, recognizer: Recognize, measurer: FaceMeasurer):
        """Set up.

        Args:
            recognizer: finds and names the faces.
            measurer: measures them.
        """
        self._recognizer, self.measurer = recognizer, measurer

    @property
    def labels(self) -> tuple[str, ...]:
        """Expressions that results name."""
        return self._recognizer.labels

    def detect(self, frame: Frame) -> Detections:
        """Find the faces of a frame."""
        return self._recognizer.detect(frame)

    def classify(self, frames: list[Frame], found: list[Detections]) -> list[Faces]:
        """Read and measure faces that are found already."""
        return measure_frames(self.measurer, frames, self._recognizer.classify(frames, found))
