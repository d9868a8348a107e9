"""Compare models: how good each is, where it fails, and why."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import LABELS, SubsetKey
from fer_core.utils.jobs import Job, State
from ui.app.formatting import about, escaped
from ui.app.page import frame
from ui.app.resources import jobs
from ui.compare.results import show_comparison
from ui.compare.setup import Choice, addressed, choose, submit

frame("pages/compare.py")


def current() -> Job[Comparison] | None:
    """The comparison of the page's address, or else the one that was shown last before another page."""
    for name in (st.query_params.get("job"), st.session_state.get("compare-job")):
        job = jobs().get(name) if name else None
        if job is not None and isinstance(job.work, Comparison):
            if st.query_params.get("job") != job.id:
                st.query_params["job"] = job.id
            return job
    return None


def start_over() -> None:
    """Forget the comparison of this page; the models' answers are kept on disk."""
    for name in {st.query_params.pop("job", ""), st.session_state.pop("compare-job", "")}:
        jobs().forget(name)
    for name in ("data", "split", "model"):
        st.query_params.pop(name, None)


def begin(choice: Choice) -> None:
    """Start a comparison and draw the page anew, or say why it cannot be."""
    st.session_state["compare-choice"] = choice
    try:
        submit(choice)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
    else:
        st.rerun()


@st.fragment(run_every=1.0)
def watch(job: Job[Comparison]) -> None:
    """Progress of a comparison that waits or runs; the whole page is drawn anew when it ends."""
    job.touch()
    if job.state.ended:
        st.rerun()
    work = job.work
    st.subheader(f"{escaped(work.dataset_name)} · {escaped(work.split)}", anchor=False)
    if job.state is State.WAITING:
        st.progress(0.0, f"Waiting: number {jobs().position(job) + 1} in the queue")
    else:
        words = f"{escaped(work.doing)} · {work.progress:.0%}{about(work.seconds_left)}"
        st.progress(min(work.progress, 1.0), words)
    st.button("Stop and keep what is done", icon=":material/stop_circle:", on_click=job.cancel, key="cancel")
    for evaluation in list(work.evaluations):
        accuracy = evaluation.figures[SubsetKey(LABELS)]["accuracy"]
        st.markdown(f":material/check: {escaped(evaluation.predictor.title)}: **{accuracy:.1%}** right")


@st.fragment(run_every=60.0)
def still_here(job: Job[Comparison]) -> None:
    """Keeps the result while its page is open."""
    job.touch()


st.title("Compare models", anchor=False)
try:
    job = current()
    if job is not None and not job.state.ended:
        watch(job)
    elif job is not None:
        show_comparison(job, again=start_over)
        still_here(job)
    else:
        st.markdown("How good is a model, where does it fail, and why? Ask some of them about the same images.")
        if (kept := addressed()) is not None and st.session_state.get("compare-choice") != kept:
            # The server was started anew, or nobody had looked for long: the answers are on disk, so it takes a moment.
            begin(kept)
        if (choice := choose(st.session_state.get("compare-choice"))) is not None:
            begin(choice)
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
