"""Real kills: what is analysed survives them, and the table is that of a run that was never interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers.fakes import SAMPLE

from fer_core.analysis.pipeline import analyze
from fer_core.analysis.table import to_table
from fer_core.cli.main import main
from fer_core.studies.library import open_study
from fer_core.studies.settings import StudySettings
from fer_core.studies.study import Study

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = StudySettings(sample_fps=5.0)
PATIENCE = 150.0
SCRIPT = """
import sys
from fer_core.studies import segment_reader
segment_reader.FLUSH = 0.02  # after nearly each group, so that a clip of some seconds has many on any computer
if __name__ == "__main__":
    from fer_core.cli.main import main
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return to_table(analyze(SAMPLE, SETTINGS.recognizer(), SETTINGS.analysis_options()))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def clips(folder: Path, count: int) -> Path:
    """The sample clip several times, with another content and so another id each."""
    folder.mkdir()
    for i in range(count):
        (folder / f"c{i}.mp4").write_bytes(SAMPLE.read_bytes() + b"\0\0\0\x09free" + bytes([i]))
    return folder


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def readings(home: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in home.glob("studies/*/work/*/readings-*.parquet")}


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(30)


def check(study: Study, expected: pd.DataFrame, count: int) -> None:
    entries = study.clips()
    assert [entry.state for entry in entries] == ["done"] * count
    for entry in entries:
        pd.testing.assert_frame_equal(study.result(entry).recorder.table(), expected, check_exact=True)
    assert list((study.folder / "work").iterdir()) == [], "nothing is left over"


def test_a_killed_analysis_goes_on_where_it_was(home: Path, tmp_path: Path, expected: pd.DataFrame) -> None:
    folder = clips(tmp_path / "clips", 1)
    command = ["analyze", str(folder), "--study", "K", "--fps", "5"]
    before: dict[str, int] = {}
    for _ in range(2):
        process = start(*command)
        wanted = len(before) + 2
        until(lambda wanted=wanted, one=process: len(readings(home)) >= wanted or one.poll() is not None, "readings")
        kill(process)
        assert process.returncode == -signal.SIGKILL, "it had ended before"
        after = readings(home)
        assert before.items() <= after.items(), "what was read is not read again"
        before = after
        assert open_study("K").clips()[0].state == "running"
        assert not open_study("K").running(), "the lock goes with the process"
    assert main(["studies", "run", "K"]) == 0
    check(open_study("K"), expected, 1)


def children(pid: int) -> list[int]:
    """All living processes below one that work for it."""
    found = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    table = [line.split(None, 2) for line in found.splitlines()]
    below = {pid}
    for _ in range(4):
        below |= {int(one) for one, parent, _ in table if int(parent) in below}
    return [int(one) for one, _, words in table if int(one) in below - {pid} and "spawn_main" in words]


def test_workers_and_servers_may_be_killed(home: Path, tmp_path: Path, expected: pd.DataFrame) -> None:
    folder = clips(tmp_path / "clips", 3)
    process = start("analyze", str(folder), "--study", "K", "--fps", "5", "--workers", "2")
    until(lambda: readings(home) or list(home.glob("studies/K/work/*/plan.json")), "the first work")
    until(lambda: children(process.pid), "the workers")
    os.kill(children(process.pid)[0], signal.SIGKILL)
    until(lambda: any(entry.state == "done" for entry in open_study("K").clips()), "the first result")
    below = children(process.pid)
    kill(process)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), "the end of the workers")
    assert main(["studies", "run", "K", "--workers", "2"]) == 0
    check(open_study("K"), expected, 3)
