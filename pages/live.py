"""Live: see your own expression named while you look into the camera, and keep the session."""

from dataclasses import asdict

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from fer_core.errors import FerError
from fer_core.live.session import LiveSession
from fer_core.models.registry import active_bundle, load_model
from ui.app.browser_tabs import here
from ui.app.page import frame
from ui.app.resources import drawing, models, models_left_out, ready, usable
from ui.app.settings import settings
from ui.components.active_model import in_use, warn_of
from ui.components.options import STEADINESS
from ui.components.results import show_results
from ui.live.camera import SIZES, TRANSLATIONS, WRONG, camera_state
from ui.live.consent import agreed, ask
from ui.live.ice_servers import ice_servers
from ui.live.monitor import STALLED, controls, now, runs, watch
from ui.live.snapshot import pictures
from ui.live.state import Choice, Stage, callback, folder, places
from ui.live.webrtc_patches import keep_flowing

KEY = "camera"

frame("pages/live.py")


def make(stage: Stage) -> LiveSession | None:
    """The session of a stream that starts; None where all places are taken."""
    # Again, as a setting that was changed right before the start comes together with it.
    last = asdict(stage.choice)
    choice = stage.choice = Choice(**{name: st.session_state.get(name, value) for name, value in last.items()})
    model = usable(choice.model)
    session = LiveSession(
        ready(model),
        name=f"Live session {now():%Y-%m-%d %H-%M}",
        smoothing=STEADINESS[choice.steadiness],
        confidence_threshold=load_model(model).confidence_threshold,
        side=max(SIZES[choice.size]),
        mirror=st.session_state.get("mirror", True),
        max_seconds=60 * settings().live_minutes,
        busy=drawing,
    )
    if not places().take(session):
        return None
    if choice.record:
        session.annotated = folder(session) / "annotated.mp4"
    return session


def choose(stage: Stage) -> None:
    """Settings before the start."""
    titles = models()
    in_use()
    with st.container(border=True):
        size = st.segmented_control(
            "Picture",
            list(SIZES),
            default=stage.choice.size,
            required=True,
            key="size",
            help="What the camera is asked for: "
            + ", ".join(f"{name} {width} × {height}" for name, (width, height) in SIZES.items())
            + " pixels. Larger pictures look better and need a faster network.",
        )
        record = st.toggle(
            "Record the annotated clip",
            stage.choice.record,
            key="record",
            help="An MP4 without sound, for you to download afterwards. Without it no picture is stored.",
        )
        with st.expander("More settings", icon=":material/tune:"):
            steadiness = st.segmented_control(
                "Steadiness",
                list(STEADINESS),
                default=stage.choice.steadiness,
                required=True,
                key="steadiness",
                help="How much the reading is calmed over time. The table always has the raw values too.",
            )
            model = st.selectbox("Model", list(titles), format_func=lambda name: titles[name], key="model")
            models_left_out()
    stage.choice = Choice(size or "Normal", steadiness or "Normal", model or "", bool(record))


@st.fragment(run_every=3.0)
def wait() -> None:
    """All places are taken; the page goes on by itself when one is free."""
    if places().free() > 0:
        st.rerun()
    count = settings().live_viewers
    taken = "The one place for live video is" if count == 1 else f"All {count} places for live video are"
    st.info(
        f"{taken} taken. Please wait: this page goes on by itself as soon as one is free. “Single pictures” works now.",
        icon=":material/groups:",
    )


@st.fragment(run_every=1.0)
def finishing(session: LiveSession) -> None:
    """The recording is still written; the result is drawn again when it is whole."""
    if not session.recording_pending:
        st.rerun()
    st.info("The recording is being finished. It appears here in a moment.", icon=":material/hourglass_top:")


def live(stage: Stage, turn: int) -> None:
    """The camera's picture on the left; settings, then figures and timeline on the right.

    Args:
        stage: of this viewer.
        turn: of the stage when this run of the page began.
    """
    stream = st.session_state.get(KEY)
    active = runs(stream)
    if active and stage.session is None:
        turn += stage.begin(lambda: make(stage))
    session = stage.session
    if active and session is None:
        active = False
        st.session_state.pop(KEY, None)
    if not active and session is None and places().free() <= 0:
        wait()
        return
    servers = ice_servers()
    ready(usable(stage.choice.model))
    with st.container():  # always there: the stream would end if its place in the page changed
        if not active:
            if stage.problem:
                st.error(stage.problem, icon=":material/wifi_off:")
            if (state := camera_state()) in WRONG:
                st.error(WRONG[state], icon=":material/videocam_off:")
    left, right = st.columns([3, 2], gap="medium")
    with right:
        if active and session is not None:
            if session.model is not None:
                warn_of(session.model)
            watch(session, KEY)
        else:
            choose(stage)
    width, height = SIZES[stage.choice.size]
    with left:
        if stream is not None:
            # streamlit-webrtc 0.72 to 0.79 takes a stream for one of a page that was left when several reruns overlap,
            # and kills it. That test is switched off here; `entered` below does its work.
            stream._last_rendered_run_count = None
        keep_flowing()
        webrtc_streamer(
            key=KEY,
            mode=WebRtcMode.SENDRECV,
            # Always explicit: without it the library would ask third parties, with the tokens of this machine.
            rtc_configuration={"iceServers": servers},
            media_stream_constraints={
                "video": {"width": {"ideal": width}, "height": {"ideal": height}, "frameRate": {"ideal": 30}},
                "audio": False,
            },
            # Of this session alone: the last of an earlier stream may come when the next has begun.
            video_frame_callback=callback(session) if session else None,
            on_video_ended=session.close if session else None,  # the tab was closed, or the network failed
            video_html_attrs={"autoPlay": True, "muted": True, "playsInline": True, "style": {"width": "100%"}},
            translations=TRANSLATIONS,
            async_processing=True,  # with False the frames would be drawn on the server's event loop
        )
        if active and session is not None:
            controls(session)
        else:
            st.caption(
                "Press **Start** and allow the camera. The first picture takes a second or two.  \n"
                ":material/lock: The session is deleted within a few minutes after you close or reload this page."
            )
    if not active:
        stage.finish(STALLED)
    if stage.turn != turn:
        st.rerun()


if "live-stage" not in st.session_state:
    st.session_state["live-stage"] = Stage()
    here(st.session_state["live-stage"].leave)
stage: Stage = st.session_state["live-stage"]
if st.session_state.get("entered"):
    st.session_state.pop(KEY, None)  # its stream ended when the page was left
    stage.finish(STALLED)
    st.session_state["entered"] = False
turn = stage.turn
try:
    if stage.result is not None:
        if stage.result.recording_pending:
            finishing(stage.result)
        with st.popover("New session", icon=":material/add:", type="primary"):
            st.markdown("A new session deletes this one with its recording. Download first what you want to keep.")
            st.button("Delete and start anew", icon=":material/delete_forever:", on_click=stage.forget, key="over")
        show_results(stage.result, f"live-{id(stage.result)}")
        if stage.result.recording_error:
            st.warning(stage.result.recording_error, icon=":material/error:")
    else:
        st.title("Your expression, live", anchor=False)
        if not agreed():
            ask()
        else:
            way = st.segmented_control(
                "Camera",
                ["Live video", "Single pictures"],
                default="Live video",
                required=True,
                key="way",
                label_visibility="collapsed",
            )
            if way == "Single pictures":
                stage.finish(STALLED)
                if stage.turn != turn:
                    st.rerun()
                in_use()
                pictures(ready(active_bundle()))
            else:
                live(stage, turn)
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
