"""Write the annotated clip while the analysis runs: boxes on every frame, also on those that were not looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from fer_core.annotation.blur import blur_faces
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import Overlay, SteadyOverlays
from fer_core.types import FrameResult
from fer_core.video.frame import Frame
from fer_core.video.writer import ClipWriter

__all__ = ["Annotator"]

WAIT = 0.5
"""Seconds for which frames wait for the next result, so that boxes glide between both; it bounds the memory too."""


class Annotator:
    """Draws each frame's faces and hands the frame to a writer; a listener of `analysis.analyze`."""

    def __init__(
        self,
        writer: ClipWriter,
        *,
        width: int,
        max_side: int = 1280,
        blur: bool = False,
        names: Mapping[int, str] | None = None,
    ):
        """Set up.

        Args:
            writer: where the drawn frames go.
            width: of the source's upright frames, in pixels; boxes are in these.
            max_side: longer side of the drawn frames, in pixels.
            blur: make the faces unrecognisable.
            names: people by track id.
        """
        self._writer, self._width, self._max_side, self._blur = writer, width, max_side, blur
        self._waiting: deque[tuple[float, np.ndarray]] = deque()
        self._last: list[Overlay] = []
        self._last_seconds = 0.0
        self._steady = SteadyOverlays(names)
        self._hidden: dict[int, tuple[float, Overlay]] = {}

    def __call__(self, frame: Frame, result: FrameResult | None) -> None:
        """Take the next frame; it is written once it is known where its faces are."""
        image = frame.image(self._max_side)
        if result is None:
            while self._waiting and frame.seconds - self._waiting[0][0] > WAIT:
                self._write(*self._waiting.popleft(), self._last)
            self._waiting.append((frame.seconds, image))
            return
        now = self._steady(result)
        # Where faces are hidden, those of the last half second stay so in case the detector missed them, and new ones
        # are hidden before they were found.
        self._hidden = {track: seen for track, seen in self._hidden.items() if result.seconds - seen[0] <= WAIT}
        self._hidden |= {mark.track_id: (result.seconds, mark) for mark in now}
        hidden = [mark for _, mark in self._hidden.values()]
        for seconds, waiting in self._waiting:
            self._write(seconds, waiting, between(self._last, now, self._share(seconds, result.seconds)), hidden)
        self._waiting.clear()
        self._write(frame.seconds, image, now, hidden)
        self._last, self._last_seconds = now, result.seconds

    def finish(self) -> None:
        """Write what still waits."""
        while self._waiting:
            self._write(*self._waiting.popleft(), self._last)

    def _share(self, seconds: float, until: float) -> float:
        return (seconds - self._last_seconds) / max(until - self._last_seconds, 1e-6)

    def _write(self, seconds: float, image: np.ndarray, found: list[Overlay], hidden: Sequence[Overlay] = ()) -> None:
        scale = image.shape[1] / self._width
        image = image.copy()
        if self._blur:
            blur_faces(image, scale * np.array([mark.box for mark in (*found, *hidden)]))
        self._writer.write(draw_overlays(image, [mark.scaled(scale) for mark in found]), seconds)


def between(before: list[Overlay], after: list[Overlay], share: float) -> list[Overlay]:
    """Marks at a moment between two results; `share` is 0 at the first and 1 at the second.

    Faces that only the first result has stay where they were; those that only the second has are not there yet.
    """
    later = {mark.track_id: mark for mark in after}
    moved = []
    for mark in before:
        target = later.get(mark.track_id)
        if target is not None:
            mark = mark.at((1 - share) * np.array(mark.box) + share * np.array(target.box))
        moved.append(mark)
    return moved
