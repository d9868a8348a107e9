"""A real server and a real browser for tests: what a person does is done here, not imitated."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PATIENCE = 90_000
"""Milliseconds that a browser test waits for what must come. Nothing is as quick on a machine that others use too."""
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PLAYABLE = "() => { const v = document.querySelector('video'); return v && v.readyState >= 2 }"
"""Script: the page's player has a picture."""
WIDTH = "() => document.documentElement.scrollWidth"
"""Script: how wide the page is, in pixels; beyond the window's width one must scroll sideways."""

expect.set_options(timeout=PATIENCE)


def require_chromium() -> str:
    """Path of the browser; without one a test fails in CI, where it must be installed, and is skipped elsewhere."""
    if CHROMIUM:
        return CHROMIUM
    if os.environ.get("CI"):
        pytest.fail("Chromium is missing: install the package `chromium`")
    pytest.skip("Chromium is not installed (apt-get install chromium)")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A headless browser with more flags of its own. Only one may be open at a time."""
    path = require_chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, headless=True, args=[*ARGUMENTS, *arguments], timeout=2 * PATIENCE
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def tab(browser: Browser, **context: object) -> Iterator[Page]:
    """A page with a patient default, in a profile of its own, closed at the end.

    A failure within it says what the page showed, and where its picture lies. Without one the page must end with no
    exception on it and none in its scripts.

    Args:
        browser: see `chromium`.
        context: options of the profile, such as `**PHONE` or permissions; a desktop window where no viewport is given.
    """
    profile = browser.new_context(**{**DESKTOP, **context})  # type: ignore[arg-type]
    profile.set_default_timeout(PATIENCE)
    page = profile.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        with pictured(page):
            yield page
            expect(page.locator('[data-testid="stException"]')).to_have_count(0)
            assert problems == []
    finally:
        profile.close()


@contextmanager
def pictured(page: Page) -> Iterator[None]:
    """Add to a failure within it what the page says and where its picture was put (results/browser)."""
    try:
        yield
    except BaseException as error:
        with suppress(Exception):  # nothing that goes wrong here may hide what went wrong there
            test = os.environ.get("PYTEST_CURRENT_TEST", "page").split(" ")[0]
            path = ROOT / "results" / "browser" / (re.sub(r"[^\w-]+", "-", test) + ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            words = page.locator("body").inner_text(timeout=10_000)
            error.add_note(f"The page was {page.url} and said:\n{words[:3000]}")
            page.screenshot(path=path, full_page=True, timeout=20_000)
            error.add_note(f"Its picture: {path.relative_to(ROOT)}")
        raise


def settled(part: Locator) -> FloatRect:
    """Where a part of the page lies, once the page is drawn and the part no longer moves: to click or drag in it."""
    app = part.page.locator('[data-testid="stApp"]')
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    part.scroll_into_view_if_needed()
    seen: list[FloatRect | None] = []
    end = time.monotonic() + PATIENCE / 1000
    while len(seen) < 4 or seen[-1] is None or any(box != seen[-1] for box in seen[-4:]):
        assert time.monotonic() < end, f"{part} does not come to rest: {seen[-4:]}"
        part.page.wait_for_timeout(250)
        seen.append(part.bounding_box())
    return seen[-1]


def faults(log: str) -> str:
    """The tracebacks of a server's log that go through our own code; a network library's own noise is not ours."""
    blocks = re.split(r"(?m)^(?=.*Traceback \(most recent call last\))", log)[1:]
    own = re.compile(re.escape(f'File "{ROOT}') + r"/(app\.py|pages/|ui/|fer_core/)")
    return "\n".join(block for block in blocks if own.search(block))


@contextmanager
def server(folder: Path, **environment: str) -> Iterator[str]:
    """The app on a free port of this machine; yields its address and prints its log if it does not come up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"),
        *("--server.address=127.0.0.1", f"--server.port={port}", "--server.fileWatcherType=none"),
    ]
    variables = {**os.environ, "FER_HOME": str(folder / "home"), "TMPDIR": str(folder), **environment}
    log = folder / "server.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=10).read()
                break
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.25)
        else:
            pytest.fail(f"The server did not come up:\n{log.read_text()}")
        if process.poll() is not None:
            pytest.fail(f"The server ended:\n{log.read_text()}")
        yield address
        assert not faults(log.read_text(errors="replace")), faults(log.read_text(errors="replace"))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
