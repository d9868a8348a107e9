"""The images of a selection: in pages, to keep as a table, and to leave out of a cleaned copy."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.charts.dataset import colors_of, vote_color
from fer_core.curation.summary import listing_csv
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored
from fer_core.labels import FERPLUS8
from ui.components.face_grid import captions, tiles, vote_bars, vote_strip

__all__ = ["left_out", "put_back", "show_grid"]

A_PAGE = 60
A_PAGE_OF_CARDS = 30


def _key(data: Dataset) -> str:
    return f"explore-out-{data.fingerprint[:8]}"


def left_out(data: Dataset) -> np.ndarray:
    """Return the indices of the images that were chosen to be left out of a cleaned copy."""
    return np.array(sorted(st.session_state.get(_key(data), ())), np.int64)


def put_back(data: Dataset) -> None:
    """Forget which images were chosen to be left out."""
    st.session_state.pop(_key(data), None)


def _leave_out(data: Dataset, which: Sequence[int]) -> None:
    st.session_state[_key(data)] = {*st.session_state.get(_key(data), ()), *map(int, which)}


def _leave_chosen(data: Dataset, key: str) -> None:
    _leave_out(data, st.session_state.get(key) or [])
    st.session_state[key] = []


def show_grid(
    data: Dataset,
    stored: Stored,
    found: np.ndarray,
    name: str,
    *,
    notes: Sequence[str] | None = None,
    extra: pd.DataFrame | None = None,
    cards: bool = False,
) -> None:
    """Draw the images of a selection, and what can be done with it.

    Args:
        data: the dataset.
        stored: its name.
        found: indices of the images, in the order in which they are shown.
        name: of the selection; two on a page must differ.
        notes: words for each image of `found`, below its label.
        extra: columns for the table, a row for each image of `found`.
        cards: draw people's votes as a bar for each expression, beside the face.
    """
    if not len(found):
        st.info("There is no such image.", icon=":material/filter_alt_off:")
        return
    key = f"explore-{data.fingerprint[:8]}-{name}"
    size = A_PAGE_OF_CARDS if cards else A_PAGE
    pages = -(-len(found) // size)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(found):,}** of {len(data):,} images", width="stretch")
        menu = st.popover("Leave out", icon=":material/block:")
        st.download_button(
            "Download (CSV)",
            lambda: listing_csv(data, found, extra),
            f"{stored.name}-{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"{key}-csv",
            help="This selection as a table: row, split, label" + (" and votes." if data.votes.any() else "."),
        )
    page = 1
    if pages > 1:
        # Another selection begins at its first page.
        page = st.pagination(pages, key=f"{key}-page-{zlib.crc32(found.tobytes())}") or 1
    place = slice((page - 1) * size, page * size)
    shown = found[place]
    with menu:
        _choose(data, found, shown, key, f"{key}-chosen-{page}-{len(found)}")
    words = captions(data, shown)
    if notes is not None:
        words = [f"{text} · {note}" for text, note in zip(words, notes[place], strict=True)]
    colors = colors_of(data.names)
    voted = bool(data.votes[shown].any())
    if voted and not cards:
        _legend()
    draw = vote_bars if cards else vote_strip
    tiles(
        data.images[shown],
        words,
        [colors[data.names[data.labels[i]]] for i in shown],
        width=210 if cards else 76,
        more=[draw(data.votes[i]) for i in shown] if voted else None,
        beside=cards,
        out=np.isin(shown, left_out(data)).tolist(),
    )


def _choose(data: Dataset, found: np.ndarray, shown: np.ndarray, key: str, chosen: str) -> None:
    st.caption("Images that are left out are drawn faintly. “What is wrong” makes a cleaned copy without them.")
    st.multiselect(
        "Images of this page",
        shown.tolist(),
        format_func=lambda i: captions(data, [i])[0],
        key=chosen,
        placeholder="Choose by row",
    )
    with st.container(horizontal=True):
        st.button("Leave these out", key=f"{key}-these", on_click=_leave_chosen, args=(data, chosen))
        st.button(f"Leave out all {len(found):,}", key=f"{key}-all", on_click=_leave_out, args=(data, found))
        if len(left_out(data)):
            st.button("Put all back", key=f"{key}-back", on_click=put_back, args=(data,), icon=":material/undo:")


def _legend() -> None:
    names = "".join(
        f'<span style="white-space: nowrap"><span style="display: inline-block; width: 0.7em; height: 0.7em; '
        f'border-radius: 2px; background: {vote_color(name)}"></span> {name}</span> '
        for name in (*FERPLUS8, "unknown")
    )
    st.html(
        '<div style="font-size: 0.75rem; display: flex; flex-wrap: wrap; gap: 2px 10px">'
        f"<span>Thick line: the label. Thin bar: what people saw:</span> {names}</div>"
    )
