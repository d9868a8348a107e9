"""Tabs of a headless Chromium whose cameras are a clip, on the app's live page.

The visitors of a host bring their own computers. Here their browsers share the server's processor, and take more of it
than the server does; so they stand back behind it, and their cameras give 15 pictures a second.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
from playwright.sync_api import Error, Frame, Page, sync_playwright

from fer_core.video.reader import FrameReader

__all__ = ["Cameras"]

PATIENCE = 120_000
"""Milliseconds that a tab waits for what must come."""
RATE = 15
"""Pictures a second of each camera."""
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    # Each tab is the one that its visitor looks at.
    *("--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"),
    "--disable-renderer-backgrounding",
]
STAND_BACK = """#!/bin/sh
# Linux shares the processor between sessions first (autogroup), and only then by niceness, which Chromium sets itself.
echo 10 > /proc/self/autogroup 2>/dev/null
exec "{program}" "$@"
"""
FRAMES = "() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"


class Cameras:
    """So many people before their cameras; all of it must be used from one thread.

    Attributes:
        problems: what their pages showed that they should not.
    """

    def __init__(self, address: str, count: int, clip: Path):
        self.problems: list[str] = []
        self._address, self._count, self._clip = address, count, clip
        self._pages: list[tuple[Page, Frame, float, int]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Cameras:
        """Open the tabs, agree to what is asked, press Start, and wait until each picture moves."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="camera-")))
        _film(self._clip, camera := folder / "camera.y4m")
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        (humble := folder / "browser").write_text(STAND_BACK.format(program=program))
        humble.chmod(0o700)
        playwright = self._stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=humble, args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"], timeout=PATIENCE
        )
        self._stack.callback(browser.close)
        for _ in range(self._count):
            page = browser.new_context(permissions=["camera"]).new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(f"{self._address}/live")
            page.get_by_role("button", name="I understand, go on").click()
            page.get_by_role("button", name="I agree").click()
            page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Start").click()
            stream = next(frame for frame in reversed(page.frames) if "webrtc_streamer" in frame.url)
            stream.wait_for_function(f"() => ({FRAMES})() > 2")
            self._pages.append((page, stream, time.monotonic(), stream.evaluate(FRAMES)))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def look(self, seconds: float) -> None:
        """Let so much time pass, and note what went wrong."""
        end = time.monotonic() + seconds
        for number, (page, _, _, _) in enumerate(self._pages):
            for words in page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').all():
                with suppress(Error):  # it went while it was looked at
                    found = f"camera {number + 1}: {' '.join(words.inner_text(timeout=1000).split())}"
                    self.problems += [found] if found not in self.problems else []
        while time.monotonic() < end:
            self._pages[0][0].wait_for_timeout(100)

    def paces(self) -> list[float]:
        """Pictures a second that each got back since its picture first moved."""
        found = []
        for number, (_, stream, began, first) in enumerate(self._pages):
            try:
                found.append((stream.evaluate(FRAMES) - first) / (time.monotonic() - began))
            except Error as error:
                self.problems.append(f"camera {number + 1}: {error.message.splitlines()[0]}")
        return found


def _film(clip: Path, camera: Path) -> None:
    """The first three seconds of a clip, forwards and backwards, as Chromium's fake camera takes them."""
    with FrameReader(clip, end=3.0) as reader:
        images = [cv2.resize(frame.image()[:, 80:560], (640, 480)) for frame in reader]
    images = images[:: max(1, round(len(images) / 3 / RATE))]
    with open(camera, "wb") as file:
        file.write(f"YUV4MPEG2 W640 H480 F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for image in images + images[-2:0:-1]:
            file.write(b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes())
