"""The page for clips without a browser: its states, its words, its settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import streamlit as st
from helpers.fakes import portrait
from streamlit.testing.v1 import AppTest

from fer_core.datasets import library
from fer_core.models.registry import DEFAULT, SHIPPED, set_active
from fer_core.studies.library import RECENT, create_study, open_study
from ui.app.resources import drawing, jobs
from ui.app.settings import SAMPLE, settings
from ui.app.warmup import HEAVY, warm

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = str(ROOT / "pages" / "video.py")


@pytest.fixture(autouse=True)
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a queue and a home of its own."""
    monkeypatch.setenv("FER_HOME", str(tmp_path / "own-home"))
    st.cache_resource.clear()
    yield
    jobs().close()
    st.cache_resource.clear()


def start(page: str = PAGE) -> AppTest:
    app = AppTest.from_file(page, default_timeout=60).run()
    assert not app.exception
    return app


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, data, "application/octet-stream")).run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(b for b in app.button if b.label == label)


def the_job(app: AppTest):
    value = app.query_params["job"]
    return jobs().get(value if isinstance(value, str) else value[0])


def finish(app: AppTest, seconds: float = 90) -> AppTest:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = the_job(app)
        if job is not None and job.state.ended:
            app.run()
            assert not app.exception
            return app
        time.sleep(0.1)
    raise AssertionError("the analysis did not end")


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.title, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def test_it_starts_with_ways_to_a_clip_and_what_an_expression_is() -> None:
    app = start()
    assert len(app.file_uploader) == 1
    assert button(app, "Try the sample clip")
    assert "not what somebody feels" in words(app)


def test_app_leads_to_the_first_page() -> None:
    library._drawn_once.cache_clear()
    warm.clear()
    app = start(str(ROOT / "app.py"))
    warming = warm()
    assert button(app, "Try the sample clip")
    warming.join(180)
    assert set(HEAVY) <= set(sys.modules), "what is slow to import is there before a button needs it"
    assert library._drawn_once.cache_info().currsize == 1


def test_the_sample_is_one_click() -> None:
    app = start()
    button(app, "Try the sample clip").click().run()
    assert not app.exception
    finish(app)
    assert "people" in words(app)
    assert len(app.get("video")) == 1
    assert len(app.get("vega_lite_chart")) >= 4
    assert {b.label for b in app.get("download_button")} >= {"Annotated clip (MP4)", "Table (CSV)", "Everything (JSON)"}


def the_sample(app: AppTest) -> AppTest:
    button(app, "Try the sample clip").click().run()
    return finish(app)


def people_of(app: AppTest) -> list[str]:
    return list(dict.fromkeys(field.value for field in app.text_input if field.label == "Name"))


def together(app: AppTest) -> tuple[int, int]:
    """Two tracks that are on screen together."""
    return min(the_job(app).work.recorder.overlaps())


def name_field(app: AppTest, track: int):
    return next(field for field in app.text_input if field.value == f"Person {track + 1}")


def test_names_belong_to_the_result_and_survive_a_reload() -> None:
    app = the_sample(start())
    name_field(app, 0).set_value("Grace").run()
    assert "Grace" in people_of(app)
    assert any("Grace" in b.label for b in app.button), "key moments have the name"
    again = AppTest.from_file(PAGE, default_timeout=60)
    again.query_params["job"] = the_job(app).id
    again.run()
    assert "Grace" in people_of(again)
    assert "Grace" in set(the_job(app).work.result().table["person"])
    button(again, "Draw these names into the clip").click().run()
    end = time.monotonic() + 90
    while the_job(app).work.drawn_names != {0: "Grace"}:
        assert time.monotonic() < end
        time.sleep(0.1)
    again.run()
    assert "Draw these names into the clip" not in [b.label for b in again.button]


def test_two_who_are_on_screen_together_cannot_share_a_name() -> None:
    app = the_sample(start())
    one, other = together(app)
    before = people_of(app)
    name_field(app, one).set_value(f"Person {other + 1}").run()
    assert "on screen at the same time" in words(app)
    assert people_of(app) == before
    app.run()
    assert "on screen at the same time" not in words(app)


