"""Whose home it is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fer_core.utils.workspace import PROJECT, at_home, find_homes, home
from fer_core.utils.workspace import home as home_of_bundles


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says whose home it is; afterwards those say it again who did: the pages, for the tests that come later."""
    monkeypatch.setattr("fer_core.utils.workspace._finder", None)


def test_it_is_the_settings_or_the_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("FER_HOME")
    assert home() == PROJECT / ".fer"
    assert home_of_bundles is home


def test_pages_may_say_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    answers = [tmp_path / "a", None, tmp_path / "b"]
    find_homes(lambda: answers.pop(0))
    assert [home().name for _ in range(3)] == ["a", tmp_path.name, "b"], "it is asked every time"


def test_work_on_a_thread_is_done_at_one_home(tmp_path: Path) -> None:
    find_homes(lambda: tmp_path / "nobody")
    seen = {}

    def work(name: str, ready: threading.Barrier) -> None:
        with at_home(tmp_path / name):
            ready.wait(10)
            seen[name] = home()
        assert home().name == "nobody"

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(name, barrier)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": tmp_path / "a", "b": tmp_path / "b"}
