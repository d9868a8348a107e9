"""What the parts of the page of studies share: addresses, bounds, and the words for states."""

from __future__ import annotations

import math

import streamlit as st

from fer_core.studies.adding import Bounds
from fer_core.studies.launcher import launch
from fer_core.studies.study import Study
from fer_core.video.limits import Limits
from ui.app.settings import settings

__all__ = ["STATES", "bounds", "go_to", "limits", "start", "tell_problem"]

STATES = {
    "waiting": "Waiting",
    "running": "In work",
    "done": "Analysed",
    "failed": "Failed",
    "skipped": "Skipped",
}


def go_to(study: str | None = None, clip: str | None = None) -> None:
    """Set the page's address; for callbacks, after which the page is drawn anew."""
    st.query_params.clear()
    if study is not None:
        st.query_params["study"] = study
    if clip is not None:
        st.query_params["clip"] = clip


def bounds() -> Bounds:
    """Return what a study may hold here."""
    now = settings()
    return Bounds(
        clips=None if math.isinf(now.study_clips) else int(now.study_clips),
        seconds=None if math.isinf(now.study_minutes) else 60 * now.study_minutes,
        bytes=None if math.isinf(now.study_mb) else int(now.study_mb * 1024**2),
    )


def limits() -> Limits:
    """Return what is refused of a clip here."""
    now = settings()
    return Limits(
        max_bytes=now.max_upload_mb * 1024**2 if now.hosted else None,
        max_pixels=now.max_pixels,
        max_seconds=None if math.isinf(now.max_minutes) else 60 * now.max_minutes,
    )


def start(study: Study) -> None:
    """Begin to analyse what waits; on a host one study at a time."""
    launch(study, in_turn=settings().hosted)


def tell_problem(key: str = "study-problem") -> None:
    """Show what went wrong in a callback, once."""
    for sentence in st.session_state.pop(key, []):
        st.warning(sentence, icon=":material/warning:")
