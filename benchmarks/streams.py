"""People before their cameras without browsers: each speaks the app's own WebSocket and sends and takes live pictures.

A browser that codes its camera's pictures takes more of a processor than the server that reads them, and here both
share one. So the pictures are coded once, beforehand, and what comes back is put together and counted, but not decoded.
All of them live in one process. What a browser shows is looked at with `cameras`.

    python -m benchmarks.streams ADDRESS COUNT      (until its input ends; then prints what was seen, as JSON)
"""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import cv2
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver
from aiortc.mediastreams import MediaStreamError

from benchmarks.visitor import Visitor
from fer_core.video.reader import FrameReader
from ui.live.webrtc_patches import HastyBuffer, PatientEstimator

__all__ = ["RATE", "Streams", "filmed"]

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "two-people.mp4"
RATE = 15
"""Pictures a second of each camera."""
BITS = 600_000
"""A second, about what a browser sends of so many pictures of 640x480."""
CLOCK = fractions.Fraction(1, 90_000)
GO_ON, AGREE = "I understand, go on", "I agree, go on"
BEGIN = 60.0
"""Seconds within which the first picture must come back."""


class Streams:
    """So many people before their cameras, in a process of their own.

    Attributes:
        told: what they saw, once they have gone: `answers`, `problems`, `paces`.
    """

    def __init__(self, address: str, count: int):
        self.told: dict[str, Any] = {"answers": [], "problems": [], "paces": []}
        self._command = [sys.executable, "-m", "benchmarks.streams", address, str(count)]

    def __enter__(self) -> Streams:
        """Wait until each picture moves."""
        # A session of its own: Linux shares the processor between sessions first, and only then by niceness.
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the cameras could not be started")
        return self

    def __exit__(self, *error: object) -> None:
        try:
            out, _ = self._process.communicate("\n", timeout=120)
            self.told = json.loads(out)
        finally:
            self._process.kill()
            self._process.wait()


def filmed(clip: Path) -> list[bytes]:
    """The first three seconds of a clip, forwards and backwards, as VP8 with a whole picture each second."""
    with FrameReader(clip, end=3.0) as reader:
        images = [cv2.resize(frame.image()[:, 80:560], (640, 480)) for frame in reader]
    images = images[:: max(1, round(len(images) / 3 / RATE))]
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt, codec.bit_rate = 640, 480, "yuv420p", BITS  # type: ignore[attr-defined]
    codec.time_base, codec.framerate, codec.gop_size = fractions.Fraction(1, RATE), RATE, RATE  # type: ignore[attr-defined]
    codec.options = {"deadline": "realtime", "cpu-used": "4", "lag-in-frames": "0"}
    coded = []
    for number, image in enumerate(images + images[-2:0:-1]):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        coded += [bytes(packet) for packet in codec.encode(frame)]  # type: ignore[attr-defined]
    return coded


class Film(MediaStreamTrack):
    """A camera that gives the same pictures over and over."""

    kind = "video"

    def __init__(self, pictures: list[bytes]):
        super().__init__()
        self._pictures, self._number, self._began = pictures, 0, 0.0

    async def recv(self) -> av.Packet:  # type: ignore[override]
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._number / RATE - time.monotonic()))
        packet = av.Packet(self._pictures[self._number % len(self._pictures)])
        packet.pts, packet.time_base = self._number * 90_000 // RATE, CLOCK
        self._number += 1
        return packet


class Uncoded:
    """In place of a decoder: each picture is one that came."""

    def decode(self, encoded: object) -> list[object]:
        return [encoded]


class Camera:
    """One person; lives in a thread, its pictures in the loop of all.

    Attributes:
        visitor: the tab.
        moves: set when the first pictures came back, or when none will.
    """

    def __init__(self, address: str, pictures: list[bytes], loop: asyncio.AbstractEventLoop):
        self.visitor = Visitor(address, "live")
        self.moves = threading.Event()
        self._film, self._loop = Film(pictures), loop
        self._count, self._first = 0, 0.0
        self._last = 0.0
        self._ended = False

    def live(self, over: threading.Event) -> None:
        """Agree, start, and stay until it is over."""
        try:
            for label in (GO_ON, AGREE):
                self.visitor.press(label)
            connection = self._wait(self._connect())
            offer = connection.localDescription
            value = {"playing": False, "sdpOffer": {"sdp": offer.sdp, "type": offer.type}, "iceCandidates": {}}
            self.visitor.tell("webrtc_streamer", value, "press “Start”")
            self.visitor.stay(BEGIN, lambda: self.visitor.asked("webrtc_streamer", "sdp_answer_json") is not None)
            answer = json.loads(self.visitor.asked("webrtc_streamer", "sdp_answer_json") or "null")
            self._wait(connection.setRemoteDescription(RTCSessionDescription(**answer)))
            self.visitor.stay(BEGIN, lambda: connection.connectionState == "connected")
            self.visitor.tell("webrtc_streamer", {"playing": True, "sdpOffer": "", "iceCandidates": {}}, "be connected")
            self.visitor.stay(BEGIN, lambda: self._count > 2)
            self._count, self._first = 0, time.monotonic()
            self.moves.set()
            self.visitor.stay(1e9, lambda: over.is_set() or self._ended)
            self._last = time.monotonic()
            if not over.is_set():
                self.visitor.problems.append(f"the stream ended after {self._last - self._first:.0f} s")
            self._wait(connection.close())
        except Exception as error:
            self.visitor.problems.append(f"{type(error).__name__}: {error}")
        finally:
            self.moves.set()
            self.visitor.close()

    @property
    def pace(self) -> float:
        """Pictures a second that came back."""
        return self._count / max(1e-6, self._last - self._first)

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _connect(self) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(self._film)

        @connection.on("track")
        def came(track: MediaStreamTrack) -> None:
            self._task = asyncio.ensure_future(self._take(track))

        @connection.on("connectionstatechange")
        def changed() -> None:
            self._ended = connection.connectionState in ("failed", "closed")

        await connection.setLocalDescription(await connection.createOffer())
        return connection

    async def _take(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self._count += 1


def main(address: str, count: int) -> None:
    """Let so many in, and tell what they saw when the input ends."""
    rtcrtpreceiver.get_decoder = lambda codec: Uncoded()  # type: ignore[assignment, misc]
    rtcrtpreceiver.JitterBuffer = HastyBuffer  # type: ignore[misc]
    rtcrtpreceiver.RemoteBitrateEstimator = PatientEstimator  # type: ignore[misc]
    loop, over = asyncio.new_event_loop(), threading.Event()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    pictures = filmed(SAMPLE)
    cameras, threads = [], []
    for _ in range(count):  # one after the other, as people come
        cameras.append(Camera(address, pictures, loop))
        threads.append(threading.Thread(target=cameras[-1].live, args=(over,)))
        threads[-1].start()
        cameras[-1].moves.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    over.set()
    for thread in threads:
        thread.join()
    visitors = [camera.visitor for camera in cameras]
    problems = [
        f"camera {i + 1}: {words}"
        for i, one in enumerate(visitors)
        for words in dict.fromkeys(one.problems + one.alerts)
    ]
    answers = [answer for one in visitors for answer in one.answers]
    print(
        json.dumps({"answers": answers, "problems": problems, "paces": [camera.pace for camera in cameras]}), flush=True
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
