"""What is kept of a camera's session, within bounds: the table, pictures of key moments, and the last minute."""

from __future__ import annotations

import threading
from collections import deque

import av
import numpy as np

from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.table import ResultTable
from fer_core.tracking.reidentification import PersonGrouper
from fer_core.types import FrameResult
from fer_core.video.frame import Frame

__all__ = ["RECENT", "SessionHistory"]

RECENT = 60.0
"""Seconds of the running timeline."""
RECENT_RATE = 5.0
"""Results a second that the running timeline is drawn from."""
MOST_ROWS = 400_000
"""Faces kept, about 50 MB. Two people who are read 30 times a second need two hours for it."""


class SessionHistory:
    """Takes results one by one from one thread; others may read what there is at any time.

    Attributes:
        recorder, moments, likeness: what was found so far, as of a clip.
        full: the session became too long to keep all of it; what came later is not kept.
    """

    def __init__(self, labels: tuple[str, ...], width: int, max_seconds: float, measures: tuple[str, ...] = ()):
        """Set up.

        Args:
            labels: expressions that results name.
            width: of the picture that boxes are measured in, in pixels.
            max_seconds: only so much is kept.
            measures: names of the measures to keep.
        """
        self.recorder, self.key_moments, self.person_grouper = (
            ResultTable(labels, measures),
            KeyMoments(width),
            PersonGrouper(width),
        )
        self.full = False
        self._max_seconds, self._rows = max_seconds, 0
        self._recent: deque[FrameResult] = deque(maxlen=round(RECENT * RECENT_RATE))
        self._lock = threading.Lock()

    def __call__(self, result: FrameResult, image: np.ndarray) -> None:
        """Take the next result and its picture, uint8 (h, w, 3), BGR."""
        self._rows += max(1, len(result.faces))
        self.full = self.full or result.seconds > self._max_seconds or self._rows > MOST_ROWS
        if self.full:
            return
        with self._lock:
            if not self._recent or result.seconds - self._recent[-1].seconds >= 1 / RECENT_RATE:
                self._recent.append(result)
        self.recorder.add(result)
        frame = Frame(result.index, result.seconds, av.VideoFrame.from_ndarray(image, format="bgr24"))
        self.key_moments(frame, result)
        self.person_grouper(frame, result)

    def recent(self, now: float) -> list[FrameResult]:
        """Results of the minute before second `now`, a few a second."""
        with self._lock:
            return [result for result in self._recent if now - result.seconds <= RECENT]
