"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from fer_core.utils.distribution import PACKAGE_PARENT
from fer_core.utils.locks import is_locked, lock, try_lock

HOLDER = """
import pathlib, sys
from fer_core.utils.locks import try_lock
lock = try_lock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_it_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=PACKAGE_PARENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline().strip() == b"held"
        assert is_locked(path) and try_lock(path) is None
        holder.kill()
        holder.communicate()
    assert not is_locked(path)
    again = try_lock(path)
    assert again is not None
    again.release()


def test_it_holds_within_one_process_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path):
        assert is_locked(path) and try_lock(path, 0.05) is None
    first = try_lock(path)
    assert first is not None and is_locked(path)
    first.release(for_good=True)
    assert os.listdir(tmp_path) == []


def test_those_who_ask_do_not_mistake_each_other_for_a_holder(tmp_path: Path) -> None:
    path, answers = tmp_path / "lock", []
    path.touch()
    threads = [threading.Thread(target=lambda: answers.extend(is_locked(path) for _ in range(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 800 and not any(answers)


def test_asking_leaves_nothing_behind_and_follows_no_link(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none") and os.listdir(tmp_path) == []
    with lock(tmp_path / "lock"):
        (tmp_path / "link").symlink_to(tmp_path / "lock")
        assert not is_locked(tmp_path / "link") and is_locked(tmp_path / "lock")
    (tmp_path / "folder").mkdir()
    assert not is_locked(tmp_path / "folder")
