"""Explore a dataset: what a model would learn from it, and what is wrong with it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.datasets import SYNTHETIC, Dataset, Stored
from fer_core.errors import FerError
from fer_core.gallery import agreement, counts, listing_csv
from ui.explore_faults import show_faults, show_people
from ui.explore_intake import bring, choose_dataset, load, means, remove
from ui.explore_tiles import captions, count_chart, tiles
from ui.frame import frame
from ui.shared import quoted

frame("pages/explore.py")

VIEWS = ["Images", "Mean faces", "What is wrong", "Labels and people"]
A_PAGE = 60


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


def show_images(data: Dataset, stored: Stored) -> None:
    """Counts, filters and the grid."""
    key = f"explore-{data.fingerprint[:8]}"
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.altair_chart(
            count_chart(counts(data)),
            key=f"{key}-chart",
            on_select=lambda: picked(key),
            selection_mode=["bar"],
            alt="Number of images of each label, by split",
        )
        st.caption("Number of images of each label. Click a bar to see its images; double-click to see all again.")
    with right:
        found = filters(data, key)
    if not len(found):
        st.info("No image passes these filters.", icon=":material/filter_alt_off:")
        return
    pages = -(-len(found) // A_PAGE)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.markdown(f"**{len(found):,}** of {len(data):,} images")
        st.download_button(
            "Download this selection (CSV)",
            lambda: listing_csv(data, found),
            f"{stored.name}-selection.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"{key}-csv",
        )
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"{key}-page-{pages}")
    shown = found[(page - 1) * A_PAGE : page * A_PAGE]
    tiles(data.images[shown], captions(data, shown), [data.names[data.labels[i]] for i in shown])


def show_means(data: Dataset) -> None:
    """The mean face of each label, and how much its images vary."""
    names, average, spread = means(data)
    st.subheader("Mean face of each label", anchor=False)
    st.caption("What all images of a label have in common. The clearer it is, the more alike they are.")
    tiles(average, names, names, width=104)
    st.subheader("Where they vary", anchor=False)
    st.caption("Bright is where the images of a label differ most.")
    tiles(spread, names, names, width=104)


st.title("Explore the dataset", anchor=False)
st.markdown("See what a model learns from, and what is wrong with it.")
try:
    stored = choose_dataset()
    if problem := st.session_state.pop("explore-problem", None):
        st.error(problem, icon=":material/error:")
    bring()
    data = load(stored)
    view = st.segmented_control("View", VIEWS, default=VIEWS[0], required=True, key="explore-view")
    if view == VIEWS[1]:
        show_means(data)
    elif view == VIEWS[2]:
        show_faults(data, stored)
    elif view == VIEWS[3]:
        show_people(data)
    else:
        show_images(data, stored)
    if stored.name != SYNTHETIC:
        with st.popover("Delete this dataset", icon=":material/delete:"):
            st.markdown(f"{quoted(stored.title)} goes for good; what was trained on it stays.")
            st.button("Delete", key="explore-delete", on_click=remove, args=(stored.name,), type="primary")
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
