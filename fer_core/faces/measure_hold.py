"""Measures between the frames that are measured: 15 times a second is enough, and half of the work."""

from __future__ import annotations

import numpy as np

from fer_core.faces.measures import FaceMeasurer, with_measures
from fer_core.types import FaceMeasures, Faces
from fer_core.video.frame import Frame

__all__ = ["MEASURE_RATE", "MeasureHold"]

MEASURE_RATE = 15.0
"""Frames of a second that are measured at most; a blink, of 0.1 s and more, is then never missed."""

SAME = 0.08
"""Mean distance of the five landmarks, in box heights, within which a face is that of the frame before."""


class MeasureHold:
    """Gives each frame measures: its own, or those of the same face a frame before. For one thread."""

    def __init__(self, measurer: FaceMeasurer):
        """Set up.

        Args:
            measurer: for a face that was not there a frame before.
        """
        self._measurer = measurer
        self._last: Faces | None = None

    def __call__(self, faces: Faces, frame: Frame) -> Faces:
        """Return the faces with measures.

        Args:
            faces: those of the next frame; with measures, or with none yet.
            frame: the frame itself; its picture is asked for where a face is new.
        """
        if faces.measures is None:
            faces = with_measures(faces, self._held(faces, frame))
        self._last = faces
        return faces

    def _held(self, faces: Faces, frame: Frame) -> FaceMeasures:
        known = self._last
        rows = [self._row(known, faces, i) for i in range(len(faces))]
        new = np.array([row < 0 for row in rows], bool)
        if known is None or known.measures is None or new.all():
            return self._measurer(frame.image(), faces.boxes, faces.landmarks)
        found = known.measures[np.maximum(rows, 0)]
        if new.any():
            fresh = self._measurer(frame.image(), faces.boxes[new], faces.landmarks[new])
            found.values[new], found.gaps[new] = fresh.values, fresh.gaps  # a fancy index has copied them
        return found

    @staticmethod
    def _row(known: Faces | None, faces: Faces, i: int) -> int:
        """Return which of the known faces it is; -1 for none."""
        if known is None or not len(known):
            return -1
        apart = np.hypot(*(known.landmarks - faces.landmarks[i]).transpose(2, 0, 1)).mean(1)
        apart = np.nan_to_num(apart, nan=np.inf)
        nearest = int(apart.argmin())
        return nearest if apart[nearest] < SAME * float(faces.boxes[i, 3] - faces.boxes[i, 1]) else -1
