"""A tab that was closed: its session ends, and what its pages hold goes; one that only lost its network stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fakes import FakeRecognizer, patch_frame

from fer_core.live.session import LiveSession
from ui.app.browser_tabs import Tabs, patience
from ui.live.state import Stage, folder


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sessions that Streamlit was told to end."""
    told: list[str] = []
    monkeypatch.setattr("ui.app.browser_tabs._end", told.append)
    return told


@pytest.fixture
def open_tabs(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Sessions whose tab is open."""
    now: set[str] = set()
    monkeypatch.setattr("ui.app.browser_tabs._is_open", lambda session: session in now)
    return now


@pytest.fixture
def mine(ended: list[str], open_tabs: set[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tabs]:
    monkeypatch.setattr(Tabs, "_watch", lambda self: None)  # only when a test says so
    made = Tabs()
    yield made
    made.close()


def away(tabs: Tabs, session: str, seconds: float) -> None:
    """So much time passes since the tab was last seen."""
    tabs._tabs[session].open -= seconds


def test_a_closed_tab_ends_once_and_one_that_came_back_does_not(
    mine: Tabs, ended: list[str], open_tabs: set[str]
) -> None:
    done: list[str] = []
    for session in ("closed", "blinked", "open"):
        mine.here(session)
        mine.here(session, lambda session=session: done.append(session))
    open_tabs.add("open")
    away(mine, "closed", patience() + 1)
    away(mine, "blinked", patience() / 2)
    away(mine, "open", 10 * patience())
    mine.sweep()
    assert done == ended == ["closed"]
    open_tabs.add("blinked")
    mine.sweep()
    open_tabs.clear()
    away(mine, "blinked", patience() / 2)
    mine.sweep()
    assert done == ended == ["closed"], "it was there in between"
    away(mine, "blinked", patience())
    mine.sweep()
    assert done == ended == ["closed", "blinked"]


def test_what_cannot_be_ended_keeps_nothing_else(
    mine: Tabs, ended: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    mine.here("a", lambda: 1 / 0)
    mine.here("a", lambda: done.append("a"))
    away(mine, "a", patience() + 1)
    mine.sweep()
    assert done == ended == ["a"] and "not all of it could be ended" in caplog.text


def test_a_tab_is_given_up_before_streamlit_forgets_how_to_find_its_session() -> None:
    from streamlit import config

    assert 100 < patience() < config.get_option("server.disconnectedSessionTTL") - 20


def camera(recorded: bool = True) -> LiveSession:
    """A session that reads and records."""
    session = LiveSession(FakeRecognizer(), side=160)  # type: ignore[arg-type]
    if recorded:
        session.annotated = folder(session) / "annotated.mp4"
    session.process(patch_frame([(30, 20, 50)]), 0.0)
    return session


def test_a_camera_that_runs_when_its_tab_is_closed_ends_and_leaves_nothing(mine: Tabs) -> None:
    stage = Stage()
    stage.session = session = camera()
    assert session.annotated is not None
    mine.here("a", stage.leave)
    away(mine, "a", patience() + 1)
    mine.sweep()
    assert session.ended and not session.recording_pending
    assert not session.annotated.parent.exists(), "somebody still knows the session, as Streamlit does for a while"
    assert stage.session is None and stage.result is None


@pytest.mark.parametrize("recorded", [True, False])
def test_a_result_whose_tab_is_closed_and_one_that_is_given_up_are_deleted(mine: Tabs, recorded: bool) -> None:
    for leave in (Stage.leave, Stage.forget):
        stage = Stage()
        stage.session = session = camera(recorded)
        while not len(session.recorder.table()):
            time.sleep(0.005)
        stage.finish(5)
        assert stage.result is session
        path: Path | None = session.annotated
        assert path is None or path.exists()
        leave(stage)
        assert stage.result is None and (path is None or not path.parent.exists())
