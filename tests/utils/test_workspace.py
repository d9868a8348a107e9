"""Whose home it is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fer_core.utils.distribution import PACKAGE_PARENT
from fer_core.utils.workspace import set_workspace_finder, use_workspace, workspace
from fer_core.utils.workspace import workspace as home_of_bundles


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says whose home it is; afterwards those say it again who did: the pages, for the tests that come later."""
    monkeypatch.setattr("fer_core.utils.workspace._finder", None)


def test_it_is_the_settings_or_the_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    assert workspace() == tmp_path
    monkeypatch.delenv("FER_HOME")
    assert workspace() == PACKAGE_PARENT / ".fer"
    assert home_of_bundles is workspace


def test_pages_may_say_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    answers = [tmp_path / "a", None, tmp_path / "b"]
    set_workspace_finder(lambda: answers.pop(0))
    assert [workspace().name for _ in range(3)] == ["a", tmp_path.name, "b"], "it is asked every time"


def test_work_on_a_thread_is_done_at_one_home(tmp_path: Path) -> None:
    set_workspace_finder(lambda: tmp_path / "nobody")
    seen = {}

    def work(name: str, ready: threading.Barrier) -> None:
        with use_workspace(tmp_path / name):
            ready.wait(10)
            seen[name] = workspace()
        assert workspace().name == "nobody"

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(name, barrier)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": tmp_path / "a", "b": tmp_path / "b"}
