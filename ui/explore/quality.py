"""What is wrong with a dataset: copies, what leaks, labels that contradict, near copies, blank and odd images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.curation.image_stats import outliers
from fer_core.curation.quality_report import QualityReport, near_duplicate_pairs
from fer_core.curation.summary import listing_csv
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored
from fer_core.utils.workspace import use_workspace, workspace
from ui.app.formatting import quoted
from ui.components.background_task import Step, background
from ui.components.face_grid import groups
from ui.explore.cleaned_copy import show_clean
from ui.explore.image_grid import show_grid
from ui.explore.image_stats import measures
from ui.explore.library import quality

__all__ = ["show_faults"]

A_PAGE = 24
"""Groups of copies that are drawn at a time."""


def show_faults(data: Dataset, stored: Stored) -> None:
    """Draw the quality report, near copies on demand, and the form for a cleaned copy."""
    found = quality(data)
    strange = outliers(data, measures(data))
    with st.container(horizontal=True):
        for name, value in {
            "Groups of copies": len(found.groups),
            "across splits": len(found.crossing),
            "labels contradict": len(found.conflicting),
            "Blank images": len(found.blank),
            "Odd images": len(strange),
        }.items():
            st.metric(name, f"{value:,}", border=True, width=165)
    _leaks(data, found)
    kinds = {
        "Copies across splits": found.crossing,
        "Labels that contradict": found.conflicting,
        "All exact copies": range(len(found.groups)),
        "Near copies": None,
        "Blank": None,
        "Odd": None,
    }
    key = f"explore-faults-{data.fingerprint[:8]}"
    kind = st.segmented_control("Show", list(kinds), default="Copies across splits", required=True, key=key)
    if kind == "Near copies":
        _near(data, stored, found)
    elif kind == "Blank":
        show_grid(data, stored, found.blank, "blank")
    elif kind == "Odd":
        st.caption(
            "Far darker, brighter, flatter, more blurred or sharper than the others, or no face in most people's eyes."
        )
        which, why = np.array(list(strange), np.int64), list(strange.values())
        show_grid(data, stored, which, "odd", notes=why, extra=pd.DataFrame({"odd": why}))
    else:
        numbers = kinds[kind or "Copies across splits"] or []
        _show_groups(data, stored, [found.groups[k] for k in numbers], (kind or "copies").lower().replace(" ", "-"))
    pairs = st.session_state.get(f"explore-near-{data.fingerprint[:8]}-pairs")
    across = _in_training(data, pairs) if pairs is not None else np.zeros(0, np.int64)
    show_clean(data, stored, found, across)


def _leaks(data: Dataset, found: QualityReport) -> None:
    if not found.tested:
        st.markdown("There is nothing to leak: the images are all of Training, or none is.")
    for split in data.split_names if found.tested else ():
        own = data.splits == split
        if split != "Training":
            n = int(own[found.leaked].sum()) if len(found.leaked) else 0
            st.markdown(
                f"**{n / own.sum():.1%} of {quoted(split)[1:-1]} leak**: {n:,} of {own.sum():,} have an exact copy in "
                "Training, so a model may know them by heart."
            )


def _show_groups(data: Dataset, stored: Stored, found: Sequence[np.ndarray], name: str) -> None:
    """Groups in pages: those whose labels contradict first, and blank images last."""
    if not found:
        st.success("None were found.", icon=":material/check_circle:")
        return

    def rank(group: np.ndarray) -> tuple[bool, bool]:
        return not data.images[group[0]].std() > 0, len(set(data.labels[group].tolist())) == 1

    found = sorted(found, key=rank)
    every = np.concatenate(found)
    numbers = np.repeat(np.arange(len(found)), [len(group) for group in found])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(every):,}** images in {len(found):,} groups", width="stretch")
        st.download_button(
            "Download (CSV)",
            lambda: listing_csv(data, every, pd.DataFrame({"group": numbers})),
            f"{stored.name}-{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"explore-{name}-csv",
        )
    pages, page = -(-len(found) // A_PAGE), 1
    if pages > 1:
        page = st.pagination(pages, key=f"explore-{name}-{data.fingerprint[:8]}-{pages}") or 1
    groups(data, found[(page - 1) * A_PAGE : page * A_PAGE])


def _in_training(data: Dataset, pairs: np.ndarray) -> np.ndarray:
    """Return the images in Training that are in a pair with one of another split."""
    training = data.splits[pairs] == "Training"
    return np.unique(pairs[training & ~training[:, ::-1]])


def _near(data: Dataset, stored: Stored, found: QualityReport) -> None:
    st.caption("The same picture but for small changes, also mirrored.")
    key = f"explore-near-{data.fingerprint[:8]}"
    folder = workspace()

    def look(step: Step) -> np.ndarray:
        with use_workspace(folder):
            return near_duplicate_pairs(data, step)

    pairs = st.session_state.get(f"{key}-pairs")
    if pairs is None:
        words = "Compares every image with every other: about ten seconds for 35,000, once."
        pairs = background(key, "Look for near copies", look, icon=":material/search:", help=words)
    if pairs is None:
        return
    st.session_state[f"{key}-pairs"] = pairs  # the form below needs it, whatever is shown
    if not len(pairs):
        st.success("No near copies were found.", icon=":material/check_circle:")
        return
    across = data.splits[pairs[:, 0]] != data.splits[pairs[:, 1]]
    st.markdown(f"**{len(pairs):,} pairs** of near copies, {int(across.sum()):,} of them across splits.")
    training = data.splits[pairs] == "Training"
    known = np.union1d(found.leaked, pairs[~training & training[:, ::-1]])
    if found.tested:
        st.markdown(
            f"With the exact copies, **{len(known) / found.tested:.1%}** of the images outside Training have a twin in "
            f"it: {len(known):,} of {found.tested:,}."
        )
    _show_groups(data, stored, [*pairs[across], *pairs[~across]], "near-copies")
