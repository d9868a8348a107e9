"""What one can do with a result next: another clip, the same clip again, or delete it."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import streamlit as st

from fer_core.analysis.clip import ClipAnalysis
from ui.video.upload import take

__all__ = ["ways_on"]


def ways_on(clip: ClipAnalysis, delete: Callable[[], None]) -> None:
    """Draw the ways on from a result.

    Args:
        clip: analysed.
        delete: called when the person has confirmed that the clip and its result are to go.
    """
    with st.container(horizontal=True, gap="small"):
        st.button(
            "New clip",
            icon=":material/add:",
            type="primary",
            on_click=st.query_params.clear,
            key="new-clip",
            help="This result stays: a link to it is shown at the top of every page.",
        )
        again = st.button(
            "Analyse again with other settings", icon=":material/tune:", key="again", help="This result stays too."
        )
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown("Delete this clip, its result and everything made of it? This cannot be undone.")
            st.button("Yes, delete it", icon=":material/delete_forever:", on_click=delete, key="over")
    if again:
        st.query_params.clear()
        take(clip.name, lambda path: shutil.copyfile(clip.source, path))
