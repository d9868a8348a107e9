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
from browser import ARGUMENTS, ROOT, require_chromium, server
from fakes import SAMPLE
from playwright.sync_api import Browser, Frame, Page, expect, sync_playwright

pytestmark = pytest.mark.browser

FLAGS = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
LOOK = "() => { const v = document.querySelector('video'); return v && v.videoWidth > 0 && v.currentTime > 0 }"
FRAMES = "() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
# How many pixels have the colour of a box round a happy face; the suit's orange has less green.
YELLOW = """() => { const v = document.querySelector('video'), c = document.createElement('canvas')
  c.width = v.videoWidth; c.height = v.videoHeight
  const g = c.getContext('2d'); g.drawImage(v, 0, 0)
  const p = g.getImageData(0, 0, c.width, c.height).data
  let n = 0
  for (let i = 0; i < p.length; i += 4) if (p[i] > 180 && p[i+1] > 130 && p[i+1] < 200 && p[i+2] < 70) n++
  return n }"""


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


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=[*ARGUMENTS, *arguments])
        yield browser
        browser.close()


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
from fer_core.recognition import Recognizer
look = Recognizer.__call__
Recognizer.__call__ = lambda self, image: (time.sleep(0.5), look(self, image))[1]
"""


@pytest.fixture(scope="module")
def slow_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "sitecustomize.py").write_text(SLOW.format(root=str(ROOT)))
    with server(folder, PYTHONPATH=str(folder)) as url:
        yield url


@pytest.fixture(scope="module")
def killed_browser(slow_address: str, camera: Path) -> tuple[int, int]:
    """A viewer whose browser went without a word; what the server held open before and meanwhile.

    Made by the first test and looked at by the last: it takes half a minute until such a thing is noticed.
    """
    with chromium(*FLAGS, f"--use-file-for-fake-video-capture={camera}") as browser:
        page = visit(browser, slow_address)
        expect(page.locator('iframe[title*="webrtc_streamer"]')).to_be_visible()
        before = sockets(slow_address)
        begin(page)
        wait_for_metric(page, "Faces", 1)
        return before, sockets(slow_address)


def visit(browser: Browser, address: str, **context: object) -> Page:
    """The live page, after consent."""
    page = browser.new_context(permissions=["camera"], **context).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    page.goto(f"{address}/live")
    page.get_by_role("button", name="I agree").click()
    return page


def begin(page: Page) -> Frame:
    """Press Start; the frame of the stream's component once the returned picture moves."""
    page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Start").click()
    stream = next(frame for frame in page.frames if "webrtc_streamer" in frame.url)
    stream.wait_for_function(LOOK)
    return stream


def stop(page: Page) -> None:
    page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Stop").click()


def metric(page: Page, label: str) -> float:
    text = page.locator('[data-testid="stMetric"]').filter(has_text=label).first.inner_text()
    return float(re.search(r"\n([\d.]+)", text).group(1))


def wait_for_metric(page: Page, label: str, least: float) -> None:
    end = time.monotonic() + 20
    while metric(page, label) < least:
        assert time.monotonic() < end, f"{label} stays under {least}"
        page.wait_for_timeout(200)


def rate(stream: Frame, seconds: float = 2.0) -> float:
    """Frames that the browser shows in a second."""
    first, begin = stream.evaluate(FRAMES), time.monotonic()
    stream.page.wait_for_timeout(1000 * seconds)
    return (stream.evaluate(FRAMES) - first) / (time.monotonic() - begin)


def sockets(address: str) -> int:
    """Network connections that the server at that address holds open."""
    port = f"--server.port={address.rsplit(':', 1)[1]}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if port in (path / "cmdline").read_bytes().split(b"\0"):
                return sum(os.readlink(link).startswith("socket:") for link in (path / "fd").iterdir())
    raise AssertionError("the server is gone")


