"""The files for a double click: from a clean folder to the app in the browser. Only that of Linux can be tried here."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOTED = '#!/bin/sh\necho "$1" >> "$HOME/opened"\n'


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A folder as somebody unpacks it, without what takes minutes to install: that comes from this Python."""
    folder = tmp_path / "Expression Lab"
    folder.mkdir()
    for name in ("start.sh", "start.command"):
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    (folder / "app.py").write_text("import streamlit as st\nst.title('It runs')\n")
    for name in ("requirements.txt", "requirements-analysis.txt"):
        (folder / name).write_text("# nothing\n")
    return folder


def variables(folder: Path) -> dict[str, str]:
    """What a desktop's session has: a home, a display, and a program that opens the browser."""
    home = folder.parent / "home"
    (home / "bin").mkdir(parents=True, exist_ok=True)
    (home / "bin" / "xdg-open").write_text(NOTED)
    (home / "bin" / "xdg-open").chmod(0o755)
    known = {name: value for name, value in os.environ.items() if not name.startswith(("FER_", "STREAMLIT_"))}
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**known, "HOME": str(home), "DISPLAY": ":0", "PATH": path, "PYTHONPATH": sysconfig.get_path("purelib")}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def opened(folder: Path, command: str) -> Iterator[str]:
    """Start the app, and say what the browser was told to open, then what was printed when the app was ended."""
    note = folder.parent / "home" / "opened"
    note.unlink(missing_ok=True)
    log = folder.parent / "log.txt"
    with open(log, "wb") as file:
        started = subprocess.Popen(
            [str(folder / command), f"--server.port={free_port()}"],
            cwd=folder.parent,
            env=variables(folder),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        end = time.monotonic() + 240
        while not note.exists() or not note.read_text():
            assert started.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield note.read_text().strip()
    finally:
        started.terminate()
        started.wait(60)
    yield log.read_text()


def test_from_a_clean_folder_to_the_browser(clean: Path) -> None:
    address, said = opened(clean, "start.sh")
    assert re.fullmatch(r"http://localhost:\d+", address)
    assert "Making a Python environment" in said and "Installing" in said
    made = (clean / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    address, said = opened(clean, "start.command")
    assert address and "Making" not in said and "Installing" not in said, "the second start takes what is there"
    (clean / "requirements-analysis.txt").write_text("# something else\n")
    address, said = opened(clean, "start.sh")
    assert "Installing" in said and (clean / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made


def test_an_installation_that_broke_off_is_said_and_done_again(clean: Path) -> None:
    (clean / "requirements.txt").write_text("no-such-package-anywhere @ file:///nowhere/x-1-py3-none-any.whl\n")
    for _ in range(2):
        done = subprocess.run([clean / "start.sh"], env=variables(clean), capture_output=True, text=True, timeout=240)
        assert done.returncode == 1 and "The installation broke off" in done.stderr and "Starting" not in done.stdout


def test_without_python_it_says_where_to_get_it(clean: Path) -> None:
    tools = clean.parent / "tools"
    tools.mkdir()
    for name in ("dirname", "cat", "cksum", "rm", "sh"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")  # one that is too old
    (tools / "python3").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", clean / "start.sh"], env={"PATH": str(tools)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and "3.11, 3.12 or 3.13 is needed" in done.stderr and "python.org" in done.stderr
    assert not (clean / ".venv").exists()


def test_each_system_has_one_that_it_can_run() -> None:
    for name in ("start.sh", "start.command"):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR, f"{name} cannot be double-clicked"
        assert b"\r" not in (ROOT / name).read_bytes()
    batch = (ROOT / "start.bat").read_bytes()
    assert batch.count(b"\n") == batch.count(b"\r\n") > 30, "cmd needs its own ends of lines"
    attributes = (ROOT / ".gitattributes").read_text()
    assert "*.bat text eol=crlf" in attributes and "*.sh text eol=lf" in attributes