def test_those_who_look_alike_are_joined_one_pair_at_a_time_and_parted_again() -> None:
    app = the_sample(start())
    before = people_of(app)
    assert "Some look alike" in words(app)
    assert "Is this the same person?" in words(app)
    button(app, "Same person").click().run()
    assert len(people_of(app)) == len(before) - 1
    button(app, "Undo").click().run()
    assert people_of(app) == before
    asked = 0
    while any(b.label == "Same person" for b in app.button):
        button(app, "Different people").click().run()
        asked += 1
    assert asked >= 2 and people_of(app) == before
    assert "Some look alike" not in words(app)


def test_a_result_leads_on_to_the_same_clip_again_and_stays() -> None:
    app = the_sample(start())
    first = the_job(app)
    button(app, "Analyse again with other settings").click().run()
    assert not app.exception and "job" not in app.query_params
    assert "0:15 long" in words(app)
    app.slider[0].set_value((4.0, 5.0))
    button(app, "Analyse").click().run()
    finish(app)
    assert the_job(app) is not first and the_job(app).work.name == SAMPLE.name
    assert jobs().find(first.id) is first
    button(app, "New clip").click().run()
    assert len(app.file_uploader) == 1 and jobs().find(first.id) is first


def test_a_result_names_its_model_and_says_when_it_is_not_to_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    folder = tmp_path / "models" / "toy"
    shutil.copytree(SHIPPED / DEFAULT, folder)
    card = json.loads((folder / "card.json").read_text())
    card |= {"title": "Toy", "data": {"trained_on": "synthetic, Training, 1,750 images"}}
    (folder / "card.json").write_text(json.dumps(card))
    app = the_sample(start())
    assert "Analysed with the model **Expression S**" in words(app) and "drawn faces" not in words(app)
    set_active("toy")
    app = start()
    assert "drawn faces" in words(app)
    assert "drawn faces" in words(the_sample(app)) and "with the model **Toy**" in words(app)


def test_a_picture_is_described_as_a_picture() -> None:
    picture = cv2.imencode(".png", portrait())[1].tobytes()
    app = upload(start(), "portrait.png", picture)
    button(app, "Analyse").click().run()
    finish(app)
    assert "One person: happy" in words(app) and "most of the time" not in words(app)
    assert re.search(r"Happy \(\d+%\)", words(app)) and "Seen for" not in words(app)
    labels = {b.label for b in app.get("download_button")}
    assert "Annotated picture (JPG)" in labels and "Timeline (CSV)" not in labels
    before = the_job(app).work.preview
    name_field(app, 0).set_value("Eileen").run()
    assert the_job(app).work.preview != before, "the name is drawn into the picture at once"


def test_deleting_asks_first() -> None:
    app = the_sample(start())
    first = the_job(app)
    assert "cannot be undone" in words(app)
    button(app, "Yes, delete it").click().run()
    assert jobs().find(first.id) is None and len(app.file_uploader) == 1


def test_a_result_is_offered_again_and_goes_into_a_study() -> None:
    create_study("Pilot")
    app = upload(start(), "mine.mp4", SAMPLE.read_bytes())
    app.slider[0].set_value((0.0, 1.0))
    button(app, "Analyse").click().run()
    finish(app)
    name_field(app, 0).set_value("Ada").run()
    button(app, "Keep it there").click().run()
    assert not app.exception and "Kept in the study Pilot" in app.success[0].value
    for name in ("Pilot", RECENT):
        study = open_study(name)
        (entry,) = study.clips()
        assert (entry.name, study.result(entry).names) == ("mine.mp4", {0: "Ada"})
    assert [b.label for b in start().button if str(b.key).startswith("last-")] == ["mine.mp4"], "another visit"
    button(app, "Yes, delete it").click().run()
    assert not [b for b in start().button if str(b.key).startswith("last-")], "it is deleted there too"
    assert len(open_study("Pilot").clips()) == 1


def test_before_it_starts_it_says_how_long_and_how_much() -> None:
    app = upload(start(), "my clip.mp4", SAMPLE.read_bytes())
    assert "0:15 long, 385 frames, 640 × 360 pixels, with sound" in words(app)
    assert "154 frames will be analysed" in words(app)
    assert button(app, "Analyse")
    button(app, "Choose another clip").click().run()
    assert len(app.file_uploader) == 1


