"""What a person does on the page that explores a dataset, in headless Chromium: bring a ZIP, click, drag, clean."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.browser import PATIENCE, PHONE, WIDTH, settled, tab
from playwright.sync_api import Browser, Locator, Page, expect

from fer_core.curation.quality_report import check_dataset, cleaned
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_dataset
from fer_core.datasets.synthetic import CONFLICTS, LEAKS, synthetic_faces

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """A ZIP of 105 drawn faces in folders, of which some of test/ are copies of some of train/, and what is in it."""
    drawn = synthetic_faces(15)
    path = tmp_path_factory.mktemp("zip") / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i, image in enumerate(drawn.images):
            split = "train" if drawn.splits[i] == "Training" else "test"
            member = f"{split}/{drawn.names[drawn.labels[i]]}/{i:03}.png"
            archive.writestr(member, cv2.imencode(".png", image)[1].tobytes())
    return path, read_dataset(path, keep=False)[0]


def chart(page: Page) -> Locator:
    return page.locator('[data-testid="stVegaLiteChart"]').first


def view(page: Page, name: str) -> None:
    page.get_by_test_id("stButtonGroup").first.get_by_text(name, exact=True).click()


def click_bar(page: Page, words: str) -> None:
    """Click the bar whose tooltip holds the words."""
    box = settled(chart(page))
    tip = page.locator("#vg-tooltip-element")
    end = time.monotonic() + PATIENCE / 1000
    while True:
        for share in np.arange(0.15, 0.9, 0.02):
            page.mouse.move(box["x"] + 0.22 * box["width"], box["y"] + float(share) * box["height"])
            page.wait_for_timeout(50)
            if tip.is_visible() and re.search(words, tip.inner_text()):
                page.mouse.click(box["x"] + 0.22 * box["width"], box["y"] + float(share) * box["height"])
                return
        assert time.monotonic() < end, f"No bar says {words}"


def test_from_a_zip_to_a_cleaned_copy(page: Page, address: str, faces: tuple[Path, Dataset]) -> None:
    path, data = faces
    page.goto(f"{address}/explore")
    page.get_by_text("Bring your own images").click()
    page.locator('input[type="file"]').first.set_input_files(str(path))
    expect(page.get_by_text("faces.zip")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill("Mine")
    page.get_by_role("button", name="Read and keep").click()
    expect(page.get_by_text("105 images were read and kept as")).to_be_visible()
    expect(page.get_by_text("105 of 105 images")).to_be_visible()

    # A click on a bar filters, a double click beside the bars lets go.
    happy = (data.labels == data.names.index("happy")) & (data.splits == "Training")
    click_bar(page, r"happy\s+split\s+Training")
    expect(page.get_by_text(f"{happy.sum()} of 105 images")).to_be_visible()
    expect(page.locator("figure")).to_have_count(int(happy.sum()))
    box = settled(chart(page))
    chart(page).dblclick(position={"x": box["width"] * 0.95, "y": box["height"] * 0.5})
    expect(page.get_by_text("105 of 105 images")).to_be_visible()

    # A box over the whole map holds all images.
    view(page, "Map")
    page.get_by_role("button", name="Draw the map").click()
    expect(page.get_by_text("Drag a box to see its images")).to_be_visible(timeout=3 * PATIENCE)
    box = settled(chart(page))
    page.mouse.move(box["x"] + 3, box["y"] + 0.18 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 0.93 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text("The images of this area")).to_be_visible()
    expect(page.locator("figure").first).to_be_visible()

    view(page, "What is wrong")
    leaks, tested = LEAKS + CONFLICTS, int((data.splits != "Training").sum())
    expect(page.get_by_text(f"{leaks} of {tested} have an exact copy in Training")).to_be_visible()
    expect(page.locator(".group")).to_have_count(leaks)
    copy = cleaned(data, check_dataset(data))
    page.get_by_role("button", name="Make the cleaned copy").click()
    expect(page.get_by_text(f"{len(copy)} images are kept as")).to_be_visible()
    expect(page.get_by_text(f"0 of {int((copy.splits != 'Training').sum())} have an exact copy")).to_be_visible()


def test_a_bad_file_gets_one_sentence(page: Page, address: str, tmp_path: Path) -> None:
    bad = tmp_path / "paper <b>.csv"
    bad.write_bytes(b"%PDF-1.7\n" + b"0" * 5000)
    page.goto(f"{address}/explore")
    page.get_by_text("Bring your own images").click()
    page.locator('input[type="file"]').first.set_input_files(str(bad))
    expect(page.get_by_text("paper <b>.csv")).to_be_visible()
    page.get_by_role("button", name="Read and keep").click()
    expect(page.get_by_role("alert").filter(has_text="cannot be used")).to_contain_text("is a PDF")


def test_every_view_fits_a_phone(browser: Browser, address: str) -> None:
    with tab(browser, **PHONE) as page:
        page.goto(f"{address}/explore")
        for name, words in (
            ("Images", "of 2,100 images"),
            ("Mean faces", "Where they vary"),
            ("Light and sharpness", "of 2,100 images"),
            ("Labels and people", "Nobody was asked"),
            ("Map", "Draw the map"),
            ("Doubtful labels", "Look for doubtful labels"),
            ("What is wrong", "A cleaned copy"),
        ):
            view(page, name)
            expect(page.get_by_text(words).filter(visible=True).first).to_be_visible()
            expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")
            assert page.evaluate(WIDTH) <= 390, name
