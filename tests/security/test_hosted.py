"""A host for strangers: limits, the notice, and what is a visitor's own; on one's own computer none of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from fer_core.models.registry import load_model
from fer_core.utils.jobs import State
from fer_core.utils.workspace import workspace
from ui.about.licenses import BROUGHT, SHIPPED
from ui.app.browser_tabs import patience, tabs
from ui.app.privacy_notice import words as notice
from ui.app.resources import jobs
from ui.app.settings import SAMPLE, settings
from ui.app.visitor_session import Visits, visits
from ui.components.study_bounds import limits

ROOT = Path(__file__).resolve().parent.parent.parent
GO_ON = "I understand, go on"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of this machine, nothing cached, an empty home."""
    for name in ("FER_HOSTED", "FER_NOTICE", "FER_MAX_MINUTES", "FER_KEEP_MINUTES", "FER_TRAINING", "FER_PER_VISITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    yield
    tabs().close()
    visits().close()
    jobs().close()
    st.cache_resource.clear()


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOSTED", "1")


def start(page: str = "video", *, agree: bool = True) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60).run()
    assert not app.exception
    return button(app, GO_ON).click().run() if agree else app


def button(app: AppTest, label: str):
    return next(b for b in app.button if b.label == label)


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.title, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def upload(app: AppTest) -> AppTest:
    app.file_uploader[0].set_value(("a.mp4", SAMPLE.read_bytes(), "video/mp4")).run()
    assert not app.exception
    return app


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_ones_own_computer_has_no_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = settings()
    assert not now.hosted and now.training
    assert math.isinf(now.max_minutes) and math.isinf(now.training_minutes) and math.isinf(now.per_visitor)
    assert limits().max_bytes is None and limits().max_seconds is None and limits().max_pixels > 7680 * 4320
    assert workspace() == tmp_path / "home"
    assert [b.label for b in start(agree=False).button] == ["Try the sample clip"]


