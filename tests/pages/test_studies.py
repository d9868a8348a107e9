"""The page of studies as a person uses it, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import fakes, media
from streamlit.testing.v1 import AppTest

from fer_core.studies import launcher
from fer_core.studies.adding import add_clips
from fer_core.studies.library import create_study, open_study
from fer_core.studies.runner import run_study
from fer_core.studies.settings import StudySettings
from fer_core.studies.study import Study
from ui.studies.overview import matching

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FER_HOSTED", "FER_NOTICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of studies whose analysis was started; no process is."""
    names: list[str] = []
    monkeypatch.setattr("ui.studies.common.launch", lambda study, in_turn: names.append(f"{study.name} {in_turn}"))
    return names


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two analysed clips."""
    for i, who in enumerate(("P01", "P02")):
        (tmp_path / "clips" / who).mkdir(parents=True)
        media.make_clip(tmp_path / "clips" / who / "face.mp4", [fakes.two_people_frame(240)[:, :320]] * (3 + i))
    made = create_study("Pilot", StudySettings(sample_fps=None))
    add_clips(made, [tmp_path / "clips"])
    run_study(made, workers=1)
    return made


def opened(**address: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "studies.py"), default_timeout=90)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.warning, *page.error, *page.success, *page.info, *page.subheader]
    return "\n".join(part.value for part in parts)


def test_a_study_is_made_and_a_bad_name_is_a_sentence() -> None:
    page = opened()
    page.text_input(key="new-study-name").set_value("a/b")
    page.button[-1].click().run()
    assert "name has 1 to 60" in page.error[0].value
    page.text_input(key="new-study-name").set_value("Pilot")
    page.toggle(key="new-study-annotate").set_value(True)
    page.button[-1].click().run()
    assert not page.exception and page.query_params["study"] == "Pilot"
    assert open_study("Pilot").settings == StudySettings(annotate=True)


def test_a_folder_is_named_and_its_analysis_begins(tmp_path: Path, started: list[str]) -> None:
    create_study("Pilot")
    page = opened(study="Pilot")
    page.text_input[0].set_value(str(tmp_path / "none"))
    page.button[1].click().run()
    assert "There is no folder" in words(page) and started == []
    (tmp_path / "clips").mkdir()
    media.make_clip(tmp_path / "clips" / "a.mp4")
    (tmp_path / "clips" / "b.txt").write_text("x")
    page.text_input[0].set_value(str(tmp_path / "clips"))
    page.button[1].click().run()
    assert not page.exception and "1 clip added" in words(page) and "1 file is no clip" in words(page)
    assert started == ["Pilot False"]
    assert page.button(key="study-go-on")


def test_names_given_in_a_clip_are_kept(study: Study) -> None:
    first, second = study.clips()
    page = opened(study="Pilot", clip=first.folder)
    assert "1 of 2" in words(page) and page.text_input[0].value == "Person 1"
    page.text_input[0].set_value("Ada").run()
    assert study.result(first).names == {0: "Ada"}
    page.button(key="clip-next").click().run()
    assert page.query_params["clip"] == second.folder and page.text_input[0].value == "Person 1"
    assert opened(study="Pilot", clip=first.folder).text_input[0].value == "Ada", "another visit"
    assert study.result(second).names == {}


def test_a_clip_or_study_that_is_not_there_is_a_sentence(study: Study) -> None:
    assert "no longer in the study" in words(opened(study="Pilot", clip="nothing"))
    assert "There are: Pilot" in words(opened(study="Nothing"))
    (study.folder / "clips" / study.clips()[0].folder / "table.parquet").unlink()
    assert "Analyse the clip again" in words(opened(study="Pilot", clip=study.clips()[0].folder))


def test_search_and_filter(study: Study) -> None:
    study.change(study.clips()[0].id, condition="Loud", columns={"age": "36"}, state="failed")
    entries = study.clips()
    assert [e.participant for e in matching(entries, "FACE p02", [])] == ["P02"]
    assert [e.participant for e in matching(entries, "loud 36", [])] == ["P01"]
    assert [e.participant for e in matching(entries, "", ["done"])] == ["P02"]
    assert matching(entries, "nobody", []) == []
    page = opened(study="Pilot")
    assert "1 of 2 analysed, 1 failed" in words(page)
    page.text_input(key="search-Pilot").set_value("nobody").run()
    assert "No clip fits" in words(page)


def test_on_a_host_no_folder_is_offered_and_studies_wait_their_turn(
    monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_NOTICE", "off")
    page = opened()
    assert "deleted when your visit ends" in words(page)
    page.text_input(key="new-study-name").set_value("Mine")
    page.button[-1].click().run()
    assert not page.exception
    assert [field.label for field in page.text_input] == []
    assert "Mine" not in words(opened()), "another visitor has other studies"


def test_a_study_whose_process_was_killed_goes_on_at_the_next_start(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []
    monkeypatch.setattr(launcher, "launch", lambda study: launched.append(study.name))
    assert launcher.resume_interrupted() == []
    study.change(study.clips()[0].id, state="running")
    assert launcher.resume_interrupted() == ["Pilot"] == launched
    study.stop()
    assert launcher.resume_interrupted() == [], "it was paused"
    study.clear_stops()
    with study.hold():
        assert launcher.resume_interrupted() == [], "it is at work"
