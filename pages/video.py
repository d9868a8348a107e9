"""Analyse a clip: choose it, watch it being read, and keep what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fer_core.errors import FerError
from fer_core.utils.jobs import Job, State
from ui.app.formatting import clock
from ui.app.page import frame
from ui.app.resources import jobs, poster
from ui.app.settings import settings
from ui.components.active_model import in_use
from ui.video.keep import analyzed_last, forget, keep_in_study, remember
from ui.video.upload import choose

if TYPE_CHECKING:
    from fer_core.analysis.clip import ClipAnalysis

# What brings pandas and Altair (a second of start-up) is imported where it is first needed: not for the first look.

frame("pages/video.py")


def welcome() -> None:
    """What one gets, and the ways to a clip."""
    now = settings()
    gone = "when you close this page" if now.hosted else f"{now.keep_minutes:g} minutes after you leave,"
    kept = "" if now.hosted else " Results of the last clips stay until you delete them."
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        st.title("Who shows which expression, and when?", anchor=False)
        st.markdown(
            "Drop a clip. You get it back with every face boxed and its expression named, a timeline for each person, "
            "and a table to keep."
        )
        choose()
        analyzed_last()
        in_use()
        st.caption(
            f":material/lock: The clip is read on the computer that runs this app, sent nowhere else, and deleted "
            f"{gone} or at once when you say so.{kept}  \n"
            ":material/info: An expression is what a face shows, not what somebody feels."
        )
    with right.skeleton(height=300):  # last: it loads the model
        right.image(
            poster(), width="stretch", caption="From the sample clip", alt="Two people with boxes and expressions"
        )


def open_job() -> Job[ClipAnalysis] | None:
    """Return the analysis that the address names; None where it names none, or a comparison."""
    job = jobs().get(st.query_params["job"]) if "job" in st.query_params else None
    if job is None:
        return None
    from fer_core.analysis.clip import ClipAnalysis

    return job if isinstance(job.work, ClipAnalysis) else None


def leave_job() -> None:
    """Take the last result out of the browser's address, once this page shows none.

    A link of the menu to the page that is open leaves the address as it was: the next press would bring the old result
    back, and what was chosen meanwhile would be gone.
    """
    if st.session_state.pop("in-address", None):
        st.query_params.clear()


def start_over() -> None:
    """Delete the job of this page with its files."""
    if (job := open_job()) is not None:
        forget(job)
    jobs().forget(st.query_params.get("job", ""))
    st.query_params.pop("job", None)


@st.fragment(run_every=1.0)
def watch(job: Job[ClipAnalysis]) -> None:
    """Progress of a job that waits or runs; the whole page is drawn anew when it ends."""
    from fer_core.analysis.episodes import episodes
    from fer_core.charts import timeline as charts

    job.touch()
    if job.state.ended:
        st.rerun()
    clip = job.work
    st.subheader(clip.name, anchor=False)
    if job.state is State.WAITING:
        ahead = jobs().position(job) + 1
        st.progress(0.0, f"Waiting: number {ahead} in the queue")
    else:
        done, left = clip.progress, clip.seconds_left
        words = [] if done is None else [f"{done:.0%}"]
        words.append(f"{clip.analyzed_frames} frames analysed")
        if left is not None:
            words.append("almost done" if left < 2 else f"about {clock(left)} left")
        st.progress(done or 0.0, " · ".join(words))
    st.button(
        "Stopping …" if job.stopping else "Stop and keep what is done",
        icon=":material/stop_circle:",
        on_click=job.cancel,
        key="cancel",
        disabled=job.stopping,
    )
    left_side, right_side = st.columns([2, 3], gap="medium")
    if clip.preview is not None:
        left_side.image(clip.preview, width="stretch", alt="The frame that is being analysed")
    if clip.analyzed_frames:
        table = clip.recorder.table()
        found = episodes(table, unsure=True)
        if len(found):
            # A new key for each newcomer: a chart that is already drawn keeps its height.
            people = table["person"].nunique()
            chart = charts.ribbon(table, found, zoom=False)
            right_side.vega_lite_chart(spec=chart, key=f"so-far-{people}", alt="Expressions found so far")
        else:
            right_side.caption("No expression found so far.")


@st.fragment(run_every=60.0)
def still_here(job: Job[ClipAnalysis]) -> None:
    """Keeps the result while its page is open."""
    job.touch()


try:
    job = open_job()
    if job is not None:
        st.session_state["in-address"] = job.id
    if job is None:
        if "job" in st.query_params:
            st.query_params.pop("job", None)
            st.info("That result is no longer kept. Choose the clip again.", icon=":material/history:")
        leave_job()
        source = st.session_state.get("source")
        if source is None:
            welcome()
        else:
            from ui.video.settings_form import start_form, submit

            at_once = st.session_state.pop("at-once", False)
            (submit if at_once else start_form)(source)
    elif not job.state.ended:
        watch(job)
    elif job.error is not None and not job.work.analyzed_frames:
        st.error(job.error, icon=":material/error:")
        st.button("Choose another clip", icon=":material/arrow_back:", on_click=start_over, key="over")
    elif not job.work.analyzed_frames:
        st.info("The analysis was stopped before it began.", icon=":material/pause_circle:")
        st.button("Choose another clip", icon=":material/arrow_back:", on_click=start_over, key="over")
    else:
        if job.error is not None:
            st.error(job.error, icon=":material/error:")
        from ui.components.results import show_results
        from ui.video.ways_on import ways_on

        ways_on(job.work, start_over)
        show_results(job.work, job.id)
        remember(job)
        keep_in_study(job)
        still_here(job)
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
