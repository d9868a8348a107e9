"""The live page without a browser: its states, its words, its settings. The stream itself is in test_browser_live."""

from __future__ import annotations

import base64
import io
import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
import streamlit as st
from helpers.fakes import FakeRecognizer, patch_frame, portrait
from streamlit.testing.v1 import AppTest

from fer_core.errors import OptionError
from fer_core.live.session import LiveSession
from fer_core.models.registry import DEFAULT, load_model, set_active
from ui.app.resources import drawing
from ui.live.camera import WRONG
from ui.live.consent import NOTICE, notice
from ui.live.ice_servers import ice_servers
from ui.live.state import Places, Stage, callback, folder, places

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = str(ROOT / "pages" / "live.py")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of this machine, nothing cached, and a stream component that copes with AppTest."""
    for name in ("FER_ICE_SERVERS", "FER_TURN_URL", "TWILIO_ACCOUNT_SID", "FER_NOTICE", "FER_LIVE_VIEWERS", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: None)
    monkeypatch.setattr("ui.app.warmup.warm", lambda: None)  # app.py begins it: a thread that would outlive a test
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def start(agree: bool = True) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/live.py").run()
    assert not app.exception
    if agree:
        button(app, "I agree, go on").click().run()
        assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(b for b in app.button if b.label == label)


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.title, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def streams(app: AppTest) -> list:
    return [c for c in app.get("component_instance") if "webrtc" in c.proto.component_name]


def test_nothing_starts_before_consent() -> None:
    app = start(agree=False)
    assert "What is measured" in words(app)
    assert "not what somebody feels" in words(app)
    assert streams(app) == []
    button(app, "I agree, go on").click().run()
    assert "What is measured" not in words(app)
    assert len(streams(app)) == 1


def test_it_is_a_script_of_its_own() -> None:
    app = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not app.exception
    assert button(app, "I agree, go on")


def test_the_notice_is_the_hosts_own_or_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notice() == NOTICE
    monkeypatch.setenv("FER_NOTICE", "**Our rules** apply.")
    assert "**Our rules** apply." in words(start(agree=False))
    monkeypatch.setenv("FER_NOTICE", "off")
    assert len(streams(start(agree=False))) == 1


def test_no_third_party_is_asked_for_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    seen: dict = {}
    monkeypatch.setattr("streamlit_webrtc.component._component_func", lambda **given: seen.update(given))
    start()
    assert seen["rtc_configuration"] == {"iceServers": []}
    assert seen["media_stream_constraints"]["audio"] is False
    assert seen["media_stream_constraints"]["video"]["width"] == {"ideal": 640}


def test_what_is_chosen_is_kept_for_the_session() -> None:
    app = start()
    next(t for t in app.toggle if t.label == "Record the annotated clip").set_value(True).run()
    assert app.session_state["live-stage"].choice.record
    assert app.session_state["live-stage"].choice.size == "Normal"


def test_the_model_in_use_is_offered_and_one_that_was_deleted_does_not_stop_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    app = start()
    assert app.session_state["live-stage"].choice.model == DEFAULT
    shutil.copytree(load_model("reference-cnn").folder, tmp_path / "models" / "mine")
    set_active("mine")
    app = start()
    assert app.session_state["live-stage"].choice.model == "mine"
    shutil.rmtree(tmp_path / "models")
    app.run()
    assert not app.exception and not app.error
    assert app.session_state["live-stage"].choice.model == DEFAULT


def session_with_results(**how: object) -> LiveSession:
    session = LiveSession(FakeRecognizer(), name="Live session", side=160, **how)  # type: ignore[arg-type]
    for i in range(12):
        session.process(patch_frame([(30, 20, 50)]), i / 10)
        while session._look.waiting:
            time.sleep(0.001)
    session.close(wait=60)
    return session


def test_a_session_that_ended_is_shown_as_a_clip_is(tmp_path: Path) -> None:
    app = start()
    app.session_state["live-stage"].result = session_with_results(annotated=tmp_path / "a.mp4")
    app.run()
    assert not app.exception
    assert "One person" in words(app) and "Click a curve" in words(app)
    assert len(app.get("video")) == 1 and len(app.get("vega_lite_chart")) >= 3
    assert {b.label for b in app.get("download_button")} >= {"Annotated clip (MP4)", "Table (CSV)", "Everything (JSON)"}
    assert streams(app) == []
    button(app, "Delete and start anew").click().run()
    assert len(streams(app)) == 1


def test_without_a_recording_nothing_is_to_be_played() -> None:
    app = start()
    app.session_state["live-stage"].result = session_with_results()
    app.run()
    assert not app.exception
    assert len(app.get("video")) == 0 and "Click a curve" not in words(app) and "No curve" in words(app)


def test_a_session_without_a_face_says_what_helps() -> None:
    session = LiveSession(FakeRecognizer(), side=160)
    session.process(patch_frame([]), 0.0)
    while len(session.recorder.table()) < 1:
        time.sleep(0.001)
    session.close(wait=60)
    app = start()
    app.session_state["live-stage"].result = session
    app.run()
    assert not app.exception
    assert "into the light" in words(app)


def test_over_the_hosts_limit_a_viewer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_LIVE_VIEWERS", "1")
    other = LiveSession(FakeRecognizer())
    assert places().take(other)
    app = start()
    assert "taken" in words(app) and streams(app) == []
    other.close()
    app.run()
    assert "taken" not in words(app) and len(streams(app)) == 1


def test_places_are_free_again_when_sessions_end_or_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_LIVE_VIEWERS", "2")
    some = Places()
    one, two, three = (LiveSession(FakeRecognizer()) for _ in range(3))
    assert some.take(one) and some.take(two) and not some.take(three)
    assert some.free() == 0
    one.close()
    assert some.free() == 1 and some.take(three)
    del two
    assert some.free() == 1


def test_the_folder_of_a_recording_goes_with_its_session() -> None:
    session = LiveSession(FakeRecognizer())
    path = folder(session)
    assert path.is_dir()
    del session
    assert not path.exists()


def test_single_pictures_are_read_without_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[io.BytesIO] = []
    monkeypatch.setattr(st, "camera_input", lambda *a, **k: taken[0] if taken else None)
    app = start()
    app.session_state["way"] = "Single pictures"
    app.run()
    assert not app.exception
    assert streams(app) == []
    taken.append(io.BytesIO(cv2.imencode(".jpg", portrait())[1].tobytes()))
    app.run()
    assert not app.exception
    assert "happy" in words(app)
    assert [b.label for b in app.get("download_button")] == ["Keep this picture"]
    taken[0] = io.BytesIO(cv2.imencode(".png", patch_frame([]))[1].tobytes())
    app.run()
    assert "No face was found" in words(app)
    for bad in (b"no picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 20):
        taken[0] = io.BytesIO(bad)
        app.run()
        assert not app.exception
        assert "Take another one" in app.error[0].value


def test_a_defect_in_the_callback_gives_the_frame_back(caplog: pytest.LogCaptureFixture) -> None:
    import av

    frame = av.VideoFrame.from_ndarray(patch_frame([]), format="bgr24")
    session = LiveSession(FakeRecognizer())
    session.process = lambda *_: 1 / 0  # type: ignore[assignment,method-assign]
    for _ in range(3):
        assert callback(session)(frame) is frame
    assert "inside the program" in str(session.error)
    assert len([r for r in caplog.records if "live frame" in r.message]) == 1


def test_the_camera_s_reader_asks_whether_a_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app, made = start(), []

    class Session(LiveSession):
        def __init__(self, *args: Any, **more: Any):
            made.append(more)
            super().__init__(*args, **more)

    playing = SimpleNamespace(state=SimpleNamespace(playing=True, signalling=False))
    monkeypatch.setattr("fer_core.live.session.LiveSession", Session)
    monkeypatch.setattr("streamlit_webrtc.webrtc_streamer", lambda **_: None)
    app.session_state["camera"] = playing
    app.run()
    assert not app.exception
    assert made[0]["busy"] is drawing


def test_what_comes_of_a_session() -> None:
    stage = Stage()
    stage.finish(5)
    assert stage.result is stage.problem is None
    stage.session = LiveSession(FakeRecognizer())
    stage.finish(5)
    assert stage.result is stage.problem is stage.session is None, "stopped before it began"
    stage.session = LiveSession(FakeRecognizer())
    stage.finish(0)
    assert stage.problem == WRONG["blocked"] and stage.result is None
    stage.session = session = session_with_results()
    stage.finish(5)
    assert stage.result is session and stage.session is None and session.ended


def test_a_session_is_shown_although_another_run_of_the_page_ended_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit begins a run beside one that still waits, for the recording say, and is deaf to what the old one says.

    Right after Stop that happens often: the settings are drawn again, and with them the browser tells of its camera.
    """
    app = start()
    stage = app.session_state["live-stage"]
    stage.session = session = session_with_results()
    others = iter([True])

    def meanwhile() -> None:
        if next(others, False):
            stage.finish(5)  # the other run, while this one draws

    monkeypatch.setattr("ui.live.camera.camera_state", meanwhile)
    app.run()
    assert not app.exception
    assert stage.result is session
    assert "One person" in words(app) and streams(app) == []


