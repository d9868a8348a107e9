"""The live page in headless Chromium, whose camera is a clip with a face: what a person does before a camera."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import pandas as pd
import pytest
from helpers.browser import PHONE, PLAYABLE, ROOT, WIDTH, chromium, server, tab
from helpers.fakes import SAMPLE
from playwright.sync_api import Browser, Frame, Locator, Page, expect

pytestmark = pytest.mark.browser

FLAGS = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
LOOK = "() => { const v = document.querySelector('video'); return v && v.videoWidth > 0 && v.currentTime > 0 }"
FRAMES = "() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
# The share of pixels that have the colour of a box round a happy face, about 6 in 1000 as drawn, fewer as sent; without
# a box it is none, as the suit's orange has less green.
BOXED = """() => { const v = document.querySelector('video'), c = document.createElement('canvas')
  c.width = v.videoWidth; c.height = v.videoHeight
  const g = c.getContext('2d'); g.drawImage(v, 0, 0)
  const p = g.getImageData(0, 0, c.width, c.height).data
  let n = 0
  for (let i = 0; i < p.length; i += 4) if (p[i] > 180 && p[i+1] > 130 && p[i+1] < 200 && p[i+2] < 70) n++
  return n / (c.width * c.height) }"""


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person smiling and not, forwards and backwards: Chromium shows it over and over."""
    with av.open(str(SAMPLE)) as clip:
        images = [frame.to_ndarray(format="bgr24") for frame in itertools.islice(clip.decode(video=0), 75)]
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with open(path, "wb") as file:
        for image in images + images[-2:0:-1]:
            square = cv2.resize(image[:, 80:560], (640, 480))
            file.write(cv2.imencode(".jpg", square, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    return path


@pytest.fixture
def browser(camera: Path) -> Iterator[Browser]:
    with chromium(*FLAGS, f"--use-file-for-fake-video-capture={camera}") as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("server"), FER_LIVE_VIEWERS="2") as url:
        yield url


# In a server before anything else runs: every look at a frame takes half a second.
SLOW = """
import sys, time
sys.path.insert(0, {root!r})
from fer_core.faces.recognizer import ExpressionRecognizer
look = ExpressionRecognizer.__call__
ExpressionRecognizer.__call__ = lambda self, image: (time.sleep(0.5), look(self, image))[1]
"""


@pytest.fixture(scope="module")
def slow_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "sitecustomize.py").write_text(SLOW.format(root=str(ROOT)))
    # A tab counts as closed after 20 seconds.
    with server(folder, PYTHONPATH=str(folder), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="70") as url:
        yield url


@contextmanager
def visit(browser: Browser, address: str, **context: object) -> Iterator[Page]:
    """The live page, after consent."""
    with tab(browser, permissions=["camera"], **context) as page:
        page.goto(f"{address}/live")
        page.get_by_role("button", name="I agree").click()
        yield page


def begin(page: Page) -> Frame:
    """Press Start; the frame of the stream's component once the returned picture moves."""
    page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Start").click()
    stream = [frame for frame in page.frames if "webrtc_streamer" in frame.url][-1]
    stream.wait_for_function(LOOK)
    return stream


def stop(page: Page) -> None:
    page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Stop").click()


def shown(page: Page, label: str) -> Locator:
    return page.locator('[data-testid="stMetric"]').filter(has_text=label).first


def wait_for_metric(page: Page, label: str, least: float) -> None:
    """Until a figure beside the camera is at least so much."""
    page.wait_for_function(
        """([label, least]) => [...document.querySelectorAll('[data-testid="stMetric"]')].some(
          m => m.innerText.includes(label) && parseFloat(m.innerText.split("\\n").pop()) >= least)""",
        arg=[label, least],
    )


def wait_for_frames(stream: Frame, more: int) -> None:
    """Until the browser has shown so many more frames."""
    stream.wait_for_function(f"n => ({FRAMES})() >= n", arg=stream.evaluate(FRAMES) + more)


def sockets(address: str) -> int:
    """Network connections that the server at that address holds open."""
    port = f"--server.port={address.rsplit(':', 1)[1]}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if port in (path / "cmdline").read_bytes().split(b"\0"):
                return sum(os.readlink(link).startswith("socket:") for link in (path / "fd").iterdir())
    raise AssertionError("the server is gone")


