"""Whether, and how long, somebody may train here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from helpers.trainings import few, training_home, until

from fer_core.datasets.library import load_dataset, save_dataset
from fer_core.errors import FerError
from fer_core.training import launcher as launching
from fer_core.utils.jobs import Busy
from fer_core.utils.workspace import use_workspace
from ui.app.visitor_session import Visits
from ui.train.limits import begin, go_on, refusal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("FER_HOSTED", "FER_TRAINING", "FER_TRAINING_MINUTES"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    with training_home(tmp_path, monkeypatch) as folder:
        yield folder
    st.cache_resource.clear()


def test_where_it_is_switched_off_nothing_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal() == ""
    monkeypatch.setenv("FER_HOSTED", "1")
    assert "switched off" in refusal()
    monkeypatch.setenv("FER_TRAINING", "1")
    assert refusal() == ""
    monkeypatch.setenv("FER_HOSTED", "0")
    monkeypatch.setenv("FER_TRAINING", "off")
    with pytest.raises(FerError, match="switched off"):
        begin(few())
    assert not (home / "runs").exists()


def test_it_says_where_tensorflow_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.train.limits.has_keras", lambda: False)
    assert "pip install tensorflow" in refusal()
    monkeypatch.setattr("fer_core.training.runs.has_keras", lambda: False)
    monkeypatch.setattr("ui.train.limits.has_keras", lambda: True)
    with pytest.raises(FerError, match="TensorFlow is not installed"):
        begin(few())


def test_its_time_is_what_the_host_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_TRAINING_MINUTES", "0.01")
    run = begin(few(epochs=1000))
    until(lambda: not run.alive)
    assert run.state == "stopped" and "0.01 minutes that a training may take here are up" in run.message
    assert run.status["spent"] >= 0.6
    go_on(run)
    until(lambda: not run.alive)
    assert run.state == "stopped" and "are up" in run.message, "what it took before counts"


def test_a_visitor_of_a_host_has_one_and_it_ends_with_the_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = load_dataset("few")
    visits = Visits()
    name = visits.start("a")
    folder = visits.root / name
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_TRAINING", "1")
    try:
        with use_workspace(folder):
            save_dataset("few", faces)
            run = begin(few(epochs=1000))
            assert folder in run.folder.parents
            with pytest.raises(Busy, match="under way or waiting"):
                begin(few())
        with use_workspace(visits.root / visits.start("b")):
            other = begin(few(epochs=1000))
        processes = launching._children[-2:]
        until(lambda: run.status.get("state") == "running" or other.status.get("state") == "running")
        for process in processes:
            assert process.status is None
        visits.end(name)
        processes[0].wait(300)
        assert not folder.exists()
    finally:
        visits.close()
    processes[1].wait(300)
    assert not visits.root.exists()


def test_the_queue_of_a_hosts_trainings_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_TRAINING", "1")
    monkeypatch.setenv("FER_WAITING", "2")
    own = Visits()
    monkeypatch.setattr("ui.train.limits.visits", lambda: own)
    locks = []
    try:
        for number in range(3):  # one runs and two wait
            folder = own.root / own.start(str(number)) / "runs" / "a"
            folder.mkdir(parents=True)
            (folder / "config.json").write_text("{}")
            locks.append(launching.take(folder))
        mine = own.root / own.start("mine")
        with use_workspace(mine), pytest.raises(Busy, match="3 trainings run or wait"):
            begin(few())
        assert not (mine / "runs").exists()
    finally:
        for lock in locks:
            lock.release()
        own.close()
