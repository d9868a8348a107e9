"""Where the page of each viewer stands, how many may film at a time, and what the stream's thread does."""

from __future__ import annotations

import logging
import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import streamlit as st

from fer_core.live.session import LiveSession
from fer_core.utils.platform import remove_folder
from ui.app.settings import settings
from ui.live.camera import WRONG

__all__ = ["Choice", "Places", "Stage", "callback", "folder", "places"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a viewer chose before the start."""

    size: str = "Normal"
    steadiness: str = "Normal"
    model: str = ""
    record: bool = False


class Stage:
    """Where one viewer's page stands. In the session state as one object: a run of the page may be cut off anywhere.

    And two runs may overlap: one that is still waiting for a recording to be whole goes on beside the next, and its
    wish to run the page again is not heard any more. So every change counts in `turn`, and a run that ends with
    another turn than it began with draws the page once more.

    Attributes:
        session: the camera that runs.
        result: the session that ended, while it is shown.
        choice: what was chosen before the start.
        problem: why nothing came of the last start.
        turn: how often `session` or `result` changed.
    """

    def __init__(self) -> None:
        self.session: LiveSession | None = None
        self.result: LiveSession | None = None
        self.choice = Choice()
        self.problem: str | None = None
        self.turn = 0
        self._lock = threading.RLock()

    def begin(self, make: Callable[[], LiveSession | None]) -> bool:
        """Start a session where none runs and none is shown; true if this call did it.

        Args:
            make: gives the session, or None where there is no place for it.
        """
        with self._lock:
            if self.session is not None or self.result is not None:
                return False
            session = make()
            if session is None:
                return False
            self.session, self.problem = session, None
            self.turn += 1
            return True

    def finish(self, stalled: float) -> None:
        """End the camera's session; it is the result where anything was read.

        Args:
            stalled: seconds without any picture after which it was not the person who stopped it.
        """
        with self._lock:
            session = self.session
            if session is None:
                return
            session.close(wait=10)
            stats = session.stats()
            if len(session.recorder.table()):
                self.result = session
            elif stats.frames == 0 and stats.idle > stalled:
                self.problem = WRONG["blocked"]
            self.session = None
            self.turn += 1

    def forget(self) -> None:
        """Let go of the result, and delete its recording."""
        with self._lock:
            _delete(self.result)
            self.result = None
            self.turn += 1

    def leave(self) -> None:
        """The tab was closed: end the camera's session, and delete everything."""
        with self._lock:
            if self.session is not None:
                self.session.close(wait=10)
                _delete(self.session)
                self.session = None
            self.forget()


def _delete(session: LiveSession | None) -> None:
    if session is not None and session.annotated is not None:
        remove_folder(session.annotated.parent)


def callback(session: LiveSession) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Return what the stream's thread does with each frame. Neither `st` nor session state may be used in it."""

    def process(frame: av.VideoFrame) -> av.VideoFrame:
        # Whatever leaves this function as an exception freezes the picture while the page believes that it plays.
        try:
            drawn = session.process(frame.to_ndarray(format="bgr24"), frame.time)
            return av.VideoFrame.from_ndarray(drawn, format="bgr24")
        except Exception:
            if session.error is None:
                log.exception("drawing on a live frame failed")
            session.error = "The picture is shown as it comes, because of an error inside the program."
            return frame

    return process


class Places:
    """How many may use the camera at the same time: a place is free again when its session has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: weakref.WeakSet[LiveSession] = weakref.WeakSet()

    def free(self) -> int:
        """Return the places left."""
        with self._lock:
            return settings().live_viewers - sum(not session.ended for session in self._sessions)

    def take(self, session: LiveSession) -> bool:
        """Take a place for a session; false where there is none."""
        with self._lock:
            if sum(not other.ended for other in self._sessions) >= settings().live_viewers:
                return False
            self._sessions.add(session)
            return True


@st.cache_resource(show_spinner=False)
def places() -> Places:
    """Return the places of this server."""
    return Places()


def folder(session: LiveSession) -> Path:
    """Return a temporary folder for a session's recording: it goes with the session, and when the server stops."""
    path = Path(tempfile.mkdtemp(prefix="expression-lab-live-"))
    weakref.finalize(session, remove_folder, path)
    return path
