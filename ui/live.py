"""What the live page shares with the stream's thread, and its words: notice, places, what may be wrong."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import streamlit as st

from fer_core.live import LiveSession
from fer_core.recognition import Recognizer
from ui.settings import settings
from ui.shared import recognizer

__all__ = [
    "SIZES",
    "TRANSLATIONS",
    "WRONG",
    "Choice",
    "Places",
    "Stage",
    "callback",
    "camera_state",
    "folder",
    "notice",
    "places",
    "ready",
]

log = logging.getLogger(__name__)

SIZES = {"Small": (320, 240), "Normal": (640, 480), "Large": (1280, 720)}

NOTICE = """
- **What is measured.** For each face in the picture: where it is, and which of seven expressions it shows, up to 30
  times a second. An expression is what a face shows, not what somebody feels.
- **What happens to the picture.** It goes to the computer that runs this app, is read in its memory, and comes back to
  you. It goes nowhere else.
- **What is kept.** The table of what was found and small pictures of the key moments, in memory, until you close or
  reload this page. The clip is recorded only if you tick “Record the annotated clip”, and deleted with the rest.
- **Who is in the picture.** Film only people who know of this and agree.
"""

TRANSLATIONS = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose the camera",
    "select_camera": "Choose the camera",
    "turn_camera_on": "Camera on",
    "turn_camera_off": "Camera off",
    "device_ask_permission": "Your browser asks whether this page may use the camera. Answer “Allow”.",
    "device_not_available": "No camera can be used: none is connected, or another program has it. Close other programs "
    "that use it, connect one, and try again.",
    "device_access_denied": "Your browser does not let this page use the camera. Press the camera or lock sign beside "
    "the address, allow the camera, and reload the page.",
    "media_api_not_available": "Browsers give the camera only to pages with https in their address.",
}

WRONG = {
    "insecure": "This page was opened without **https**, and browsers give the camera only to secure pages. Open it "
    "with https:// in front, or on the computer that runs it as http://localhost.",
    "missing": "Your browser finds **no camera**. Connect one, or close the program that uses it, and reload the page.",
    "denied": "Your browser **does not let** this page use the camera. Press the camera or lock sign beside the "
    "address, choose “Allow”, and reload the page.",
    "blocked": "**No connection.** The camera is on, but its picture does not arrive: the network between you and the "
    "server seems to block it, as company networks and mobile networks often do. Try another network. Whoever runs "
    "this page can set up a TURN server, as its README says. “Single pictures” above works everywhere.",
    "stalled": "**No picture for 5 seconds.** Press Stop, then Start.",
}
"""What may be wrong with the camera or the connection, and what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a viewer chose before the start."""

    size: str = "Normal"
    steadiness: str = "Normal"
    model: str = ""
    record: bool = False


class Stage:
    """Where one viewer's page stands. In the session state as one object: a run of the page may be cut off anywhere.

    Attributes:
        session: the camera that runs.
        result: the session that ended, while it is shown.
        choice: what was chosen before the start.
        problem: why nothing came of the last start.
    """

    def __init__(self) -> None:
        self.session: LiveSession | None = None
        self.result: LiveSession | None = None
        self.choice = Choice()
        self.problem: str | None = None

    def finish(self, stalled: float) -> None:
        """End the camera's session; it is the result where anything was read.

        Args:
            stalled: seconds without any picture after which it was not the person who stopped it.
        """
        session = self.session
        if session is None:
            return
        session.close(wait=10)
        pulse = session.pulse()
        if len(session.recorder.table()):
            self.result = session
        elif pulse.frames == 0 and pulse.idle > stalled:
            self.problem = WRONG["blocked"]
        self.session = None


def callback(session: LiveSession) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """What the stream's thread does with each frame. Neither `st` nor session state may be used in it."""

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
        """Places left."""
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
    """The places of this server."""
    return Places()


def ready(model: str) -> Recognizer:
    """Detector and model, loaded and run once: the first frames must not wait for it."""
    read = recognizer(model, "yunet", 320)
    _warm(read)
    return read


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Recognizer: lambda read: id(read.classifier)})
def _warm(read: Recognizer) -> Recognizer:
    read(np.zeros((480, 640, 3), np.uint8))
    for faces in (1, 2, 4):
        read.classifier(np.zeros((faces, 48, 48), np.uint8))
    return read


def folder(session: LiveSession) -> Path:
    """A temporary folder that goes with the session: when its page is closed, and when the server stops."""
    path = Path(tempfile.mkdtemp(prefix="expression-lab-live-"))
    weakref.finalize(session, shutil.rmtree, path, ignore_errors=True)
    return path


def notice() -> str:
    """What is said before the camera starts: FER_NOTICE or the usual words; empty where the host says "off"."""
    own = settings().notice
    return "" if own.lower() == "off" else own or NOTICE


# What a page of Streamlit cannot know by itself: whether the browser has a camera and would give it.
SCRIPT = """
export default function (component) {
  const { setStateValue } = component
  let told = null
  const tell = (value) => { if (value !== told) { told = value; setStateValue("camera", value) } }
  const look = async () => {
    if (!window.isSecureContext || !navigator.mediaDevices) return tell("insecure")
    try {
      const permission = await navigator.permissions.query({ name: "camera" })
      permission.onchange = look
      if (permission.state === "denied") return tell("denied")
    } catch (error) { /* Firefox and Safari may not know this question */ }
    const devices = await navigator.mediaDevices.enumerateDevices()
    tell(devices.some((device) => device.kind === "videoinput") ? "ready" : "missing")
  }
  look()
}
"""

_component = st.components.v2.component("expression_lab_camera", html="<span></span>", js=SCRIPT)


def camera_state() -> str | None:
    """`ready`, or a key of WRONG; None while the browser has not answered. Draws nothing."""
    state = _component(key="camera-state", height=1, on_camera_change=lambda: None)
    return getattr(state, "camera", None)
