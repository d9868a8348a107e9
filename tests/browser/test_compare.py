"""What a person does on the page that compares, in headless Chromium: ask, click a cell, keep the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.browser import PHONE, WIDTH, server, settled, tab
from helpers.made import SEEN, keep_faces, own_model
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from fer_core.utils.workspace import use_workspace

pytestmark = pytest.mark.browser

LONG = 240_000
TIP = "#vg-tooltip-element"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a small dataset of drawn faces, and a second model."""
    folder = tmp_path_factory.mktemp("home")
    with use_workspace(folder):
        keep_faces()
    own_model(folder / "models", "second", lambda card: card["heads"][0]["labels"].reverse())
    with server(tmp_path_factory.mktemp("server"), FER_HOME=str(folder)) as url:
        yield url


def compared(page: Page, address: str) -> None:
    """From the page's start to the figures of the shipped model and one's own; the address holds the choice."""
    page.goto(f"{address}/compare?data=faces&split=PublicTest&model=expression-s&model=second")
    expect(page.get_by_role("button", name="Compare others")).to_be_visible(timeout=LONG)


def see(page: Page, view: str) -> None:
    page.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).click()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def a_cell(page: Page, matrix: Locator) -> tuple[str, str, int]:
    """Click a cell that has images; gives what is true, what was said, and how many there are."""
    box, tip = settled(matrix), page.locator(TIP)
    for x in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        for y in (0.1, 0.2, 0.3, 0.4, 0.5):
            there = {"x": box["width"] * x, "y": box["height"] * y}
            page.mouse.move(2, 2)
            expect(tip).to_be_hidden()  # what is read next is of this place, not of the one before
            matrix.hover(position=there)
            with suppress(TimeoutError):  # between cells there is nothing to read
                tip.wait_for(timeout=3000)
            words = tip.inner_text() if tip.is_visible() else ""
            found = re.search(r"Truth:?\s+(\w+)\s+Said:?\s+(\w+)\s+Images:?\s+(\d+)", words)
            if found and int(found[3]):
                matrix.click(position=there)
                return found[1], found[2], int(found[3])
    raise AssertionError("no cell with images was found")


def test_a_cell_of_the_confusions_opens_its_images(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("button", name="Compare others")).to_be_visible(timeout=LONG)
    expect(page.get_by_text(f"{SEEN} images").first).to_be_visible()
    see(page, "Mistakes")
    expect(page.locator(".face")).to_have_count(0)
    matrix = page.get_by_test_id("stVegaLiteChart").first
    truth, said, count = a_cell(page, matrix)
    heading = page.get_by_role("heading", name=re.compile(f"{count} images show {truth}, and it says (so|{said})"))
    expect(heading).to_be_visible()
    expect(page.locator(".face")).to_have_count(min(count, 24))
    caption = page.locator("figcaption").first
    expect(caption).to_contain_text(re.compile(rf"^{truth} \(row \d+\).*Expression S: {said}\s\d+%", re.DOTALL))
    expect(caption).to_contain_text(re.compile(r"people: 8 \w+, 2 contempt"))

    row = page.get_by_test_id("stButtonGroup").get_by_text(re.compile(r"^row \d+$")).first
    words = row.inner_text()
    row.click()
    expect(page.get_by_text(re.compile(rf"{words.capitalize()} · label {truth}"))).to_be_visible()
    page.get_by_role("button", name="Show where the models look").click()
    expect(page.get_by_text("The map is coarse")).to_be_visible(timeout=LONG)  # TensorFlow starts for each model
    lies = rf"(what speaks for {said} lies mostly at|no part of the picture speaks for {said})"
    expect(page.get_by_alt_text(re.compile(f"^Expression S: {lies}"))).to_be_visible()
    expect(page.get_by_alt_text(re.compile("^Reference CNN: "))).to_be_visible()

    page.reload()  # nothing is lost: the same comparison, the same view
    expect(page.get_by_text("Most frequent mistakes")).to_be_visible()
    expect(page.get_by_role("button", name="Compare others")).to_be_visible()


def test_the_report_is_one_file_that_needs_no_network(
    browser: Browser, page: Page, address: str, tmp_path: Path
) -> None:
    compared(page, address)
    page.get_by_role("button", name="Report").click()
    with page.expect_download(timeout=LONG) as waiting:
        page.get_by_role("button", name="Download").click()
    path = tmp_path / "report.html"
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename == "Some-faces-PublicTest-comparison.html"
    asked: list[str] = []
    with tab(browser, offline=True) as reader:
        reader.on("request", lambda request: asked.append(request.url))
        reader.goto(path.as_uri())
        expect(reader.get_by_text("Expression S").first).to_be_visible()
        expect(reader.locator("svg").first).to_be_visible()
    assert asked == [path.as_uri()]


def test_on_a_phone_nothing_is_wider_than_the_window(browser: Browser, address: str) -> None:
    with tab(browser, **PHONE) as page:
        compared(page, address)
        for view in ("Figures", "Mistakes", "Confidence", "Hardest images", "Disagreements", "Models"):
            see(page, view)
            assert page.evaluate(WIDTH) <= 390, view
