"""A single clip's result, kept: among the clips analysed last, and into a study with one press."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.errors import FerError
from fer_core.utils.jobs import Job
from ui.app.formatting import escaped
from ui.app.settings import settings

if TYPE_CHECKING:
    from fer_core.analysis.clip import ClipAnalysis

__all__ = ["analyzed_last", "forget", "keep_in_study", "remember"]

OFFERED = 4


def remember(job: Job[ClipAnalysis]) -> None:
    """Put a finished analysis among those made last, with the names given so far; not on a host."""
    if settings().hosted or not job.work.complete:
        return
    from fer_core.studies.keeping import keep_analysis, recent_study

    names, kept = dict(job.work.names), f"{job.id}-kept"
    if st.session_state.get(kept) == names:
        return
    with suppress(FerError):  # nothing hangs on it: the result is on the page
        keep_analysis(recent_study(), job.work, names, with_source=False)
        st.session_state[kept] = names


def forget(job: Job[ClipAnalysis]) -> None:
    """Take an analysis out of those made last."""
    if settings().hosted:
        return
    from fer_core.studies.keeping import recent_study
    from fer_core.studies.work import content_hash

    with suppress(FerError, OSError):
        study = recent_study()
        entry = study.manifest.clips().get(content_hash(job.work.source))
        if entry is not None:
            study.remove(entry)


def analyzed_last() -> None:
    """Offer the clips that were analysed last, also before the server was started anew; not on a host."""
    if settings().hosted:
        return
    from fer_core.studies.library import RECENT, open_study, study_names

    if RECENT not in study_names():
        return
    with suppress(FerError):
        study = open_study(RECENT)
        entries = [entry for entry in reversed(study.clips()) if study.has_result(entry)][:OFFERED]
        if not entries:
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Analysed last:", width="content")
            for entry in entries:
                if st.button(escaped(entry.name, 30), key=f"last-{entry.folder}", icon=":material/history:"):
                    st.switch_page("pages/studies.py", query_params={"study": RECENT, "clip": entry.folder})


def keep_in_study(job: Job[ClipAnalysis]) -> None:
    """Draw the way of a result into a study."""
    if not job.work.complete:
        return
    from fer_core.studies.library import RECENT, study_names

    names = [name for name in study_names() if name != RECENT]
    with st.popover("Keep in a study", icon=":material/folder_copy:"):
        name = st.selectbox(
            "Study", names, key="keep-study", accept_new_options=True, placeholder="Choose one, or type a new name"
        )
        if st.button("Keep it there", type="primary", key="keep-in-study", disabled=not name):
            _keep(job, str(name))


def _keep(job: Job[ClipAnalysis], name: str) -> None:
    from fer_core.studies.keeping import keep_analysis
    from fer_core.studies.library import create_study, open_study, study_names
    from ui.components.study_bounds import bounds

    try:
        study = open_study(name) if name in study_names() else create_study(name)
        keep_analysis(study, job.work, job.work.names, bounds=bounds())
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.success(f"Kept in the study {escaped(study.name)}.", icon=":material/check:")