def test_from_consent_to_the_table(browser: Browser, address: str) -> None:
    with visit(browser, address) as page:
        page.get_by_text("Record the annotated clip").click()
        started = time.monotonic()
        stream = begin(page)
        wait_for_metric(page, "Faces", 1)
        expect(shown(page, "Person 1")).to_contain_text(re.compile("[A-Z][a-z]+"))
        page.get_by_text("How fast it runs").click()
        wait_for_metric(page, "Pictures/s", 1)
        wait_for_frames(stream, 20)
        width = stream.evaluate("() => document.querySelector('video').videoWidth")
        assert width in range(160, 641)  # less in bad times
        expect(page.locator('[data-testid="stVegaLiteChart"]')).to_have_count(2)  # who showed what, and the curves
        expect(shown(page, "Delay")).to_contain_text("ms")
        stream.wait_for_function(f"() => ({BOXED})() > 6e-4")

        page.get_by_text("Pause", exact=True).click()
        expect(page.get_by_text("Nothing is measured")).to_be_visible()
        stream.wait_for_function(f"() => ({BOXED})() < 2e-4")  # no box is drawn
        page.get_by_text("Pause", exact=True).click()
        wait_for_metric(page, "Faces", 1)
        stream.wait_for_function(f"() => ({BOXED})() > 6e-4")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Snapshot").click()
        height, width, _ = cv2.imread(str(waiting.value.path())).shape
        assert width * 3 == height * 4

        stop(page)
        expect(page.get_by_text("most of the time")).to_be_visible()
        lasted = time.monotonic() - started
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Table (CSV)").click()
        table = pd.read_csv(io.BytesIO(Path(waiting.value.path()).read_bytes()))
        times = table["time_s"].drop_duplicates()
        assert times.is_monotonic_increasing and times.iloc[0] >= 0
        assert 0 < times.iloc[-1] < lasted
        assert table["frame"].is_monotonic_increasing
        assert 3 <= len(times) <= 31 * times.iloc[-1] + 2, "no more frames can be read than the camera gives"
        assert (table.groupby("frame")["face_count"].first() == 1).any(), "the one face"
        assert "happy" in set(table["label"])
        page.wait_for_function(PLAYABLE)
        length = page.evaluate("() => document.querySelector('video').duration")
        assert 0 < length < lasted
        expect(page.get_by_role("heading", name="Key moments")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Timeline (CSV)").click()
        episodes = pd.read_csv(waiting.value.path())
        assert "happy" in set(episodes["label"]) and (episodes["end_s"] > episodes["start_s"]).all()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Annotated clip (MP4)").click()
        with av.open(str(waiting.value.path())) as clip:
            assert clip.streams.video[0].codec_context.name == "h264"

        page.get_by_role("button", name="New session").click()
        page.get_by_role("button", name="Delete and start anew").click()
        begin(page)  # and once more, in the same page
        wait_for_metric(page, "Faces", 1)
        page.get_by_role("link", name="Analyse a clip").click()  # to leave the page is to stop
        expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
        page.get_by_role("link", name="Live").click()
        expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()


def test_two_viewers_and_a_third_who_waits(browser: Browser, address: str) -> None:
    with visit(browser, address) as one, visit(browser, address) as two:
        for page in (one, two):
            page.get_by_text("Small", exact=True).click()  # two cameras, two browsers and a server on one machine
            begin(page)
        for page in (one, two):
            wait_for_metric(page, "Faces", 1)
        with visit(browser, address) as third:
            expect(third.get_by_text("places for live video are taken")).to_be_visible()
            expect(third.locator('iframe[title*="webrtc_streamer"]')).to_have_count(0)
            stop(one)
            expect(one.get_by_role("button", name="Table (CSV)")).to_be_visible()
            expect(third.locator('iframe[title*="webrtc_streamer"]')).to_have_count(1)
        wait_for_metric(two, "Faces", 1)
        stop(two)
        expect(two.get_by_role("button", name="Table (CSV)")).to_be_visible()


def test_a_slow_processor_holds_no_picture_back(browser: Browser, slow_address: str) -> None:
    """Each look at a frame takes half a second: were the picture to wait for it, only two a second could come back."""
    with visit(browser, slow_address) as page:
        stream = begin(page)
        wait_for_metric(page, "Faces", 1)
        wait_for_frames(stream, 60)
        stop(page)
        expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Table (CSV)").click()
        frames = pd.read_csv(waiting.value.path())["frame"].drop_duplicates()
        assert frames.iloc[-1] > 2 * len(frames), "most frames came back without being read"


def test_a_start_and_a_stop_at_once_again_and_again(browser: Browser, address: str) -> None:
    """With a recording, whose end the page waits for while the next run of it begins."""
    with visit(browser, address, **PHONE) as page:
        page.get_by_text("Record the annotated clip").click()
        for _ in range(3):
            begin(page)
            wait_for_metric(page, "Faces", 1)
            assert page.evaluate(WIDTH) <= 390
            stop(page)
            expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()
            expect(page.get_by_role("button", name="Annotated clip (MP4)")).to_be_visible()
            assert page.evaluate(WIDTH) <= 390
            page.get_by_role("button", name="New session").click()
            page.get_by_role("button", name="Delete and start anew").click()


def test_all_is_let_go_when_a_browser_is_killed(
    slow_address: str, camera: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A viewer whose browser goes without a word: what the server held for it is closed, and what it wrote deleted."""

    def recordings() -> list[Path]:
        return list(tmp_path_factory.getbasetemp().glob("slow*/expression-lab-live-*"))

    film = f"--use-file-for-fake-video-capture={camera}"
    with chromium(*FLAGS, film) as browser, visit(browser, slow_address) as page:
        expect(page.locator('iframe[title*="webrtc_streamer"]')).to_be_visible()
        before = sockets(slow_address)  # the page is open, but no stream yet
        page.get_by_text("Record the annotated clip").click()
        begin(page)
        wait_for_metric(page, "Faces", 1)
        assert sockets(slow_address) > before and recordings()
    end = time.monotonic() + 180
    while sockets(slow_address) >= before or recordings():
        assert time.monotonic() < end, f"{before} connections before, {sockets(slow_address)} after; {recordings()}"
        time.sleep(0.5)
