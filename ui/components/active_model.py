"""Which model reads clips and camera, where it is not the usual one, and the way back to that."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from fer_core.models.bundle import Bundle
from fer_core.models.registry import DEFAULT, active_bundle, load_model, set_active
from fer_core.reports.reliability import reliability_warning
from ui.app.formatting import quoted

__all__ = ["in_use", "warn_of"]


def in_use() -> None:
    """Say which model is in use; where it is one's own, offer to go back."""
    now = active_bundle()
    title = quoted(load_model(now).title)[1:-1]
    if now == DEFAULT:
        st.caption(f":material/neurology: Read by the model **{title}**.")
        return
    warn_of(load_model(now))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/neurology: Read by your model **{title}**.", width="content")
        st.button("Back to the usual one", key="usual-model", type="tertiary", icon=":material/undo:", on_click=_back)
    if problem := st.session_state.pop("in-use-problem", None):
        st.error(problem, icon=":material/error:")


def warn_of(model: Bundle) -> None:
    """Say why a model's answers are not to be trusted, where its card tells."""
    if words := reliability_warning(model, load_model(DEFAULT)):
        st.warning(f"The model {quoted(model.title)}: {words}", icon=":material/warning:")


def _back() -> None:
    try:
        set_active(DEFAULT)
    except FerError as error:
        st.session_state["in-use-problem"] = str(error)
        return
    # What lists of models had offered before: they offer the one in use again.
    for key in [key for key in st.session_state if str(key) == "model" or str(key).startswith("model-")]:
        del st.session_state[key]
