"""Live: see your own expression named while you look into the camera, and keep the session."""

from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from fer_core import charts
from fer_core.bundles import DEFAULT, list_bundles, load_bundle
from fer_core.errors import FerError
from fer_core.live import RECENT, LiveSession
from fer_core.pulse import Pulse
from fer_core.timeline import episodes, to_table
from ui.frame import frame
from ui.ice import ice_servers
from ui.live import SIZES, TRANSLATIONS, WRONG, Choice, Stage, callback, camera_state, folder, notice, places, ready
from ui.results import show_results
from ui.settings import settings
from ui.snapshot import pictures
from ui.start import STEADINESS

KEY = "camera"
CONNECTING, STALLED = 10.0, 5.0

frame("pages/live.py")


def begin(stage: Stage) -> bool:
    """Make the session of a stream that starts; false where all places are taken."""
    # Again, as a setting that was changed right before the start comes together with it.
    last = asdict(stage.choice)
    choice = stage.choice = Choice(**{name: st.session_state.get(name, value) for name, value in last.items()})
    session = LiveSession(
        ready(choice.model or DEFAULT),
        name=f"Live session {now():%Y-%m-%d %H-%M}",
        smoothing=STEADINESS[choice.steadiness],
        unsure_below=load_bundle(choice.model or DEFAULT).unsure_below,
        side=max(SIZES[choice.size]),
        mirror=st.session_state.get("mirror", True),
        max_seconds=60 * settings().live_minutes,
    )
    if not places().take(session):
        return False
    if choice.record:
        session.annotated = folder(session) / "annotated.mp4"
    stage.session, stage.problem = session, None
    return True


