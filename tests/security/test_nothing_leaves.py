"""Nothing leaves this computer, and no file is written outside our folders; watched at the system's own calls."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.fakes import SAMPLE

ROOT = Path(__file__).resolve().parent.parent.parent
LOOPBACK = re.compile(r'sin_addr=inet_addr\("127\.|"::1"|AF_UNIX|AF_NETLINK|AF_UNSPEC')

CONTROL = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
ANALYZE = ["-m", "fer_core", "analyze", str(SAMPLE), "--fps", "2", "--out", "out"]
LIBRARY = (
    "import fer_core; fer_core.to_table(fer_core.analyze(fer_core.sample_clip(), options=fer_core.AnalysisOptions(2)))"
)


def environment(home: Path, **more: str) -> dict[str, str]:
    """That of a person: `CI` would silence some reports, and files outside our folders would land in this home."""
    kept = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("XDG_", "ORT_", "STREAMLIT_"))}
    return {**kept, "HOME": str(home), "FER_HOME": str(home / "fer"), "PYTHONPATH": str(ROOT), **more}


def strangers(log: Path) -> list[str]:
    """Calls of `connect` that a trace recorded to any address but this computer's own."""
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if "connect(" in line and "sa_family" in line and not LOOPBACK.search(line)]


def traced(tmp_path: Path, *arguments: str) -> list[str]:
    log = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(log), sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path / "home"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return strangers(log)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_the_watch_sees_a_stranger(tmp_path: Path) -> None:
    assert len(traced(tmp_path, "-c", CONTROL)) == 1


@pytest.mark.parametrize("arguments", [ANALYZE, ["-c", LIBRARY]], ids=["command line", "library"])
def test_analysing_asks_nobody_and_writes_nothing_elsewhere(tmp_path: Path, home: Path, arguments: list[str]) -> None:
    assert traced(tmp_path, *arguments) == []
    assert [path.name for path in home.iterdir() if path.name != "fer"] == []


@contextmanager
def serving(tmp_path: Path, *options: str) -> Iterator[tuple[int, Path]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "trace"
    command = [
        *("strace", "-f", "-qq", "-e", "trace=connect", "-o", str(log), sys.executable, "-m", "ui.app.serve"),
        *("--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none", *options),
    ]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(tmp_path / "home"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10).read()
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.25)
        yield port, log
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # strace alone would leave what it watches
        server.wait(60)


def handshake(port: int, origin: str) -> str:
    """The first line of the answer to a WebSocket's opening."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        f"Origin: {origin}",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return line.recv(4096).decode(errors="replace").split("\r\n")[0]


def test_a_server_on_all_interfaces_asks_nobody_and_refuses_a_foreign_origin_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, "--server.address=0.0.0.0", "--browser.serverAddress=") as (port, log):
        began = time.monotonic()
        assert "403" in handshake(port, "http://elsewhere.example")
        assert time.monotonic() - began < 5
        assert "101" in handshake(port, f"http://127.0.0.1:{port}")
        time.sleep(2)
        assert strangers(log) == []
