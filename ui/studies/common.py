"""What the parts of the page of studies share: addresses, the start of an analysis, and the words for states."""

from __future__ import annotations

import streamlit as st

from fer_core.studies.launcher import launch
from fer_core.studies.study import Study
from ui.app.settings import settings

__all__ = ["STATES", "go_to", "start", "tell_problem"]

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


def start(study: Study) -> None:
    """Begin to analyse what waits; on a host one study at a time."""
    launch(study, in_turn=settings().hosted)


def tell_problem(key: str = "study-problem") -> None:
    """Show what went wrong in a callback, once."""
    for sentence in st.session_state.pop(key, []):
        st.warning(sentence, icon=":material/warning:")
