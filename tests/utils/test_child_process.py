"""Processes of our own modules: what they are given, what they say, and that nothing of them is left."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from fer_core.utils.child_process import FAILED, ChildProcess, run_worker

WORKER = """
import pathlib, subprocess, sys, time
folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]
print("working \\U0001f600")
if how == "given":
    (folder / "given").write_bytes(sys.stdin.buffer.read())
elif how == "fails":
    (folder / "error.txt").write_text("No such thing. \\U0001f600", encoding="utf-8")
    sys.exit(3)
elif how == "breaks":
    sys.exit("it broke")
elif how == "hangs":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "child").write_text(str(child.pid))
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_worker.py").write_text(WORKER, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252:strict")


def test_what_a_worker_is_given_and_says(tmp_path: Path) -> None:
    ended = run_worker("some_worker", tmp_path, lambda: None, "given", given=b"token")
    assert (ended.status, ended.words) == (0, "working \U0001f600") and (tmp_path / "given").read_bytes() == b"token"
    ended = run_worker("some_worker", tmp_path, lambda: None, "fails")
    assert (ended.status, ended.words) == (FAILED, "No such thing. \U0001f600")
    ended = run_worker("some_worker", tmp_path, lambda: None, "breaks")
    assert (ended.status, ended.words) == (1, "it broke")


def test_where_listening_raises_it_ends_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"

    def listen() -> None:
        if child.exists() and child.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_worker("some_worker", tmp_path, listen, "hangs")
    end = time.monotonic() + 60
    while psutil.pid_exists(pid := int(child.read_text())) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "its own child lives on"
        time.sleep(0.05)


def test_its_end_can_be_waited_for_and_made(tmp_path: Path) -> None:
    process = ChildProcess("some_worker", str(tmp_path), "hangs")
    assert process.wait(0.05) is None and process.status is None
    process.end()
    assert process.status not in (None, 0)
    process.end()
