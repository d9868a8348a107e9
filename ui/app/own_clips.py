"""The clips of this visit, on every page: those under way with how far they are, and the results of the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fer_core.utils.jobs import Job, State
from ui.app.formatting import escaped
from ui.app.resources import jobs

if TYPE_CHECKING:
    from fer_core.analysis.clip import ClipAnalysis

__all__ = ["add_clip", "own_clips"]

SHOWN = 4
"""Buttons at most, the newest first; more would push the page down."""


def add_clip(job: Job[ClipAnalysis]) -> None:
    """Remember that this visit analyses a clip."""
    st.session_state.setdefault("own-clips", []).append(job.id)


def own_clips(page: str) -> None:
    """Draw a button to each clip of this visit but the one that the page shows; nothing where there is none.

    Args:
        page: where the results are.
    """
    kept = [job for name in st.session_state.get("own-clips", []) if (job := jobs().get(name)) is not None]
    st.session_state["own-clips"] = [job.id for job in kept]
    others = [job for job in reversed(kept) if job.id != st.query_params.get("job")][:SHOWN]
    if any(not job.state.ended for job in others):
        st.fragment(_buttons, run_every=2.0)(others, page)
    elif others:
        _buttons(others, page)


def _buttons(clips: list[Job[ClipAnalysis]], page: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for job in clips:
            job.touch()
            state, icon = _state(job)
            words = f"{escaped(job.work.name, 30)} · {state}"
            # A button: a link to the page that is open would leave its address as it is.
            if st.button(words, icon=f":material/{icon}:", type="tertiary", key=f"own-{job.id}"):
                st.switch_page(page, query_params={"job": job.id})


def _state(job: Job[ClipAnalysis]) -> tuple[str, str]:
    """Return the words and icon for where an analysis stands."""
    if job.state is State.WAITING:
        return "waiting", "hourglass_empty"
    if job.state is State.RUNNING:
        done = job.work.progress
        return "analysing" if done is None else f"analysing, {done:.0%}", "hourglass_top"
    return ("failed", "error") if job.state is State.FAILED else ("result", "task_alt")
