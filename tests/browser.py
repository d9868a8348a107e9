"""A real server and a real browser for tests: what a person does is done here, not imitated."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
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


def require_chromium() -> str:
    """Path of the browser; without one a test fails in CI, where it must be installed, and is skipped elsewhere."""
    if CHROMIUM:
        return CHROMIUM
    if os.environ.get("CI"):
        pytest.fail("Chromium is missing: install the package `chromium`")
    pytest.skip("Chromium is not installed (apt-get install chromium)")


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
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).read()
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
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