def test_a_host_has_limits_that_its_settings_change(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = settings()
    assert now.hosted and not now.training
    assert (now.max_upload_mb, now.max_minutes, now.keep_minutes, now.training_minutes) == (100, 5, 60, 5)
    assert limits().max_bytes == 100 * 1024**2 and limits().max_seconds == 300 and limits().max_pixels == 2560 * 1440
    monkeypatch.setenv("FER_MAX_MINUTES", "2")
    monkeypatch.setenv("FER_TRAINING", "1")
    assert settings().max_minutes == 2 and settings().training
    for off in ("0", "false", "", "off", "No"):
        monkeypatch.setenv("FER_HOSTED", off)
        assert not settings().hosted


def test_settings_may_stand_in_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.app.settings.st.secrets", _Secrets(FER_HOSTED=True, FER_MAX_MINUTES=3, FER_NOTICE="Hello."))
    now = settings()
    assert now.hosted and now.max_minutes == 3 and now.notice == "Hello."


def test_the_secrets_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = _Secrets(FER_MAX_MINUTES=3)
    monkeypatch.setattr("ui.app.settings.st.secrets", secrets)
    first = settings()
    for _ in range(20):
        assert settings() is first, "and what they say is worked out once"
    assert secrets.asked == 1
    monkeypatch.setenv("FER_KEEP_MINUTES", "7")
    assert settings().keep_minutes == 7 and settings().max_minutes == 3


class _Secrets(dict):
    asked = 0

    def load_if_toml_exists(self) -> bool:
        self.asked += 1
        return True


@pytest.mark.parametrize("nonsense", ["nan", "-5", "many", "inf", "1e400"])
def test_nonsense_in_a_setting_does_no_harm(hosted: None, monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    for name in ("FER_MAX_UPLOAD_MB", "FER_MAX_MINUTES", "FER_MAX_PIXELS", "FER_KEEP_MINUTES", "FER_WAITING"):
        monkeypatch.setenv(name, nonsense)
    now = settings()
    assert 1 <= now.max_upload_mb <= 2000 and now.max_pixels >= 1 and now.max_minutes > 0 and now.waiting >= 1


def test_a_visitor_reads_the_notice_first(hosted: None) -> None:
    app = start(agree=False)
    assert "A face is not a feeling" in said(app) and "Nothing is kept" in said(app)
    assert not app.file_uploader and [b.label for b in app.button] == [GO_ON]
    button(app, GO_ON).click().run()
    assert not app.exception
    assert app.file_uploader and "A face is not a feeling" not in said(app)
    assert "when you close this page" in said(app)


def test_the_folder_for_clips_is_the_owners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(SAMPLE.read_bytes())
    monkeypatch.setattr("ui.video.upload.VIDEOS", tmp_path)
    assert [s.options for s in start(agree=False).selectbox] == [["mine.mp4"]]
    monkeypatch.setenv("FER_HOSTED", "1")
    app = start()
    assert not app.selectbox and "Up to 100 MB and 5 minutes" in said(app)


def test_the_server_itself_refuses_a_larger_upload(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "7")
    before = config.get_option("server.maxUploadSize")
    try:
        start()
        assert config.get_option("server.maxUploadSize") == 7
    finally:
        config.set_option("server.maxUploadSize", before)


def test_the_about_page_needs_no_agreement(hosted: None) -> None:
    app = start("about", agree=False)
    assert "only you can see" in said(app) and GO_ON not in [b.label for b in app.button]


def test_the_notice_is_the_hosts_own_or_off(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_NOTICE", "**Our rules** apply.")
    app = start(agree=False)
    assert "**Our rules** apply." in said(app) and "feeling" not in said(app)
    button(app, GO_ON).click().run()
    assert app.session_state["live-consent"], "the same words are not shown again before the camera"
    monkeypatch.setenv("FER_NOTICE", "off")
    assert start(agree=False).file_uploader


def test_a_child_can_read_the_notice() -> None:
    sentences = [s for s in notice().replace("*", "").replace("\n", " ").split(". ") if s.strip()]
    counts = [len(s.split()) for s in sentences]
    assert max(counts) <= 35 and sum(counts) / len(counts) <= 13


def test_a_visitors_models_are_not_anothers(hosted: None, tmp_path: Path) -> None:
    first, second = start(), start()
    homes = [visits().get(app.session_state["visit"]).folder for app in (first, second)]
    assert homes[0] != homes[1] and all(folder.is_dir() and folder.parent == visits().root for folder in homes)
    shipped = load_model().folder
    own = homes[0] / "models" / "mine"
    own.mkdir(parents=True)
    for file in ("card.json", "model.tflite"):
        (own / file).write_bytes((shipped / file).read_bytes())
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / "hosts").symlink_to(own)
    offered = [next(s for s in upload(app).selectbox if s.label == "Model").options for app in (first, second)]
    assert len(offered[0]) == len(offered[1]) + 1
    assert workspace() == visits().root / "nobody", "without a page, nobody's home"


def test_what_was_brought_and_made_goes_with_the_visit(hosted: None) -> None:
    app = upload(start())
    name = app.session_state["visit"]
    visit = visits().get(name)
    assert [folder.is_dir() for folder in visit.brought] == [True]
    button(app, "Analyse").click().run()
    (job_id,) = visit.jobs
    job = jobs().find(job_id)
    assert not visit.brought
    until(lambda: job.state is not State.WAITING)
    other = upload(start())
    visits().end(name)
    until(lambda: job.state.ended and not job.folder.exists())
    assert jobs().find(job_id) is None and not visit.folder.exists()
    app.run()
    assert not app.exception
    assert "Your visit ended" in said(app) and button(app, GO_ON)
    assert visits().get(other.session_state["visit"]) is not None, "the visit of somebody else goes on"
    assert button(other.run(), "Analyse")


def test_a_result_goes_with_the_visit_that_looked_at_it_last(hosted: None) -> None:
    mine = Visits()
    try:
        first, second = mine.start("a"), mine.start("b")
        mine.look(mine.get(first), "job")
        mine.look(mine.get(second), "job")
        assert mine.get(first).jobs == set() and mine.get(second).jobs == {"job"}
    finally:
        mine.close()
    assert not mine.root.exists()


def test_a_visit_ends_when_its_tab_is_closed_or_nothing_is_done(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, open_tabs = Visits(), {"idle", "busy"}
    monkeypatch.setattr("ui.app.browser_tabs._is_open", lambda session: session in open_tabs)
    try:
        names = {session: mine.start(session) for session in ("closed", "blinked", "idle", "busy")}
        for name in names.values():
            (mine.get(name).folder / "datasets").mkdir()
        tabs()._tabs["closed"].open -= patience() + 1
        tabs()._tabs["blinked"].open -= patience() / 2
        mine.get(names["idle"]).seen -= 60 * 60 + 1
        mine.get(names["busy"]).seen -= 60 * 59
        folders = {session: mine.get(name).folder for session, name in names.items()}
        tabs().sweep()
        mine.sweep()
        assert {session for session, name in names.items() if mine.get(name)} == {"blinked", "busy"}
        assert {session for session, folder in folders.items() if folder.exists()} == {"blinked", "busy"}
    finally:
        mine.close()


def test_a_visitor_has_a_fair_share_of_the_queue(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_PER_VISITOR", "1")
    app = upload(start())
    visits().get(app.session_state["visit"]).jobs.add("running")
    real = jobs().find
    busy = type("Job", (), {"state": State.RUNNING})()
    monkeypatch.setattr(jobs(), "find", lambda job_id: busy if job_id == "running" else real(job_id))
    button(app, "Analyse").click().run()
    assert not app.exception
    assert "You have 1 task running or waiting already" in said(app)


def test_the_about_page_says_how_often_for_whom_and_what_not() -> None:
    text = said(start("about", agree=False))
    for words in ("not a feeling", "Article 5(1)(f)", "not measured", "Children", "skin", "Licences", "stay until you"):
        assert words in text
    assert "nan" not in text


def test_the_docs_name_the_licences() -> None:
    readme = (ROOT / "docs" / "licenses.md").read_text(encoding="utf-8")
    for name, (license, _) in (SHIPPED | BROUGHT).items():
        for part in [*name.split(", "), *license.split(", ")]:
            assert part in readme, part
