"""Live pictures on a computer that has no time: they get fewer, not later, and do not cease.

aiortc and streamlit-webrtc are made for computers that keep up. Two habits of theirs are changed here.
"""

from __future__ import annotations

from aiortc import MediaStreamTrack, rtcrtpreceiver
from aiortc.contrib.media import MediaRelay
from aiortc.rate import RemoteBitrateEstimator
from streamlit import runtime
from streamlit_webrtc import relay

__all__ = ["NewestRelay", "PatientEstimator", "keep_flowing"]

LEAST = 500_000
"""Bits a second that a browser may always send: what aiortc itself begins with. Where the network carries less, packets
are lost, and the browser sends fewer by itself."""


class NewestRelay(MediaRelay):
    """Hands on the newest picture.

    The usual one keeps each picture until it is fetched. Where a busy processor codes fewer of them than the camera
    gives, they then come back later and later, and fill the memory.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        return super().subscribe(track, buffered=False)


class PatientEstimator(RemoteBitrateEstimator):
    """Says how much a browser may send.

    The usual one takes each packet that is fetched late for one that the network held back, and asks for less and
    less, without an end. On a busy computer it came to 30 kbit/s, at which one picture takes five seconds.
    """

    def add(
        self, arrival_time_ms: int, abs_send_time: int, payload_size: int, ssrc: int
    ) -> tuple[int, list[int]] | None:
        told = super().add(arrival_time_ms, abs_send_time, payload_size, ssrc)
        return told and (max(LEAST, told[0]), told[1])


def keep_flowing() -> None:
    """Let all streams that begin from now on use them."""
    rtcrtpreceiver.RemoteBitrateEstimator = PatientEstimator  # type: ignore[misc]
    if runtime.exists():
        server, name = runtime.get_instance(), relay._SERVER_GLOBAL_RELAY_ATTR_NAME_
        if not hasattr(server, name):
            setattr(server, name, NewestRelay())
