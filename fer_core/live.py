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

from fer_core.faces.measures import measures_of

from .clip import reader_settings
from .drawing import draw
from .errors import FerError
from .export import Findings
from .kept import Kept
from .marks import Mark, SteadyMarks
from .moments import Moments
from .newest import Newest
from .people import Likeness
from .pulse import Meter, Pulse
from .recognition import Recognizer
from .recording import Recording
from .smoothing import Smoothing
from .timeline import Recorder
from .tracking import Tracker
from .types import FrameResult
from .video import ClipInfo

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
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        name: str = "Live session",
        smoothing: Smoothing | None = None,
        unsure_below: float = 0.0,
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
            unsure_below: smoothed confidence under which the label is "unsure".
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
        self._how = {"smoothing": asdict(smoothing or Smoothing()), "unsure_below": unsure_below}
        self._tracker = Tracker(recognizer.labels, smoothing, unsure_below=unsure_below)
        self._side, self._max_seconds = side, max_seconds
        self._kept = Kept(recognizer.labels, side, max_seconds, measures_of(recognizer))
        self._meter = Meter(clock)
        self._lock = threading.Lock()
        self._size = (side, side)
        self._look = Newest(self._try, idle=self._idle, done=self._finish, busy=busy)
        self._found: list[Mark] = []
        self._found_at = -1e9
        self._steady = SteadyMarks(bars=True)
        self._shown: np.ndarray | None = None
        self._recording: Recording | None = None
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
            drawn = draw(cv2.flip(image, 1), [mark.mirrored(image.shape[1]) for mark in found])
        else:
            drawn = draw(image.copy(), found)
        self._shown = drawn
        self._meter.leave()
        return drawn

    def _begin(self, width: int, height: int) -> None:
        scale = max(1.0, self._side / max(width, height))
        self._size = round(width * scale), round(height * scale)
        self._kept = Kept(self.recognizer.labels, self._size[0], self._max_seconds, measures_of(self.recognizer))
        if self.annotated is not None:
            self._recording = Recording(self.annotated, width=self._size[0], height=self._size[1])

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
    def recorder(self) -> Recorder:
        """What was found so far, as of a clip; and so are `moments` and `likeness`."""
        return self._kept.recorder

    @property
    def moments(self) -> Moments:
        return self._kept.moments

    @property
    def likeness(self) -> Likeness:
        return self._kept.likeness

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

    def pulse(self) -> Pulse:
        """How it is doing."""
        return self._meter.pulse()

    def recent(self) -> list[FrameResult]:
        """Results of the last minute, a few a second."""
        return self._kept.recent(self.seconds)

    def findings(self, names: Mapping[int, str] | None = None) -> Findings:
        """What was found so far, for exports; see `ClipAnalysis.findings`."""
        width, height = self._size
        session = {"name": self.name, "source": "camera", "complete": self.complete}
        session |= {"width": width, "height": height, "seconds": round(self.seconds, 3)}
        return Findings(self.recorder.table(names), session, {**reader_settings(self.recognizer), **self._how})

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
