"""A host for strangers in headless Chromium: what a visitor sees first, has to oneself, and leaves behind."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from helpers import media
from helpers.browser import PATIENCE, PHONE, ROOT, WIDTH, server, tab
from playwright.sync_api import Browser, Page, expect

from fer_core.labels import FER7

pytestmark = pytest.mark.browser

SAMPLE = ROOT / "samples" / "two-people.mp4"
LONG = 240_000
GO_ON = "I understand, go on"
NAME = "my-secret-holiday"

# In the server before anything else runs: for its visits an hour passes as soon as a file is there.
CLOCK = """
import os, sys, time, types
sys.path.insert(0, {root!r})
import ui.app.visitor_session
ui.app.visitor_session.time = types.SimpleNamespace(
    time=time.time, monotonic=lambda: time.monotonic() + 3601 * os.path.exists({later!r})
)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's temporary folder, with its log."""
    return tmp_path_factory.mktemp("hosted")


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    code = place / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(CLOCK.format(root=str(ROOT), later=str(place / "later")))
    limits = {"FER_MAX_MINUTES": "2", "FER_MAX_UPLOAD_MB": "20", "FER_TRAINING": "0"}
    with server(place, FER_HOSTED="1", PYTHONPATH=str(code), **limits) as url:
        yield url


def enter(page: Page, address: str, path: str = "") -> None:
    page.goto(f"{address}/{path}")
    page.get_by_role("button", name=GO_ON).click()


def faces(path: Path) -> Path:
    """A dataset of a few pictures, with labels that are markup and a formula."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for i in range(4):
            picture = cv2.imencode(".png", media.pattern(i, 48, 48))[1].tobytes()
            archive.writestr(f"train/{('<b>bold', '=1+1')[i % 2]}/{i}.png", picture)
    path.write_bytes(data.getvalue())
    return path


def theirs(place: Path) -> list[str]:
    """What visitors brought or made, in the server's temporary folder."""
    return [p.name for folder in place.glob("expression-lab-*") for p in folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize("window", [{}, PHONE], ids=["desktop", "phone"])
def test_a_stranger_first_reads_what_this_is_and_how_much_may_be_brought(
    browser: Browser, address: str, window: dict
) -> None:
    with tab(browser, **window) as page:
        page.goto(address)
        expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
        expect(page.get_by_text("A face is not a feeling")).to_be_visible()
        expect(page.locator('input[type="file"]')).to_have_count(0)
        assert page.evaluate(WIDTH) <= page.viewport_size["width"]
        page.get_by_role("link", name="What it can and cannot do").click()
        expect(page.get_by_text("it was not measured whether it reads some people worse")).to_be_visible()
        expect(page.get_by_text("At work and in school")).to_be_visible()
        page.get_by_role("link", name="Analyse a clip").click()
        page.get_by_role("button", name=GO_ON).click()
        expect(page.get_by_text("Up to 20 MB and 2 minutes")).to_be_visible()
        expect(page.get_by_text("videos folder")).to_have_count(0)
        assert page.evaluate(WIDTH) <= page.viewport_size["width"]


def test_a_dataset_is_its_visitors_alone(browser: Browser, address: str, tmp_path: Path) -> None:
    with tab(browser) as page:
        enter(page, address, "explore")
        page.get_by_text("Bring your own images").click()
        page.locator('input[type="file"]').first.set_input_files(str(faces(tmp_path / f"{NAME}.zip")))
        expect(page.get_by_text("oliday.zip").first).to_be_visible()  # the middle of a long name is left out
        page.get_by_role("button", name="Read and keep").click()
        expect(page.get_by_text(re.compile("4 images were read and kept"))).to_be_visible()
        expect(page.get_by_text("<b>bold").first).to_be_attached()
        with tab(browser) as other:
            enter(other, address, "explore")
            expect(other.get_by_text("These faces are drawn")).to_be_visible()
            other.get_by_role("combobox", name=re.compile("Dataset")).first.click()
            expect(other.get_by_role("option").first).to_be_visible()
            assert NAME not in " ".join(other.get_by_role("option").all_inner_texts())


def test_after_an_hour_nothing_of_a_visitor_is_left_and_the_log_knew_nobody(
    browser: Browser, address: str, place: Path, tmp_path: Path
) -> None:
    clip = tmp_path / f"{NAME}.mp4"
    clip.write_bytes(SAMPLE.read_bytes())
    with tab(browser) as page:
        enter(page, address)
        page.locator('input[type="file"]').set_input_files(str(clip))
        page.get_by_text("Quick", exact=True).first.click()
        page.get_by_role("button", name="Analyse").click()
        expect(page.get_by_role("heading", name="Key moments")).to_be_visible(timeout=LONG)
        assert theirs(place)
        (place / "later").touch()
        try:
            end = PATIENCE
            while theirs(place) and end > 0:
                page.wait_for_timeout(500)
                end -= 500
            assert not theirs(place)
            page.reload()
            expect(page.get_by_text("no longer kept").or_(page.get_by_role("button", name=GO_ON)).first).to_be_visible()
        finally:
            (place / "later").unlink()
    log = (place / "server.log").read_text(errors="replace")
    assert NAME not in log and not re.search("|".join(FER7), log, re.IGNORECASE)
