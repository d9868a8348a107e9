"""Explore a dataset: what a model would learn from it, and what is wrong with it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.charts.dataset import colors_of, count_chart
from fer_core.charts.timeline import Spec, written
from fer_core.curation.summary import counts
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import SYNTHETIC, Stored
from fer_core.datasets.votes import agreement
from fer_core.errors import FerError
from ui.app.formatting import quoted
from ui.app.page import frame
from ui.components.datasets import load, shelf
from ui.components.face_grid import tiles
from ui.explore.embeddings import show_doubts, show_map
from ui.explore.human_labels import show_people
from ui.explore.image_grid import show_grid
from ui.explore.image_stats import show_light
from ui.explore.importer import bring
from ui.explore.library import choose_dataset, means, remove
from ui.explore.quality import show_faults

frame("pages/explore.py")

VIEWS = [
    "Images",
    "Mean faces",
    "Light and sharpness",
    "Labels and people",
    "Map",
    "Doubtful labels",
    "What is wrong",
]


def picked(key: str) -> None:
    """A bar was clicked, or let go: the filters follow."""
    points = st.session_state[f"{key}-chart"].selection.get("bar") or []
    st.session_state[f"{key}-labels"] = sorted({point["label"] for point in points})
    st.session_state[f"{key}-splits"] = sorted({point["split"] for point in points})


def filters(data: Dataset, key: str) -> np.ndarray:
    """Draw the filters; gives the indices of the images that pass."""
    keep = np.ones(len(data), bool)
    splits = st.multiselect("Splits", data.split_names, key=f"{key}-splits", placeholder="All")
    labels = st.multiselect("Labels", list(data.names), key=f"{key}-labels", placeholder="All")
    if splits:
        keep &= np.isin(data.splits, splits)
    if labels:
        keep &= np.isin(np.array(data.names)[data.labels], labels)
    if data.votes.any():
        low, high = st.slider("People who agree", 0, 100, (0, 100), 5, format="%d %%", key=f"{key}-agreement")
        if (low, high) != (0, 100):
            share = agreement(data.votes)
            keep &= (share >= low / 100 - 1e-9) & (share <= high / 100 + 1e-9)
    row = st.number_input("Row", 0, 10**9, None, key=f"{key}-row", placeholder="Any", help="Its place in the file.")
    if row is not None:
        keep &= data.rows == row
    return np.flatnonzero(keep)


@st.cache_data(show_spinner=False, max_entries=8)
def _counts(folder: str, fingerprint: str, _data: Dataset) -> Spec:
    return written(count_chart(counts(_data)))


def show_images(data: Dataset, stored: Stored) -> None:
    """Counts, filters and the grid."""
    key = f"explore-{data.fingerprint[:8]}"
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.vega_lite_chart(
            spec=_counts(shelf(data), data.fingerprint, data),
            key=f"{key}-chart",
            on_select=lambda: picked(key),
            selection_mode=["bar"],
            alt="Number of images of each label, by split",
        )
        st.caption("Number of images of each label. Click a bar to see its images; double-click to see all again.")
    with right:
        found = filters(data, key)
    show_grid(data, stored, found, "selection")


def show_means(data: Dataset) -> None:
    """The mean face of each label, and how much its images vary."""
    names, average, spread = means(data)
    colors = [colors_of(data.names)[name] for name in names]
    st.subheader("Mean face of each label", anchor=False)
    st.caption("What all images of a label have in common. The clearer it is, the more alike they are.")
    tiles(average, names, colors, width=104)
    st.subheader("Where they vary", anchor=False)
    st.caption("Bright is where the images of a label differ most.")
    tiles(spread, names, colors, width=104)


st.title("Explore the dataset", anchor=False)
st.markdown("See what a model learns from, and what is wrong with it.")
try:
    stored = choose_dataset()
    if problem := st.session_state.pop("explore-problem", None):
        st.error(problem, icon=":material/error:")
    bring()
    data = load(stored)
    view = st.segmented_control("View", VIEWS, default=VIEWS[0], required=True, key="explore-view")
    if view == "Mean faces":
        show_means(data)
    elif view == "Light and sharpness":
        show_light(data, stored)
    elif view == "Labels and people":
        show_people(data, stored)
    elif view == "Map":
        show_map(data, stored)
    elif view == "Doubtful labels":
        show_doubts(data, stored)
    elif view == "What is wrong":
        show_faults(data, stored)
    else:
        show_images(data, stored)
    if stored.name != SYNTHETIC:
        with st.popover("Delete this dataset", icon=":material/delete:"):
            st.markdown(f"{quoted(stored.title)} goes for good; what was trained on it stays.")
            st.button("Delete", key="explore-delete", on_click=remove, args=(stored.name,), type="primary")
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
