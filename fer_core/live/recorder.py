"""The annotated recording of a camera, drawn and written by a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import Overlay
from fer_core.errors import MediaError
from fer_core.utils.threads import lower_priority
from fer_core.video.writer import ClipWriter

__all__ = ["LiveRecorder"]

log = logging.getLogger(__name__)

AHEAD = 15
"""Frames that may wait to be written; it bounds the memory. Beyond it frames are left out."""


class LiveRecorder:
    """Writes frames as they come to an MP4. `add` never waits.

    Attributes:
        error: what went wrong, in words for a person; None where nothing did.
        dropped: frames left out because writing could not keep up.
    """

    def __init__(self, path: Path, *, width: int, height: int, frame_rate: float = 30.0):
        """Begin.

        Args:
            path: the file; it appears once the recording is closed.
            width: of the frames, in pixels.
            height: of the frames; those of another shape are put on black.
            frame_rate: nominal; the true times are kept.
        """
        self.error: str | None = None
        self.dropped = 0
        self._path, self._width, self._height, self._rate = path, width, height, frame_rate
        self._waiting: deque[tuple[np.ndarray, float, Sequence[Overlay]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="live-write", daemon=True)
        self._thread.start()

    def add(self, image: np.ndarray, seconds: float, found: Sequence[Overlay]) -> None:
        """Hand over a frame.

        Args:
            image: uint8 (h, w, 3), BGR; not changed here, and not to be changed by others from now on.
            seconds: of the session.
            found: what to draw, in pixels of this image.
        """
        with self._changed:
            if self._closed or self.error is not None:
                return
            if len(self._waiting) >= AHEAD:
                self.dropped += 1
                return
            self._waiting.append((image, seconds, found))
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, and finish the file; does not wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def pending(self) -> bool:
        """Something of it is still to be written: the file is not there yet."""
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait until the file is whole, after `close`."""
        self._thread.join(timeout)

    def _run(self) -> None:
        lower_priority()  # the picture on its way back goes first
        try:
            with ClipWriter(self._path, width=self._width, height=self._height, frame_rate=self._rate) as writer:
                while (item := self._next()) is not None:
                    image, seconds, found = item
                    writer.write(self._fitted(draw_overlays(image.copy(), found)), seconds)
        except MediaError as error:
            self.error = str(error)
        except Exception:
            log.exception("recording failed")
            self.error = "The recording broke off because of an error inside the program."
        self._waiting.clear()

    def _next(self) -> tuple[np.ndarray, float, Sequence[Overlay]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        if (width, height) == (self._width, self._height):
            return image
        # A browser sends smaller frames while the network is slow, and others when a phone is turned.
        scale = min(self._width / width, self._height / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (self._width - size[0]) // 2, (self._height - size[1]) // 2
        canvas = np.zeros((self._height, self._width, 3), np.uint8)
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(image, size)
        return canvas
