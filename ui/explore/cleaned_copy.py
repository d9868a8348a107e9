"""A cleaned copy of a dataset, under a name of its own."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from fer_core.curation.quality_report import QualityReport, cleaned
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored, save_dataset
from fer_core.errors import FerError, OptionError
from ui.app.formatting import quoted
from ui.explore.image_grid import left_out, put_back
from ui.explore.library import open_next

__all__ = ["show_clean"]


def _rows(text: str, data: Dataset) -> np.ndarray:
    """Return the indices of the images of the rows that somebody named."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        raise OptionError("Rows are whole numbers with commas between them, such as 12, 40.")
    wished = np.array(words, np.int64)
    if missing := sorted(set(wished.tolist()) - set(data.rows.tolist())):
        raise OptionError(f"There is no row {missing[0]} in this dataset. Rows stand below the images.")
    return np.flatnonzero(np.isin(data.rows, wished))


def show_clean(data: Dataset, stored: Stored, found: QualityReport, across: np.ndarray) -> None:
    """Draw the form.

    Args:
        data: the dataset.
        stored: its name.
        found: what is wrong with it.
        across: images in Training with a near copy in another split; empty where nobody looked for any.
    """
    st.subheader("A cleaned copy", anchor=False)
    st.caption(
        "Left out are copies in Training of images of other splits, second copies, copies whose labels contradict, and "
        "blank images. It is kept as a dataset of its own; this one stays as it is."
    )
    chosen = left_out(data)
    if len(chosen):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Also left out: **{len(chosen):,}** images that you chose.", width="content")
            st.button("Put all back", key="explore-put-back", on_click=put_back, args=(data,), icon=":material/undo:")
    with st.form(f"explore-clean-{stored.name}"):
        name = st.text_input("Name of the copy", f"{stored.name}-clean", max_chars=60)
        rows = st.text_input("Rows to leave out too", placeholder="Such as 12, 40", max_chars=5000)
        near = len(across) and st.checkbox(
            f"Leave out the {len(across):,} images in Training with a near copy in another split too", True
        )
        if st.form_submit_button("Make the cleaned copy", icon=":material/cleaning_services:", type="primary"):
            try:
                drop = np.concatenate([_rows(rows, data), chosen, across if near else across[:0]])
                copy = cleaned(data, found, drop)
                gone = len(data) - len(copy)
                title = name.strip() or f"{stored.name}-clean"
                kept = save_dataset(
                    title, copy, title=title, source=f"Cleaned copy of {stored.title}.", note=f"{gone:,} left out."
                )
            except FerError as error:
                st.error(str(error), icon=":material/error:")
            else:
                open_next(kept, f"{len(copy):,} images are kept as {quoted(kept)}; {gone:,} were left out.")