def now() -> datetime:
    """The time where the viewer is."""
    try:
        return datetime.now(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now()


def ask() -> None:
    """What is measured, before any camera starts."""
    with st.container(border=True, width=760):
        st.subheader("Before the camera starts", anchor=False)
        st.markdown(notice())
        st.button(
            "I agree, go on",
            type="primary",
            icon=":material/check:",
            key="agree",
            on_click=lambda: st.session_state.update({"live-consent": True}),
        )


def choose(stage: Stage) -> None:
    """Settings before the start."""
    models = {bundle.name: bundle.title for bundle in list_bundles()}
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
            model = st.selectbox("Model", list(models), format_func=lambda name: models[name], key="model")
    stage.choice = Choice(size or "Normal", steadiness or "Normal", model or DEFAULT, bool(record))


@st.fragment
def controls(session: LiveSession) -> None:
    """What may be done while the camera runs; a fragment, so that a press does not disturb the stream."""
    with st.container(horizontal=True, vertical_alignment="center"):
        session.paused = st.toggle(
            "Pause", key="pause", help="Nothing is read or recorded, and the session's time stands still."
        )
        session.mirror = st.toggle(
            "Mirror", True, key="mirror", help="Only what you see; what is kept is not mirrored."
        )
        st.download_button(
            "Snapshot",
            lambda: session.preview or b"",
            f"{now():%Y-%m-%d %H-%M-%S}.jpg",
            "image/jpeg",
            key="snapshot",
            icon=":material/photo_camera:",
            on_click="ignore",
            help="The picture as you see it, with its boxes.",
        )


def troubles(session: LiveSession, pulse: Pulse) -> None:
    """What is wrong, if anything, and what to do."""
    if pulse.frames == 0 and pulse.idle < CONNECTING:
        st.info("Connecting …", icon=":material/sync:")
    elif pulse.frames == 0:
        st.error(WRONG["blocked"], icon=":material/wifi_off:")
    elif pulse.idle > STALLED:
        st.error(WRONG["stalled"], icon=":material/videocam_off:")
    elif session.paused:
        st.info("Paused. Nothing is measured.", icon=":material/pause_circle:")
    for problem in (session.error, session.recording_error):
        if problem:
            st.warning(problem, icon=":material/error:")
    if session.full:
        st.warning(
            f"The session is longer than {settings().live_minutes:g} minutes: it goes on, but no more of it is kept.",
            icon=":material/hourglass_disabled:",
        )


@st.fragment(run_every=1.0)
def watch(session: LiveSession) -> None:
    """How it is going, and the last minute."""
    stream = st.session_state.get(KEY)
    if stream is None or not (stream.state.playing or stream.state.signalling):
        st.rerun()  # it was stopped while this was drawn
    pulse = session.pulse()
    with st.container():  # always there, so that what stands below keeps its place
        troubles(session, pulse)
    with st.container(horizontal=True, gap="small"):  # narrow enough for one line on a phone
        st.metric("Pictures/s", f"{pulse.rate:.0f}", width=75)
        st.metric("Read/s", f"{pulse.reads:.0f}", width=60)
        st.metric("Delay", f"{1000 * pulse.delay:.0f} ms", width=105)
        st.metric("Faces", session.faces, width=55)
    late = f"95 of 100 pictures go back within {1000 * pulse.delay_95:.0f} ms."
    st.caption(late if pulse.age is None else f"{late} The boxes are {1000 * pulse.age:.0f} ms old.")
    recent = session.recent()
    if not recent:
        return
    table = to_table(recent)
    # Seconds ago: an axis that stays as it is lets the browser move the curves on without drawing the chart anew.
    table["time_s"] -= session.seconds
    people = list(dict.fromkeys(table["person"].dropna()))
    found = episodes(table)
    if not len(found):
        st.caption("No face yet." if not people else "Looking …")
        return
    span = -RECENT, 0.0
    chart = charts.ribbon(table, found, zoom=False, domain=span)
    st.altair_chart(chart, key=f"recent-{len(people)}", alt="Who showed which expression in the last minute")
    here = list(dict.fromkeys(table.loc[table["time_s"] > -5, "person"].dropna()))[:3]
    for person in here:
        part = table[table["person"] == person]
        st.markdown(f"**{person}**")
        st.altair_chart(
            charts.timeline(part, domain=span, height=90, legend=person == here[0], titled=person == here[-1]),
            key=f"curves-{person}",
            alt=f"Probability of each expression of {person} in the last minute",
        )
    st.caption("The last minute, in seconds; 0 is now.")


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


def live(stage: Stage) -> None:
    """The camera's picture on the left; settings, then figures and timeline on the right."""
    stream = st.session_state.get(KEY)
    active = stream is not None and (stream.state.playing or stream.state.signalling)
    if active and stage.session is None and not begin(stage):
        active = False
        st.session_state.pop(KEY)
    if not active and stage.session is None and places().free() <= 0:
        wait()
        return
    if stage.problem and not active:
        st.error(stage.problem, icon=":material/wifi_off:")
    servers = ice_servers()
    ready(stage.choice.model or DEFAULT)
    left, right = st.columns([3, 2], gap="medium")
    with right:
        if active and stage.session is not None:
            watch(stage.session)
        else:
            state = camera_state()
            if state in WRONG:
                st.error(WRONG[state], icon=":material/videocam_off:")
            choose(stage)
    session, (width, height) = stage.session, SIZES[stage.choice.size]
    with left:
        if stream is not None:
            # streamlit-webrtc 0.72 to 0.79 takes a stream for one of a page that was left when several reruns overlap,
            # and kills it. That test is switched off here; `entered` below does its work.
            stream._last_rendered_run_count = None
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
                ":material/lock: Closing or reloading this page deletes the session."
            )
    if not active and stage.session is not None:
        stage.finish(STALLED)
        st.rerun()


stage: Stage = st.session_state.setdefault("live-stage", Stage())
if st.session_state.get("entered"):
    st.session_state.pop(KEY, None)  # its stream ended when the page was left
    stage.finish(STALLED)
    st.session_state["entered"] = False
try:
    if stage.result is not None:
        show_results(stage.result, f"live-{id(stage.result)}")
        if stage.result.recording_error:
            st.warning(stage.result.recording_error, icon=":material/error:")
        st.button(
            "Delete this and start over",
            icon=":material/delete:",
            on_click=lambda: setattr(stage, "result", None),
            key="over",
            help="Forgets the session, and deletes its recording from this computer's temporary folder.",
        )
    else:
        st.title("Your expression, live", anchor=False)
        if notice() and not st.session_state.get("live-consent"):
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
                if stage.session is not None:
                    stage.finish(STALLED)
                    st.rerun()
                pictures(ready(DEFAULT))
            else:
                live(stage)
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