def test_from_consent_to_the_table(killed_browser: tuple[int, int], browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.get_by_text("Record the annotated clip").click()
    started = time.monotonic()
    stream = begin(page)
    wait_for_metric(page, "Faces", 1)
    wait_for_metric(page, "Pictures/s", 8)
    assert rate(stream) > 8
    assert stream.evaluate("() => document.querySelector('video').videoWidth") in range(160, 641)  # less in bad times
    expect(page.locator('[data-testid="stVegaLiteChart"]')).to_have_count(2)  # who showed what, and the curves
    marked = max(stream.evaluate(YELLOW) for _ in range(3))
    assert metric(page, "Delay") < 200

    page.get_by_text("Pause", exact=True).click()
    expect(page.get_by_text("Nothing is measured")).to_be_visible()
    page.wait_for_timeout(1500)
    assert stream.evaluate(YELLOW) + 300 < marked, "the box is gone while paused"
    page.get_by_text("Pause", exact=True).click()
    wait_for_metric(page, "Faces", 1)
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
    assert times.is_monotonic_increasing and times.iloc[0] < 0.5
    assert 3 < times.iloc[-1] < lasted
    assert 3 * times.iloc[-1] < len(times) <= 32 * times.iloc[-1] + 2, "between 3 and 30 frames a second were read"
    assert table["track_id"].nunique() == 1
    assert (table["label"] == "happy").mean() > 0.4
    page.wait_for_function("() => { const v = document.querySelector('video'); return v && v.readyState >= 2 }")
    assert page.evaluate("() => document.querySelector('video').duration") == pytest.approx(times.iloc[-1], abs=2)
    expect(page.get_by_role("heading", name="Key moments")).to_be_visible()

    page.get_by_role("button", name="Delete this and start over").click()
    begin(page)  # and once more, in the same page
    wait_for_metric(page, "Faces", 1)
    page.get_by_role("link", name="Analyse a clip").click()  # to leave the page is to stop
    expect(page.get_by_role("button", name="Try the sample clip")).to_be_visible()
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    assert problems == []


def test_two_viewers_and_a_third_who_waits(browser: Browser, address: str) -> None:
    one, two = visit(browser, address), visit(browser, address)
    for page in (one, two):
        page.get_by_text("Small", exact=True).click()  # two cameras, two browsers and a server on one machine
        begin(page)
    for page in (one, two):
        wait_for_metric(page, "Faces", 1)
        wait_for_metric(page, "Pictures/s", 4)
    third = visit(browser, address)
    expect(third.get_by_text("places for live video are taken")).to_be_visible()
    expect(third.locator('iframe[title*="webrtc_streamer"]')).to_have_count(0)
    stop(one)
    expect(one.get_by_role("button", name="Table (CSV)")).to_be_visible()
    expect(third.locator('iframe[title*="webrtc_streamer"]')).to_have_count(1)
    wait_for_metric(two, "Faces", 1)
    stop(two)
    expect(two.get_by_role("button", name="Table (CSV)")).to_be_visible()


def test_a_slow_processor_delays_nothing(browser: Browser, slow_address: str) -> None:
    page = visit(browser, slow_address)
    stream = begin(page)
    wait_for_metric(page, "Faces", 1)
    shown = rate(stream)
    assert metric(page, "Read/s") <= 3
    assert metric(page, "Delay") < 200
    assert shown > 10 and metric(page, "Pictures/s") > 10
    stop(page)
    expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()


def test_without_a_camera_the_page_says_what_to_do(address: str) -> None:
    with chromium() as browser:
        page = visit(browser, address)
        expect(page.get_by_text("finds no camera")).to_be_visible()
        page.get_by_text("Single pictures", exact=True).click()
        expect(page.get_by_text("Take a picture of yourself")).to_be_visible()


def test_it_fits_a_phone(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 390, "height": 844}, has_touch=True)
    begin(page)
    wait_for_metric(page, "Faces", 1)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    stop(page)
    expect(page.get_by_role("button", name="Table (CSV)")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_all_is_let_go_when_a_browser_is_killed(killed_browser: tuple[int, int], slow_address: str) -> None:
    before, during = killed_browser
    assert during > before
    end = time.monotonic() + 60
    while sockets(slow_address) >= before:  # before: with the page open, but no stream yet
        assert time.monotonic() < end, f"{before} connections before, {during} during, {sockets(slow_address)} after"
        time.sleep(0.5)
