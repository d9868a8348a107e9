"""Live pictures on a computer that has no time: they get fewer, not later, and do not cease.

aiortc and streamlit-webrtc are made for computers that keep up. Some habits of theirs are changed here.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

from aiortc import MediaStreamTrack, rtcrtpreceiver
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import RtpPacket
from streamlit import runtime
from streamlit_webrtc import component, relay

__all__ = ["HastyBuffer", "NewestRelay", "PatientEstimator", "keep_flowing", "patient_page"]

log = logging.getLogger(__name__)

LEAST = 500_000
"""Bits a second that a browser may always send: what aiortc itself begins with. Where the network carries less, packets
are lost, and the browser sends fewer by itself."""

LOST = 45_000
"""Ticks of the 90 kHz clock of video, half a second, after which a packet that did not come is given up."""
RECENT = 512
"""A packet that is so many behind or less came late; one farther back begins another count."""

GIVES_UP = re.compile(r"\w+\.connectionState===`disconnected`\|\|")
"""Where the browser's part of streamlit-webrtc ends a stream at once when it hears nothing for a few seconds."""


class NewestRelay(MediaRelay):
    """Hands on the newest picture.

    The usual one keeps each picture until it is fetched. Where a busy processor codes fewer of them than the camera
    gives, they then come back later and later, and fill the memory.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """Return a track that gives the newest frame."""
        return super().subscribe(track, buffered=False)


class PatientEstimator(RemoteBitrateEstimator):
    """Says how much a browser may send.

    The usual one takes each packet that is fetched late for one that the network held back, and asks for less and
    less, without an end. On a busy computer it came to 30 kbit/s, at which one picture takes five seconds.
    """

    def add(
        self, arrival_time_ms: int, abs_send_time: int, payload_size: int, ssrc: int
    ) -> tuple[int, list[int]] | None:
        """Take a packet in."""
        told = super().add(arrival_time_ms, abs_send_time, payload_size, ssrc)
        return told and (max(LEAST, told[0]), told[1])


class HastyBuffer(JitterBuffer):
    """Puts packets into order and pictures together.

    The usual one waits for a packet that was lost until 512 others came, five to ten seconds at a camera's rate, in
    which no picture goes on. This one gives it up after half a second, and asks the browser for a whole picture.
    """

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet in."""
        if not self._is_video or self._origin is None:
            return super().add(packet)
        if 0 < (self._origin - packet.sequence_number) % 2**16 <= RECENT:
            return False, None  # given up before; the usual one would take what is far behind for a new beginning
        whole, frame = super().add(packet)
        if frame is None and self._waits(packet):
            self._begin_with(packet.timestamp)
            whole = True
        return whole, frame

    def _waits(self, newest: RtpPacket) -> bool:
        oldest = next(filter(None, self._from_origin()), newest)
        return LOST < (newest.timestamp - oldest.timestamp) % 2**32 < 2**31

    def _begin_with(self, timestamp: int) -> None:
        """Forget what is older than the picture of that time."""
        first = next(i for i, packet in enumerate(self._from_origin()) if packet and packet.timestamp == timestamp)
        self.remove(first)

    def _from_origin(self) -> list[RtpPacket | None]:
        start = (self._origin or 0) % self._capacity
        return self._packets[start:] + self._packets[:start]


@cache
def patient_page() -> tempfile.TemporaryDirectory | None:
    """A copy of the browser's part of streamlit-webrtc that does not give up; None where it is not as it was known.

    Browsers call a connection "disconnected" after some seconds without an answer, and "connected" again with the next;
    after half a minute they call it "failed", which still ends the stream. A server on busy cores may be that late.
    """
    made = tempfile.TemporaryDirectory(prefix="live-page-", ignore_cleanup_errors=True)
    shutil.copytree(component.build_dir, made.name, dirs_exist_ok=True)
    changed = 0
    for script in Path(made.name).glob("assets/*.js"):
        text, count = GIVES_UP.subn("", script.read_text(encoding="utf-8"))
        if count:
            script.write_text(text, encoding="utf-8")
            changed += count
    if changed == 1:
        return made
    log.warning("this streamlit-webrtc is not the one that is known: its streams end where they could go on")
    made.cleanup()
    return None


def keep_flowing() -> None:
    """Let all streams that begin from now on use them."""
    rtcrtpreceiver.RemoteBitrateEstimator = PatientEstimator  # type: ignore[attr-defined]
    rtcrtpreceiver.JitterBuffer = HastyBuffer  # type: ignore[attr-defined]
    page = patient_page()
    if page is not None and not Path(page.name, "index.html").exists():  # somebody tidied up the temporary files
        patient_page.cache_clear()
        page = patient_page()
    component._component_func._path = component.build_dir if page is None else page.name
    if runtime.exists():
        server, name = runtime.get_instance(), relay._SERVER_GLOBAL_RELAY_ATTR_NAME_
        if not hasattr(server, name):
            setattr(server, name, NewestRelay())
