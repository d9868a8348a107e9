"""Live pictures on a computer that has no time: who is slow gets the newest, and no camera is told to send nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import av
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, VideoStreamTrack, rtcrtpreceiver
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import RtpPacket
from streamlit import runtime
from streamlit_webrtc import component

from ui.live.webrtc_patches import LEAST, HastyBuffer, NewestRelay, PatientEstimator, keep_flowing, patient_page


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


def brought(buffer: JitterBuffer, numbers: Iterable[int], first: int) -> tuple[list[int], list[int]]:
    """Pictures that come out, and after which packets a whole one is asked for; three packets a picture, 15 a second.

    Args:
        numbers: of the packets that come, in this order.
        first: sequence number of packet 0; the clock of its picture is at the end of its range.
    """
    pictures, asked = [], []
    for number in numbers:
        picture = number // 3
        packet = RtpPacket(
            sequence_number=(first + number) % 2**16, timestamp=(2**32 - 12_000 + 6000 * picture) % 2**32
        )
        packet._data = bytes([number % 251])
        whole, frame = buffer.add(packet)
        if whole:
            asked.append(number)
        if frame is not None:
            pictures.append(((frame.timestamp - 2**32 + 12_000) % 2**32) // 6000)
    return pictures, asked


@pytest.mark.parametrize("first", [0, 65_530])
def test_a_lost_packet_costs_half_a_second(first: int) -> None:
    lost = [number for number in range(120) if number != 31]  # of picture 10
    pictures, asked = brought(HastyBuffer(512, is_video=True), lost, first)
    # Picture 18 begins 0.53 s after the one that lacks a packet.
    assert pictures == [*range(10), *range(18, 39)] and asked == [18 * 3]
    assert brought(JitterBuffer(512, is_video=True), lost, first) == ([*range(10)], []), "what it is there for"


def test_a_packet_that_is_late_is_put_in_or_passed_over() -> None:
    in_time = [*range(31), *range(32, 50), 31, *range(50, 90)]
    assert brought(HastyBuffer(512, is_video=True), in_time, 0)[1] == []
    too_late = [*range(31), *range(32, 300), 31, *range(300, 330)]
    pictures, asked = brought(HastyBuffer(512, is_video=True), too_late, 0)
    assert pictures == [*range(10), *range(18, 109)] and asked == [54]


def test_the_browser_does_not_give_up_at_the_first_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = patient_page()
    assert made is not None, "streamlit-webrtc is another: see whether its streams go on where no answer comes for 5 s"
    there, here = Path(component.build_dir), Path(made.name)
    changed = [
        file.name for file in here.glob("assets/*") if file.read_bytes() != (there / "assets" / file.name).read_bytes()
    ]
    assert len(changed) == 1
    script = (here / "assets" / changed[0]).read_text(encoding="utf-8")
    assert "disconnected" not in script and ".connectionState===`closed`||" in script
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.js").write_text("another")
    monkeypatch.setattr(component, "build_dir", str(tmp_path))
    patient_page.cache_clear()
    assert patient_page() is None
    patient_page.cache_clear()


def test_streams_use_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit_webrtc.relay import get_global_relay

    class Server:
        """Where streamlit-webrtc keeps what all streams share."""

    server = Server()
    monkeypatch.setattr(rtcrtpreceiver, "RemoteBitrateEstimator", RemoteBitrateEstimator)  # and back afterwards
    monkeypatch.setattr(rtcrtpreceiver, "JitterBuffer", JitterBuffer)
    monkeypatch.setattr(component._component_func, "_path", component.build_dir)
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    monkeypatch.setattr("streamlit_webrtc.relay.Runtime.instance", lambda: server)
    keep_flowing()
    assert isinstance(relay := get_global_relay(), NewestRelay)
    keep_flowing()
    assert get_global_relay() is relay, "streams that run go on"
    assert not relay.subscribe(VideoStreamTrack())._buffered  # type: ignore[attr-defined]
    assert [type(part) for part in asyncio.run(parts())] == [PatientEstimator, HastyBuffer]
    page = patient_page()
    assert page is not None and component._component_func.abspath == page.name
    page.cleanup()
    keep_flowing()
    assert Path(component._component_func.abspath, "index.html").exists(), "made again where the files were tidied up"


async def parts() -> tuple[object, object]:
    """What a new stream estimates and orders with."""
    connection = RTCPeerConnection()
    try:
        receiver = connection.addTransceiver("video").receiver
        return receiver._RTCRtpReceiver__remote_bitrate_estimator, receiver._RTCRtpReceiver__jitter_buffer
    finally:
        await connection.close()
