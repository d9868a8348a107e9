"""A camera's session: the picture comes back at once, the newest frame is read beside it, what was found is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from fer_core.analysis.export import ClipResult
from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.table import ResultTable
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import Overlay, SteadyOverlays
from fer_core.errors import FerError
from fer_core.faces.measures import measures_of
from fer_core.faces.recognizer import ExpressionRecognizer, reader_settings
from fer_core.live.history import SessionHistory
from fer_core.live.recorder import LiveRecorder
from fer_core.live.stats import LiveMeter, LiveStats
from fer_core.models.bundle import Bundle
from fer_core.tracking.reidentification import PersonGrouper
from fer_core.tracking.smoothing import Smoothing
from fer_core.tracking.tracker import Tracker
from fer_core.types import FrameResult
from fer_core.utils.latest_worker import LatestItemWorker
from fer_core.video.reader import ClipInfo

__all__ = ["IDLE", "LiveSession"]

log = logging.getLogger(__name__)

IDLE = 30.0
"""Seconds without a frame after which a session lets go of its threads and its place."""
STALE = 2.0
"""Seconds after which marks are no longer drawn: better none than one where nobody is any more."""


class LiveSession:
    """One viewer's camera. `process` is for the thread that brings the frames; the rest may be used from any.

    Attributes:
        name: what the session is called.
        info: None; facts of a file, which a camera is not.
        mirror: give the picture back as a mirror would show it; what is measured and recorded is not mirrored.
        error: what went wrong last, in words for a person.
        damaged: 0; a camera has no damaged frames.
        names: of the people, as a person gives them; they belong to the result.

    Example:
        >>> from fer_core import ExpressionRecognizer
        >>> session = LiveSession(ExpressionRecognizer())
        >>> session.process(np.zeros((120, 160, 3), np.uint8)).shape
        (120, 160, 3)
        >>> session.close()
    """

    def __init__(
        self,
        recognizer: ExpressionRecognizer,
        *,
        name: str = "Live session",
        smoothing: Smoothing | None = None,
        confidence_threshold: float = 0.0,
        side: int = 640,
        mirror: bool = True,
        annotated: Path | None = None,
        max_seconds: float = 3600.0,
        busy: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Set up; threads start with the first frame.

        Args:
            recognizer: finds and names faces; may be shared with other sessions.
            name: shown and exported.
            smoothing: how expressions are steadied along a track.
            confidence_threshold: smoothed confidence under which the label is "unsure".
            side: longer side of the picture that boxes are measured in. A browser may send smaller frames for a while.
            mirror: see above.
            annotated: where to record the annotated clip; None for no recording.
            max_seconds: only so much is kept.
            busy: says that something goes first at the moment, so that the next frame is read a little later.
            clock: seconds, for tests.
        """
        self.recognizer, self.name, self.mirror, self.annotated = recognizer, name, mirror, annotated
        self.info: ClipInfo | None = None
        self.damaged = 0
        self.error: str | None = None
        self._how = {"smoothing": asdict(smoothing or Smoothing()), "confidence_threshold": confidence_threshold}
        self._tracker = Tracker(recognizer.labels, smoothing, confidence_threshold=confidence_threshold)
        self._side, self._max_seconds = side, max_seconds
        self._kept = SessionHistory(recognizer.labels, side, max_seconds, measures_of(recognizer))
        self.names = PersonNames(self.recorder)
        self._meter = LiveMeter(clock)
        self._lock = threading.Lock()
        self._size = (side, side)
        self._look = LatestItemWorker(self._try, idle=self._idle, done=self._finish, busy=busy)
        self._found: list[Overlay] = []
        self._found_at = -1e9
        self._steady = SteadyOverlays(bars=True)
        self._shown: np.ndarray | None = None
        self._recording: LiveRecorder | None = None
        self._paused = self._closed = False

    # The return path: it holds the lock for moments only and never waits for a face to be read.

    def process(self, image: np.ndarray, seconds: float | None = None) -> np.ndarray:
        """Take a frame, and give it back with the faces drawn that are known by now.

        Args:
            image: uint8 (h, w, 3), BGR; it is kept for a while and must not be changed afterwards.
            seconds: presentation time by the camera's clock; the time of arrival if None.
        """
        with self._lock:
            if self._meter.frames == 0:
                self._begin(*image.shape[1::-1])
            index, now, arrived = self._meter.arrive(seconds, self._paused)
            reading = not (self._paused or self._closed)
            found = self._found if reading and now - self._found_at < STALE else []
        if reading:
            self._look.give((index, now, arrived, image))
        found = [mark.scaled(image.shape[1] / self._size[0]) for mark in found]
        if reading and self._recording is not None and not self.full:
            self._recording.add(image, now, found)
        if self.mirror:
            drawn = draw_overlays(cv2.flip(image, 1), [mark.mirrored(image.shape[1]) for mark in found])
        else:
            drawn = draw_overlays(image.copy(), found)
        self._shown = drawn
        self._meter.leave()
        return drawn

    def _begin(self, width: int, height: int) -> None:
        scale = max(1.0, self._side / max(width, height))
        self._size = round(width * scale), round(height * scale)
        self._kept = SessionHistory(
            self.recognizer.labels, self._size[0], self._max_seconds, measures_of(self.recognizer)
        )
        self.names = PersonNames(self.recorder)
        if self.annotated is not None:
            self._recording = LiveRecorder(self.annotated, width=self._size[0], height=self._size[1])

    # Reading faces, in the thread of `_look`.

    def _try(self, job: tuple[int, float, float, np.ndarray]) -> None:
        try:
            self._read(*job)
        except FerError as error:
            self.error = str(error)
        except Exception:
            if self.error is None:  # once: a defect would fill the log thirty times a second
                log.exception("reading a live frame failed")
            self.error = "Faces cannot be read at the moment because of an error inside the program."

    def _idle(self) -> bool:
        return self.ended

    def _finish(self) -> None:
        """No more frames come."""
        if self._recording is not None:
            self._recording.close()

    def _read(self, index: int, seconds: float, arrived: float, image: np.ndarray) -> None:
        faces = self.recognizer(image)
        width = self._size[0]
        if image.shape[1] != width:
            faces = faces.scaled(width / image.shape[1])
            image = cv2.resize(image, (width, round(image.shape[0] * width / image.shape[1])))
        result = self._tracker.update(index, seconds, faces, image)
        found = self._steady(result)
        with self._lock:
            if self._paused or self._closed:
                return
            self._found, self._found_at = found, seconds
            self._meter.read(arrived)
        self._kept(result, image)

    # What a page asks for.

    @property
    def paused(self) -> bool:
        """While true the picture goes back as it came, nothing is read or recorded, and time stands still."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        with self._lock:
            if value != self._paused:
                self._paused, self._found = value, []
        self._look.forget()

    @property
    def model(self) -> Bundle | None:
        """The model that names the expressions; None where it is no bundle."""
        return getattr(self.recognizer.classifier, "bundle", None)

    @property
    def recorder(self) -> ResultTable:
        """What was found so far, as of a clip; and so are `key_moments` and `person_grouper`."""
        return self._kept.recorder

    @property
    def key_moments(self) -> KeyMoments:
        """Key moments so far."""
        return self._kept.key_moments

    @property
    def person_grouper(self) -> PersonGrouper:
        """Tracks that may be one person."""
        return self._kept.person_grouper

    @property
    def full(self) -> bool:
        """The session became too long to keep all of it; what came later was shown but not kept."""
        return self._kept.full

    @property
    def complete(self) -> bool:
        """All of the session was kept."""
        return not self.full

    @property
    def seconds(self) -> float:
        """Length so far, without pauses."""
        return self._meter.seconds

    @property
    def ended(self) -> bool:
        """Closed, or without a frame for so long that nobody is there any more."""
        return self._closed or self._meter.idle >= IDLE

    @property
    def recording_pending(self) -> bool:
        """The recording is not whole yet; on a busy computer that may take longer than `close` waited."""
        return self._recording is not None and self._recording.pending

    @property
    def preview(self) -> bytes | None:
        """JPEG of the picture that went back last."""
        shown = self._shown
        return None if shown is None else cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

    @property
    def recording_error(self) -> str | None:
        """What is wrong with the recording, in words for a person."""
        return None if self._recording is None else self._recording.error

    @property
    def faces(self) -> int:
        """Faces in the picture now."""
        return len(self._found) if self.seconds - self._found_at < STALE else 0

    def stats(self) -> LiveStats:
        """Return how it is doing."""
        return self._meter.stats()

    def recent(self) -> list[FrameResult]:
        """Results of the last minute, a few a second."""
        return self._kept.recent(self.seconds)

    def result(self, names: Mapping[int, str] | None = None) -> ClipResult:
        """Return what was found so far, for exports; see `ClipAnalysis.result`."""
        width, height = self._size
        session = {"name": self.name, "source": "camera", "complete": self.complete}
        session |= {"width": width, "height": height, "seconds": round(self.seconds, 3)}
        table = self.recorder.table(self.names if names is None else names)
        return ClipResult(table, session, {**reader_settings(self.recognizer), **self._how})

    def close(self, wait: float = 0.0) -> None:
        """End the session; what was found stays. Waits at most so many seconds until the recording is whole."""
        with self._lock:
            self._closed, recording = True, self._recording
        self._look.close()
        if recording is not None:
            recording.close()
        for thread in (self._look, recording):
            if wait and thread is not None:
                thread.join(wait)
