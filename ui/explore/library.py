"""Choosing a dataset of the library; what was read of it, and found in it, is kept for each home and content.

The built-in one is the same for all visitors of a host, and so is what was found in it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.curation.quality_report import QualityReport, check_dataset
from fer_core.curation.summary import mean_faces
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import SYNTHETIC, Stored, delete_dataset, list_datasets
from fer_core.errors import FerError
from ui.app.formatting import escaped, quoted
from ui.components.datasets import _load, shelf

__all__ = ["choose_dataset", "means", "open_next", "quality", "remove"]

NEXT = "explore-next"


@st.cache_resource(show_spinner="Looking for copies and blanks …", max_entries=4)
def _quality(folder: str, fingerprint: str, _data: Dataset) -> QualityReport:
    return check_dataset(_data)


def quality(data: Dataset) -> QualityReport:
    """Return what is wrong with a dataset."""
    return _quality(shelf(data), data.fingerprint, data)


@st.cache_resource(show_spinner="Averaging …", max_entries=4)
def _means(folder: str, fingerprint: str, _data: Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    return mean_faces(_data)


def means(data: Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    """See `gallery.mean_faces`."""
    return _means(shelf(data), data.fingerprint, data)


def choose_dataset() -> Stored:
    """Draw the library, and say what the chosen dataset is."""
    known = {stored.name: stored for stored in list_datasets()}
    wished = st.session_state.pop(NEXT, None)
    if wished in known:
        st.session_state["explore-dataset"] = wished
    elif st.session_state.get("explore-dataset") not in known:
        st.session_state.pop("explore-dataset", None)
    name = st.selectbox(
        "Dataset",
        list(known),
        format_func=lambda key: f"{known[key].title} · {known[key].images:,} images",
        key="explore-dataset",
        width=480,
    )
    if told := st.session_state.pop("explore-told", None):
        st.success(told, icon=":material/check_circle:")
    stored = known[name]
    if name == SYNTHETIC:
        st.info(
            "**These faces are drawn**, not photographed: they are there so that everything works without a download. "
            "A few faults were put in on purpose. What a model learns from them says nothing about real faces.",
            icon=":material/draw:",
        )
    elif stored.source or stored.note:
        st.caption("  \n".join(escaped(words, 400) for words in (stored.source, stored.note) if words))
    return stored


def open_next(name: str, words: str) -> None:
    """Draw the page anew with this dataset, and say something above it."""
    st.session_state[NEXT], st.session_state["explore-told"] = name, words
    st.rerun()


def remove(name: str) -> None:
    """Take a dataset out of the library."""
    try:
        delete_dataset(name)
        st.session_state["explore-told"] = f"{quoted(name)} was deleted."
    except FerError as error:
        st.session_state["explore-problem"] = str(error)
    _load.clear()
