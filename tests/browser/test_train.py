"""A training as a person does it in headless Chromium: start, watch, reload, wait in the queue, stop, use the model.

One server after the other on one home: what was begun under the first goes on without it, and the second finds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import PHONE, WIDTH, server, tab
from helpers.trainings import ended, until
from playwright.sync_api import Browser, Page, expect

from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.training.runs import list_runs
from fer_core.utils.workspace import use_workspace

pytestmark = pytest.mark.browser

LONG = 300_000
EPOCH = re.compile(r"Epoch (\d+) of 1000")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A home with a few of the drawn faces; no training is left at the end."""
    with use_workspace(tmp_path / "home"):
        data = load_dataset("synthetic")
        save_dataset("few", data.select(np.arange(0, len(data), 6)), title="A few")
        yield tmp_path
        for run in list_runs():
            run.stop()
        until(lambda: not any(run.alive for run in list_runs()))


def train(page: Page, address: str, name: str) -> None:
    """Fill in the form for a training that does not end by itself, and press Train."""
    page.goto(f"{address}/train")
    page.get_by_role("combobox", name=re.compile("Dataset")).click()
    page.get_by_role("option", name=re.compile("A few")).click()
    expect(page.get_by_text("drawn by this program")).to_have_count(0)
    page.get_by_text("All settings", exact=True).click()
    epochs = page.get_by_role("spinbutton", name=re.compile("epochs"))
    epochs.fill("1000")
    epochs.press("Enter")
    box = page.get_by_role("textbox", name="Name")
    box.fill(name)
    box.press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def epoch(page: Page) -> int:
    """The epoch that the page shows."""
    shown = page.get_by_text(EPOCH).first
    expect(shown).to_be_visible(timeout=LONG)
    return int(EPOCH.search(shown.inner_text()).group(1))


def grows(page: Page, beyond: int) -> int:
    """Wait until the page shows a later epoch than this; which one."""
    page.wait_for_function(
        f"() => {{ const found = document.body.innerText.match(/Epoch (\\d+) of 1000/); "
        f"return found && Number(found[1]) > {beyond} }}",
        timeout=LONG,
    )
    return epoch(page)


def test_from_the_button_to_a_clip_read_by_the_new_model(browser: Browser, folder: Path) -> None:
    environment = {"FER_QUEUE": str(folder / "queue")}
    with server(folder, **environment) as address, tab(browser) as page:
        train(page, address, "Mine")
        charts = page.locator('[data-testid="stVegaLiteChart"]')
        expect(charts).to_have_count(4, timeout=LONG)
        first = grows(page, 1)
        before = charts.first.screenshot()
        second = grows(page, first)
        # The words may be new a moment before the chart is drawn anew.
        until(lambda: charts.first.screenshot() != before)
        page.reload()
        expect(page.get_by_role("heading", name="Mine")).to_be_visible()
        assert epoch(page) >= second
        with tab(browser) as other:
            train(other, address, "Later")
            expect(other.get_by_text("It waits for one other training")).to_be_visible()
            other.get_by_role("button", name="Leave the queue").click()
            expect(other.get_by_text("stopped before the first epoch")).to_be_visible(timeout=LONG)
        where = page.url.removeprefix(address)
        third = epoch(page)

    with server(folder, **environment) as address:
        with tab(browser, **PHONE) as viewer:
            viewer.goto(f"{address}/train")
            viewer.get_by_role("button", name="Watch it").click()
            expect(viewer.get_by_role("heading", name="Mine")).to_be_visible()
            assert viewer.evaluate(WIDTH) <= PHONE["viewport"]["width"]
        with tab(browser) as page:
            page.goto(address + where)
            assert grows(page, third) > third
            page.get_by_role("button", name="Stop and keep the best").click()
            page.get_by_role("button", name="Use this model").click(timeout=LONG)
            page.get_by_role("link", name="Try it on a clip").click()
            expect(page.get_by_text("Read by your model Mine")).to_be_visible()
            page.get_by_role("button", name="Try the sample clip").click()
            button = page.get_by_role("button", name="Everything (JSON)")
            expect(button).to_be_visible(timeout=LONG)
            with page.expect_download() as waiting:
                button.click()
            mine = next(run for run in list_runs() if run.name == "Mine")
            told = json.loads(Path(waiting.value.path()).read_text())
            assert mine.id in json.dumps(told), "the clip was read by another model"
            page.goto(address)
            page.get_by_role("button", name="Back to the usual one").click()
            expect(page.get_by_text("Read by the model")).to_be_visible()
    assert ended(*list_runs())