def test_runs_that_overlap_end_a_session_once_and_begin_one() -> None:
    stage, wait = Stage(), threading.Event()
    made: list[LiveSession] = []

    def make() -> LiveSession:
        wait.wait(60)
        made.append(LiveSession(FakeRecognizer()))
        return made[-1]

    runs = [threading.Thread(target=stage.begin, args=(make,)) for _ in range(3)]
    for run in runs:
        run.start()
    wait.set()
    for run in runs:
        run.join()
    assert made == [stage.session] and stage.turn == 1
    stage.session = session = session_with_results()
    runs = [threading.Thread(target=stage.finish, args=(5,)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert stage.result is session and stage.session is None and stage.turn == 2
    assert not stage.begin(make), "a run that is late starts nothing beside a result"
    stage.forget()
    assert stage.begin(make) and stage.turn == 4
    assert not Stage().begin(lambda: None), "no place"


def test_every_trouble_has_words_and_something_to_do() -> None:
    assert set(WRONG) == {"insecure", "missing", "denied", "blocked", "stalled"}
    assert all("**" in text and len(text) > 40 for text in WRONG.values())


@pytest.mark.parametrize("trouble", ["insecure", "missing", "denied"])
def test_what_the_browser_says_of_the_camera_is_put_in_words(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.live.camera.camera_state", lambda: trouble)
    assert WRONG[trouble] in words(start())


def test_the_way_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ice_servers() == []
    monkeypatch.setenv("FER_TURN_URL", "turn:turn.example.org:443")
    monkeypatch.setenv("FER_TURN_USER", "me")
    monkeypatch.setenv("FER_TURN_PASSWORD", "word")
    assert ice_servers() == [{"urls": ["turn:turn.example.org:443"], "username": "me", "credential": "word"}]
    monkeypatch.setenv("FER_ICE_SERVERS", '[{"urls": ["stun:a", "turn:b"]}, {"urls": "turns:c", "username": "u"}]')
    assert ice_servers() == [{"urls": ["stun:a", "turn:b"]}, {"urls": ["turns:c"], "username": "u"}]


@pytest.mark.parametrize(
    "wrong", ["nonsense", "[1]", "[{}]", '[{"urls": []}]', '[{"urls": "http://x"}]', "3", "[null]"]
)
def test_a_way_that_cannot_be_used_is_said_in_words(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_ICE_SERVERS", wrong)
    with pytest.raises(OptionError, match="FER_ICE_SERVERS"):
        ice_servers()
    assert "FER_ICE_SERVERS" in start().error[0].value


def test_the_way_comes_from_secrets_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.secrets import Secrets

    class Told(Secrets):
        def load_if_toml_exists(self) -> bool:
            return True

        def _parse(self) -> dict:  # type: ignore[override]
            return {"FER_ICE_SERVERS": [{"urls": "turn:secret.example.org", "credential": "x"}]}

    monkeypatch.setattr(st, "secrets", Told())
    monkeypatch.setenv("FER_ICE_SERVERS", '[{"urls": "turn:other"}]')
    assert ice_servers() == [{"urls": ["turn:secret.example.org"], "credential": "x"}]


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, str]]]:
    """A stand-in for Twilio on this computer, which knows one customer: what it was asked, by whom."""
    asked: list[tuple[str, str, str]] = []

    class Stand(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            who = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            asked.append((self.command, self.path, who))
            server = {"url": "turn:t", "urls": "turn:t", "username": "u", "credential": "c"}
            body = json.dumps({"ice_servers": [server]}).encode()
            self.send_response(201 if who == "AC1:word" else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Stand) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        path = "/2010-04-01/Accounts/{account}/Tokens.json"
        monkeypatch.setattr("ui.live.ice_servers.TWILIO", f"http://127.0.0.1:{server.server_port}{path}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", "word")
        yield asked
        server.shutdown()
        thread.join()


def test_twilio_is_asked_once_with_its_own_credentials(
    twilio: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ice_servers() == ice_servers() == [{"urls": ["turn:t"], "username": "u", "credential": "c"}]
    assert twilio == [("POST", "/2010-04-01/Accounts/AC1/Tokens.json", "AC1:word")]
    st.cache_data.clear()
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "wrong")
    with pytest.raises(OptionError, match="TWILIO_AUTH_TOKEN"):
        ice_servers()


def test_the_page_says_that_twilio_cannot_be_reached(
    twilio: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.live.ice_servers.TWILIO", "http://127.0.0.1:1/{account}")
    assert "Twilio gave no servers" in start().error[0].value
