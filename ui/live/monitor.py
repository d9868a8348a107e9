"""Beside the running camera: its controls, how it is doing, what is wrong, and the last minute."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit_webrtc import WebRtcStreamerContext

from fer_core.analysis.episodes import episodes
from fer_core.analysis.table import to_table
from fer_core.annotation.overlays import overlays
from fer_core.charts import timeline as charts
from fer_core.labels import UNSURE
from fer_core.live.history import RECENT
from fer_core.live.session import LiveSession
from fer_core.live.stats import LiveStats
from fer_core.types import FrameResult
from ui.app.settings import settings
from ui.live.camera import WRONG

__all__ = ["STALLED", "controls", "now", "runs", "watch"]

FACES_SHOWN = 3
"""Faces named in large letters; more do not fit beside the picture."""

CONNECTING, STALLED = 10.0, 5.0
"""Seconds without the first picture, and without a further one, after which something is wrong."""


def runs(stream: WebRtcStreamerContext | None) -> bool:
    """Return the viewer pressed Start and not Stop."""
    return stream is not None and (stream.state.playing or stream.state.signalling)


def now() -> datetime:
    """Return the time where the viewer is."""
    try:
        return datetime.now(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now()


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


def troubles(session: LiveSession, stats: LiveStats) -> None:
    """What is wrong, if anything, and what to do."""
    if stats.frames == 0 and stats.idle < CONNECTING:
        st.info("Connecting …", icon=":material/sync:")
    elif stats.frames == 0:
        st.error(WRONG["blocked"], icon=":material/wifi_off:")
    elif stats.idle > STALLED:
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


def present(session: LiveSession, result: FrameResult | None) -> None:
    """What each face in the picture shows now, in large letters, and whether it is recorded.

    Args:
        session: that runs.
        result: of the last frame; None where nobody is in the picture.
    """
    if session.annotated is not None and not (session.paused or session.full or session.recording_error):
        st.markdown(":red[:material/fiber_manual_record: **Recording**]")
    with st.container(horizontal=True, gap="small"):
        for mark in overlays(result.faces)[:FACES_SHOWN] if result is not None else []:
            sure = "" if mark.label == UNSURE else f" {mark.confidence:.0%}"
            st.metric(mark.name, f"{mark.label.capitalize()}{sure}", width="content")
        st.metric("Faces", session.faces, width=55)


def engine(stats: LiveStats) -> None:
    """How fast it goes, behind a press."""
    with st.expander("How fast it runs", icon=":material/speed:"):
        with st.container(horizontal=True, gap="small"):  # narrow enough for one line on a phone
            st.metric("Pictures/s", f"{stats.rate:.0f}", width=75)
            st.metric("Read/s", f"{stats.reads:.0f}", width=60)
            st.metric("Delay (ms)", f"{1000 * stats.delay:.0f}", width=90)
        late = f"95 of 100 pictures go back within {1000 * stats.delay_95:.0f} ms."
        st.caption(late if stats.age is None else f"{late} The boxes are {1000 * stats.age:.0f} ms old.")


@st.fragment(run_every=1.0)
def watch(session: LiveSession, key: str) -> None:
    """How it is going, and the last minute.

    Args:
        session: that runs.
        key: where the stream stands in the session state.
    """
    if not runs(st.session_state.get(key)):
        st.rerun()  # it was stopped while this was drawn
    stats = session.stats()
    with st.container():  # always there, so that what stands below keeps its place
        troubles(session, stats)
    if stats.frames == 0:
        return
    recent = session.recent()
    present(session, recent[-1] if recent and session.faces else None)
    engine(stats)
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
    st.vega_lite_chart(spec=chart, key=f"recent-{len(people)}", alt="Who showed which expression in the last minute")
    here = list(dict.fromkeys(table.loc[table["time_s"] > -5, "person"].dropna()))[:3]
    for person in here:
        part = table[table["person"] == person]
        st.markdown(f"**{person}**")
        st.vega_lite_chart(
            spec=charts.timeline(part, domain=span, height=90, legend=person == here[0], titled=person == here[-1]),
            key=f"curves-{person}",
            alt=f"Probability of each expression of {person} in the last minute",
        )
    st.caption("The last minute, in seconds; 0 is now.")
