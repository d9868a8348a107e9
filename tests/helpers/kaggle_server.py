"""A stand-in for Kaggle's API on this machine, as kagglehub asks it, and an environment whose kagglehub asks there."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOKEN = "KGAT_0123456789abcdef"
USER = {"username": "somebody", "key": "0123456789"}
PAIR = "Basic " + base64.b64encode(f"{USER['username']}:{USER['key']}".encode()).decode()

TURN = """
import kagglesdk.kaggle_env as at
at._env_to_endpoint[at.KaggleEnv.LOCAL] = {address!r}
"""
"""kagglehub knows a local Kaggle at port 80 only; this is run at the start of each Python below, and turns it."""


class Kaggle:
    """What the stand-in serves and how it behaves.

    Attributes:
        archive: the ZIP of every dataset.
        status: of the answer to a download.
        whole: share of the archive that is sent before the line breaks off.
        silent: it stops halfway until `go` is set.
        slow: from halfway on it sends little by little, and the last tenth when `go` is set.
        asked: path and handle of each request.
        halfway: set when half of the archive was sent.
    """

    def __init__(self) -> None:
        self.archive, self.status, self.whole = b"", 200, 1.0
        self.silent = self.slow = False
        self.checksum = True
        self.asked: list[tuple[str, str]] = []
        self.halfway, self.go = threading.Event(), threading.Event()


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Kaggle]:
    """The stand-in, which the children that are started meanwhile ask in place of Kaggle."""
    kaggle = Kaggle()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kaggle.asked.append((self.path.rsplit("/", 1)[1], f"{asked['ownerSlug']}/{asked['datasetSlug']}"))
            status = kaggle.status
            if self.headers.get("Authorization") not in (f"Bearer {TOKEN}", PAIR):
                status = 401
            if status != 200:
                self.answer(status, json.dumps({"code": status, "message": "no"}).encode(), "application/json")
            elif self.path.endswith("/GetDataset"):
                self.answer(200, json.dumps({"currentVersionNumber": 1}).encode(), "application/json")
            else:
                self.answer(200, kaggle.archive, "application/zip")

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if kind == "application/zip":
                digest = hashlib.md5(body if kaggle.checksum else b"other").digest()
                self.send_header("X-Goog-Hash", f"md5={base64.b64encode(digest).decode()}")
            self.end_headers()
            half = len(body) // 2
            try:
                self.wfile.write(body[:half])
                self.wfile.flush()
                if kind == "application/zip":
                    kaggle.halfway.set()
                    if kaggle.silent:
                        kaggle.go.wait(600)
                    while kaggle.slow and half < 0.9 * len(body) and not kaggle.go.wait(0.2):
                        self.wfile.write(body[half : half + 500_000])
                        half += 500_000
                    if kaggle.slow:
                        kaggle.go.wait(600)
                    body = body[: int(len(body) * kaggle.whole)]
                self.wfile.write(body[half:])
            except OSError:  # whoever asked is gone
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    turn(monkeypatch, folder, address)
    try:
        yield kaggle
    finally:
        kaggle.go.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def turn(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str, more: str = "") -> None:
    """Let kagglehub of children ask that address, without any token of this computer."""
    (folder / "turn").mkdir(exist_ok=True)
    (folder / "turn" / "sitecustomize.py").write_text(TURN.format(address=address) + more)
    monkeypatch.setenv("PYTHONPATH", str(folder / "turn"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("HOME", str(folder / "nobody"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