def test_settings_reach_the_analysis() -> None:
    app = upload(start(), "a.mp4", SAMPLE.read_bytes())
    app.slider[0].set_value((4.0, 6.0))
    next(t for t in app.toggle if t.label.startswith("Make a clip")).set_value(False)
    button(app, "Analyse").click().run()
    finish(app)
    table = the_job(app).work.recorder.table()
    assert table["time_s"].between(4.0, 6.0).all()
    assert table["frame"].nunique() == 20
    assert len(app.get("video")) == 0


def test_the_model_in_use_reads_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))

    def model_of(app: AppTest) -> str:
        return the_job(app).work.recognizer.classifier.bundle.name

    set_active("reference-cnn")
    app = upload(start(), "a.mp4", SAMPLE.read_bytes())
    model = next(box for box in app.selectbox if box.label == "Model")
    assert model.value == "reference-cnn" and len(model.options) == 2
    app.slider[0].set_value((4.0, 5.0))
    button(app, "Analyse").click().run()
    assert model_of(finish(app)) == "reference-cnn"
    button(app := start(), "Try the sample clip").click().run()
    assert model_of(app) == "reference-cnn"
    finish(app)
    set_active(DEFAULT)
    app = upload(start(), "a.mp4", SAMPLE.read_bytes())
    assert next(box for box in app.selectbox if box.label == "Model").value == DEFAULT


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.mp4", b"", "empty"),
        ("a.mp4", b"hello, I am a text\n" * 99, "cannot be used"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_stays(name: str, data: bytes, says: str) -> None:
    app = upload(start(), name, data)
    assert len(app.error) == 1
    assert says in app.error[0].value
    assert list(jobs()._root.iterdir()) == []
    assert len(app.file_uploader) == 1


def test_a_clip_over_the_limits_is_refused_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_MAX_MINUTES", "0.1")
    app = upload(start(), "a.mp4", SAMPLE.read_bytes())
    assert "long" in app.error[0].value
    assert list(jobs()._root.iterdir()) == []


def test_a_clip_without_a_face_is_a_result(tmp_path: Path) -> None:
    app = upload(start(), "a.mp4", SAMPLE.read_bytes())
    app.slider[0].set_value((7.5, 9.0))
    button(app, "Analyse").click().run()
    finish(app)
    assert "No face was found" in words(app)
    assert len(app.get("video")) == 1


def test_an_unknown_job_is_said() -> None:
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["job"] = "gone"
    app.run()
    assert not app.exception
    assert "no longer kept" in words(app)


def test_markup_in_a_name_stays_text() -> None:
    app = upload(start(), "**bold** :red[x] $y$.mp4", SAMPLE.read_bytes())
    assert r"\*\*bold\*\*" in words(app)


def test_hosted_shows_no_folder_of_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ui.video.upload.VIDEOS", tmp_path)
    (tmp_path / "mine.mp4").write_bytes(SAMPLE.read_bytes())
    assert [s.label for s in start().selectbox] == ["Or one of your videos folder"]
    monkeypatch.setenv("FER_HOSTED", "1")
    app = start()
    button(app, "I understand, go on").click().run()
    assert app.file_uploader and [s.label for s in app.selectbox] == []


def test_settings_have_defaults_and_forgive_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_MAX_MINUTES", "many")
    assert settings().max_minutes == float("inf")
    monkeypatch.setenv("FER_MAX_MINUTES", "2.5")
    assert settings().max_minutes == 2.5


def test_every_setting_is_documented() -> None:
    sources = [*ROOT.glob("ui/**/*.py"), *ROOT.glob("fer_core/**/*.py"), *ROOT.glob("pages/*.py")]
    names = {name for path in sources for name in re.findall(r"FER_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))}
    assert "FER_MAX_MINUTES" in names
    readme = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in readme] == []


def test_the_first_look_does_not_wait_for_pandas_and_altair() -> None:
    modules = "ui.app.page, ui.video.upload, ui.app.settings, ui.app.resources"
    code = f"import sys, {modules}; print(*{{'pandas', 'altair'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_queue_knows_when_a_page_is_drawn() -> None:
    def page() -> None:
        import streamlit as st

        from ui.app.resources import drawing

        st.write(str(drawing()))

    app = AppTest.from_function(page, default_timeout=60).run()
    assert app.markdown[0].value == "True", "Streamlit draws in threads of another name"
    assert not drawing()
