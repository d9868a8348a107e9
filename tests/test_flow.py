"""Live pictures on a computer that has no time: who is slow gets the newest, and no camera is told to send nothing."""

from __future__ import annotations

import asyncio

import av
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, VideoStreamTrack, rtcrtpreceiver
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError
from aiortc.rate import RemoteBitrateEstimator
from streamlit import runtime

from ui.flow import LEAST, NewestRelay, PatientEstimator, keep_flowing


class Camera(MediaStreamTrack):
    """Gives a picture each time it is told to; its number is its time stamp."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.given: asyncio.Queue[int | None] = asyncio.Queue()

    async def recv(self) -> av.VideoFrame:
        number = await self.given.get()
        if number is None:
            raise MediaStreamError
        frame = av.VideoFrame(16, 16)
        frame.pts = number
        return frame


async def turns() -> None:
    """Let everything that can go on do so."""
    for _ in range(50):
        await asyncio.sleep(0)


async def fetched(relay: MediaRelay) -> list[int]:
    """What a slow one gets, while three pictures come each time before it fetches the next."""
    camera, got = Camera(), []
    proxy = relay.subscribe(camera)
    for first in (0, 3, 6):
        waiting = asyncio.ensure_future(proxy.recv()) if first == 0 else None
        await turns()
        for number in range(first, first + 3):
            camera.given.put_nowait(number)
            await turns()
        got.append((await (waiting or proxy.recv())).pts)
    camera.given.put_nowait(None)
    await turns()
    with pytest.raises(MediaStreamError):
        while True:
            await proxy.recv()
    return got


def test_one_who_is_slow_gets_the_newest() -> None:
    assert asyncio.run(fetched(NewestRelay()))[1:] == [5, 8]
    assert asyncio.run(fetched(MediaRelay()))[1:] == [1, 2], "what it is there for"


def asked(estimator: RemoteBitrateEstimator) -> list[int]:
    """Bits a second that are asked for while the server fetches packets later and later, for twenty seconds."""
    found = []
    for number in range(1000):
        sent = 20 * number
        late = 0.4 * number
        stamp = (sent * 2**18 // 1000) & 0xFFFFFF
        told = estimator.add(arrival_time_ms=round(sent + late), abs_send_time=stamp, payload_size=1000, ssrc=1)
        if told is not None:
            found.append(told[0])
            assert told[1] == [1]
    return found


def test_a_browser_may_always_send_a_picture() -> None:
    assert min(asked(RemoteBitrateEstimator())) < LEAST, "what it is there for"
    assert min(asked(PatientEstimator())) == LEAST


def test_streams_use_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit_webrtc.relay import get_global_relay

    class Server:
        """Where streamlit-webrtc keeps what all streams share."""

    server = Server()
    monkeypatch.setattr(rtcrtpreceiver, "RemoteBitrateEstimator", RemoteBitrateEstimator)  # and back afterwards
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    monkeypatch.setattr("streamlit_webrtc.relay.Runtime.instance", lambda: server)
    keep_flowing()
    assert isinstance(relay := get_global_relay(), NewestRelay)
    keep_flowing()
    assert get_global_relay() is relay, "streams that run go on"
    assert not relay.subscribe(VideoStreamTrack())._buffered  # type: ignore[attr-defined]
    assert isinstance(asyncio.run(estimator()), PatientEstimator)


async def estimator() -> object:
    """What a new stream estimates with."""
    connection = RTCPeerConnection()
    try:
        return connection.addTransceiver("video").receiver._RTCRtpReceiver__remote_bitrate_estimator
    finally:
        await connection.close()
