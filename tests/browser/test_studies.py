"""A study as a person keeps one: clips dropped, the server killed, and everything still there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from helpers.browser import PHONE, ROOT, WIDTH, faults, tab
from helpers.fakes import SAMPLE
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

COUNT = 10
PORT = 18571


class Server:
    """The app on a fixed port, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, None
        self.url = f"http://127.0.0.1:{PORT}"

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"),
            *("--server.address=127.0.0.1", f"--server.port={PORT}", "--server.fileWatcherType=none"),
        ]
        variables = {**os.environ, "FER_HOME": str(self.folder / "home"), "TMPDIR": str(self.folder)}
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=10).read()
                return
            except OSError:
                time.sleep(0.25)
        pytest.fail("The server did not come up.")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    started.start()
    yield started
    started.kill()
    log = (tmp_path / "server.log").read_text(errors="replace")
    assert not faults(log), faults(log)


def dropped(folder: Path) -> list[str]:
    """Ten clips of two seconds, each with a content of its own."""
    folder.mkdir()
    paths = []
    for i in range(COUNT):
        path = folder / f"P{i + 1:02d}.mp4"
        with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as out:
            stream = source.streams.video[0]
            copy = out.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is None or float(packet.pts * packet.time_base) >= 2 + 0.1 * i:
                    continue
                packet.stream = copy
                out.mux(packet)
        paths.append(str(path))
    return paths


def shot(page: Page, name: str) -> None:
    path = ROOT / "results" / "browser" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=True)


def still(page: Page) -> None:
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")


def test_ten_clips_survive_the_server_and_names_are_kept(browser: Browser, server: Server, tmp_path: Path) -> None:
    with tab(browser) as page:
        page.goto(f"{server.url}/studies")
        page.get_by_label("Name", exact=True).fill("Pilot")
        shot(page, "studies-new")
        page.get_by_role("button", name="Make the study").click()
        page.locator('input[type="file"]').first.set_input_files(dropped(tmp_path / "clips"))
        expect(page.get_by_text(f"{COUNT} clips added.")).to_be_visible()
        expect(page.get_by_text(re.compile(rf"\d+ of {COUNT} analysed"))).to_be_visible()
        shot(page, "studies-in-work")
        page.reload()
        expect(page.get_by_text(re.compile(rf"\d+ of {COUNT} analysed"))).to_be_visible()
    server.kill()
    server.start()
    with tab(browser) as page:
        page.goto(f"{server.url}/studies?study=Pilot")
        expect(page.get_by_text(f"{COUNT} of {COUNT} analysed.")).to_be_visible(timeout=300_000)
        still(page)
        shot(page, "studies-done")
        page.get_by_role("button", name="Open the first result").click()
        name = page.get_by_label("Name", exact=True).first
        expect(name).to_have_value("Person 1")
        name.fill("Ada")
        name.press("Enter")
        expect(page.get_by_alt_text("Face of Ada")).to_be_visible()
        still(page)
        shot(page, "studies-clip")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"2 of {COUNT}")).to_be_visible()
        page.get_by_role("button", name="Previous").click()
        expect(page.get_by_text(f"1 of {COUNT}")).to_be_visible()
        address = page.url
    server.kill()
    server.start()
    with tab(browser, **PHONE) as page:
        page.goto(address)
        expect(page.get_by_label("Name", exact=True).first).to_have_value("Ada")
        still(page)
        assert page.evaluate(WIDTH) <= PHONE["viewport"]["width"]
        shot(page, "studies-clip-phone")
        page.goto(f"{server.url}/studies?study=Pilot")
        expect(page.get_by_text(f"{COUNT} of {COUNT} analysed.")).to_be_visible()
        still(page)
        expect(page.locator('[data-testid="stDataFrame"] canvas').first).to_be_visible()
        page.wait_for_timeout(500)  # the table is drawn a moment after it is there
        assert page.evaluate(WIDTH) <= PHONE["viewport"]["width"]
        shot(page, "studies-done-phone")
