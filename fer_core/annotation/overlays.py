"""What is drawn for each face: made from results, moved with the picture, steadied from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fer_core.labels import UNSURE
from fer_core.tracking.smoothing import OneEuro
from fer_core.types import Faces, FrameResult

__all__ = ["Overlay", "SteadyOverlays", "overlays"]


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn for one face.

    Attributes:
        track_id: whose, -1 where nobody is followed.
        box: x0, y0, x1, y1 in pixels.
        name: first line of words.
        label: expression, or "unsure"; second line of words, and the colour.
        confidence: of the expression, 0 to 1.
        bars: each expression and its probability, drawn beside the box; empty for none.
    """

    track_id: int
    box: tuple[float, float, float, float]
    name: str
    label: str
    confidence: float
    bars: tuple[tuple[str, float], ...] = ()

    def at(self, box: np.ndarray) -> Overlay:
        """Return the same with another box, (4,) xyxy in pixels."""
        x0, y0, x1, y1 = np.asarray(box).tolist()
        return replace(self, box=(x0, y0, x1, y1))

    def scaled(self, factor: float) -> Overlay:
        """Return the same in a picture so many times as large."""
        return self if factor == 1 else self.at(np.array(self.box) * factor)

    def mirrored(self, width: int) -> Overlay:
        """Return the same in the mirrored picture, which is `width` pixels wide."""
        x0, y0, x1, y1 = self.box
        return replace(self, box=(width - x1, y0, width - x0, y1))


def overlays(faces: Faces, names: Mapping[int, str] | None = None, *, bars: bool = False) -> list[Overlay]:
    """Return what to draw for the faces of a frame.

    Args:
        faces: of the frame.
        names: people by track id; "Person 1" and so on where none is given.
        bars: with the probability of each expression.
    """
    found = []
    for i, (box, track, predicted) in enumerate(
        zip(faces.boxes.tolist(), faces.track_ids.tolist(), faces.predicted.tolist(), strict=True)
    ):
        name = (names or {}).get(track) or ("" if track < 0 else f"Person {track + 1}")
        label = UNSURE if predicted < 0 else faces.labels[predicted]
        smoothed = faces.smoothed[i].tolist()
        beside = tuple(zip(faces.labels, smoothed, strict=True)) if bars else ()
        found.append(Overlay(track, tuple(box), name, label, max(smoothed), beside))
    return found


class SteadyOverlays:
    """Marks of one result after another, whose boxes rest while their faces do."""

    def __init__(self, names: Mapping[int, str] | None = None, *, bars: bool = False):
        """Set up; see `overlays`."""
        self._names, self._bars = names, bars
        self._filters: dict[int, OneEuro] = {}

    def __call__(self, result: FrameResult) -> list[Overlay]:
        """Return the marks of the next result."""
        found = overlays(result.faces, self._names, bars=self._bars)
        # Those of people who left are forgotten.
        self._filters = {mark.track_id: self._filters.get(mark.track_id) or OneEuro() for mark in found}
        return [mark.at(self._filters[mark.track_id](result.seconds, np.array(mark.box))) for mark in found]
