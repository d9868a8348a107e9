"""A camera that cannot be used, in headless Chromium: the page says why in plain words, and single pictures go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from helpers.browser import chromium, server, tab
from helpers.fakes import portrait
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

FAKE = "--use-fake-device-for-media-stream"
ANSWERED = "--use-fake-ui-for-media-stream"
HOST = "lab.example"
SHOWN = "document.querySelector('[data-testid=stCameraInputWebcamComponent] video')?.videoHeight > 0"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # The host's name stands for one on the internet: a page of it is no secure one.
    with server(tmp_path_factory.mktemp("server"), STREAMLIT_BROWSER_SERVER_ADDRESS=HOST) as url:
        yield url


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Flag for a camera before which one face stands still."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    image = cv2.copyMakeBorder(portrait(), 0, 0, 60, 60, cv2.BORDER_REPLICATE)
    jpeg = cv2.imencode(".jpg", cv2.resize(image, (640, 480)), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    path.write_bytes(2 * jpeg)
    return f"--use-file-for-fake-video-capture={path}"


@contextmanager
def visit(browser: Browser, address: str, **context: object) -> Iterator[Page]:
    """The live page, after consent."""
    with tab(browser, **context) as page:
        page.goto(f"{address}/live")
        page.get_by_role("button", name="I agree").click()
        yield page


def start(page: Page) -> None:
    page.frame_locator('iframe[title*="webrtc_streamer"]').get_by_role("button", name="Start").click()


def test_no_camera(address: str) -> None:
    with chromium() as browser, visit(browser, address) as page:
        expect(page.get_by_text("finds no camera")).to_be_visible()
        expect(page.get_by_text("Connect one, or close the program")).to_be_visible()


def test_a_camera_that_is_not_allowed(address: str) -> None:
    with chromium(FAKE) as browser, visit(browser, address, permissions=["geolocation"]) as page:
        expect(page.get_by_text("does not let this page use the camera. Press the camera or lock sign")).to_be_visible()
        page.context.grant_permissions(["camera"])
        expect(page.get_by_text("Press the camera or lock sign")).to_have_count(0)


def test_a_page_that_is_not_secure(address: str) -> None:
    flags = FAKE, ANSWERED, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    with chromium(*flags) as browser, visit(browser, address.replace("127.0.0.1", HOST)) as page:
        expect(page.get_by_text("opened without https")).to_be_visible()
        expect(page.get_by_text("Open it with https://")).to_be_visible()


def test_a_network_that_lets_nothing_through_and_a_single_picture_instead(address: str, still: str) -> None:
    blocked = "--webrtc-ip-handling-policy=disable_non_proxied_udp", "--force-webrtc-ip-handling-policy"
    with chromium(FAKE, ANSWERED, still, *blocked) as browser, visit(browser, address, permissions=["camera"]) as page:
        start(page)
        expect(page.get_by_text("No connection. The camera is on")).to_be_visible()
        page.get_by_text("Single pictures", exact=True).click()
        page.wait_for_function(SHOWN)  # the button can be pressed a moment before there is a picture to take
        page.get_by_role("button", name="Take Photo").click()
        expect(page.get_by_alt_text("The picture with a box")).to_be_visible()
        expect(page.get_by_text("happy,")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Keep this picture").click()
        assert cv2.imread(str(Path(waiting.value.path()))) is not None
