"""One clip of a study: the same view as of a single clip; names are kept."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from fer_core.studies.library import open_study
from fer_core.studies.manifest import StudyError
from ui.app.formatting import escaped
from ui.components.results import show_results
from ui.studies.common import go_to
from ui.studies.overview import matching

__all__ = ["show_clip"]


def show_clip(name: str, folder: str) -> None:
    """Draw a clip's result, with the way to the next and the previous one.

    Args:
        name: of the study.
        folder: name of the clip's folder.
    """
    study = open_study(name)
    found = st.session_state.get(f"search-{name}") or "", st.session_state.get(f"states-{name}") or []
    readable = [entry for entry in matching(study.clips(), *found) if study.has_result(entry)]
    if folder not in [entry.folder for entry in readable]:
        readable = [entry for entry in study.clips() if study.has_result(entry)]
    here = next((i for i, entry in enumerate(readable) if entry.folder == folder), None)
    if here is None:
        raise StudyError("This clip has no result yet, or is no longer in the study.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            escaped(name), icon=":material/arrow_back:", type="tertiary", on_click=go_to, args=(name,), key="to-study"
        )
        for step, label, icon in ((-1, "Previous", "chevron_left"), (1, "Next", "chevron_right")):
            there = here + step
            at = readable[there].folder if 0 <= there < len(readable) else ""
            st.button(
                label,
                icon=f":material/{icon}:",
                on_click=go_to,
                args=(name, at),
                disabled=not at,
                key=f"clip-{label.lower()}",
            )
        st.caption(f"{here + 1} of {len(readable)}")
    entry = readable[here]
    if entry.state in ("waiting", "running"):
        st.info("It is being analysed again; this is the result so far kept.", icon=":material/refresh:")
    stored = study.result(entry)
    key = f"study-{entry.folder}-{stored.facts.settings_key}"
    stored.names = st.session_state.setdefault(f"{key}-names", stored.names)  # they know what can be taken back
    if stored.names != stored.kept_names:  # one was changed, and the page is drawn anew: keep it before anything else
        try:
            stored.rename(stored.names)
        except FerError as error:
            st.error(str(error), icon=":material/error:")
    show_results(stored, key)
