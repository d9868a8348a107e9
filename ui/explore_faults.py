"""What is wrong with a dataset, what people said about its labels, and a cleaned copy of it."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from fer_core.datasets import Dataset, Stored, save_dataset
from fer_core.errors import FerError, OptionError
from fer_core.gallery import agreement, people_say, votes_of
from fer_core.quality import Quality, cleaned
from ui.explore_intake import near, open_next, quality
from ui.explore_tiles import captions, people_chart, tiles
from ui.shared import quoted

__all__ = ["show_faults", "show_people"]

SHOWN = 40
"""Images of each fault that are drawn."""


def show_faults(data: Dataset, stored: Stored) -> None:
    """Draw the quality report, near copies on demand, and the form for a cleaned copy."""
    found = quality(data)
    with st.container(horizontal=True):
        st.metric("Groups of exact copies", f"{len(found.groups):,}", border=True, width=200)
        st.metric("of these across splits", f"{len(found.crossing):,}", border=True, width=200)
        st.metric("with labels that contradict", f"{len(found.conflicting):,}", border=True, width=200)
        st.metric("Blank images", f"{len(found.blank):,}", border=True, width=200)
    if found.tested:
        st.markdown(
            f"**{found.leak_share:.1%} of the images outside Training leak**: {len(found.leaked):,} of "
            f"{found.tested:,} have an exact copy in Training, so a model may know them by heart."
        )
    else:
        st.markdown("There is nothing to leak: the images are all of Training, or none is.")
    _groups(data, found, found.crossing, "Copies across splits")
    _groups(data, found, found.conflicting, "Copies whose labels contradict")
    if len(found.blank):
        st.subheader("Blank images", anchor=False)
        _tiles(data, found.blank)
    _near_copies(data)
    _clean(data, stored, found)


def _tiles(data: Dataset, which: np.ndarray) -> None:
    shown = which[:SHOWN]
    tiles(data.images[shown], captions(data, shown, split=True), [data.names[data.labels[i]] for i in shown])
    if len(which) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(which):,}.")


def _groups(data: Dataset, found: Quality, numbers: list[int], title: str) -> None:
    if numbers:
        st.subheader(title, anchor=False)
        _tiles(data, np.concatenate([found.groups[k] for k in numbers]))


def _near_copies(data: Dataset) -> None:
    st.subheader("Near copies", anchor=False)
    st.caption("The same picture but for small changes, also mirrored. Looking takes up to a minute for 35,000 images.")
    key = f"explore-near-{data.fingerprint[:8]}"
    if st.button("Look for near copies", icon=":material/search:", key=f"{key}-go"):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return
    pairs = near(data)
    if not len(pairs):
        st.markdown("No near copies were found.")
        return
    across = data.splits[pairs[:, 0]] != data.splits[pairs[:, 1]]
    st.markdown(f"**{len(pairs):,} pairs** of near copies, {int(across.sum()):,} of them across splits.")
    _tiles(data, np.concatenate([pairs[across], pairs[~across]]).ravel())


def _rows(text: str, data: Dataset) -> np.ndarray:
    """Indices of the images of the rows that somebody named."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        raise OptionError("Rows are whole numbers with commas between them, such as 12, 40.")
    wished = np.array(words, np.int64)
    if missing := sorted(set(wished.tolist()) - set(data.rows.tolist())):
        raise OptionError(f"There is no row {missing[0]} in this dataset. Rows stand below the images.")
    return np.flatnonzero(np.isin(data.rows, wished))


def _clean(data: Dataset, stored: Stored, found: Quality) -> None:
    st.subheader("A cleaned copy", anchor=False)
    st.caption(
        "Left out are copies in Training of images of other splits, second copies, copies whose labels contradict, and "
        "blank images. It is kept as a dataset of its own; this one stays as it is."
    )
    with st.form(f"explore-clean-{stored.name}"):
        name = st.text_input("Name of the copy", f"{stored.name}-clean", max_chars=60)
        rows = st.text_input("Rows to leave out too", placeholder="Such as 12, 40", max_chars=5000)
        if st.form_submit_button("Make the cleaned copy", icon=":material/cleaning_services:", type="primary"):
            try:
                copy = cleaned(data, found, _rows(rows, data))
                gone = len(data) - len(copy)
                kept = save_dataset(
                    name, copy, title=name, source=f"Cleaned copy of {stored.title}.", note=f"{gone:,} left out."
                )
            except FerError as error:
                st.error(str(error), icon=":material/error:")
            else:
                open_next(kept, f"{len(copy):,} images are kept as {quoted(kept)}; {gone:,} were left out.")


def show_people(data: Dataset) -> None:
    """Draw what FER+'s people said of the labels."""
    asked = np.flatnonzero(data.votes.sum(1) > 0)
    if not len(asked):
        st.info(
            "Nobody was asked about these images. With FER2013's CSV file, bring the votes of FER+ (fer2013new.csv): "
            "ten people looked at each image.",
            icon=":material/how_to_vote:",
        )
        return
    table = people_say(data)
    same = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
    agreed = table.loc[[same.get(a, a) == b for a, b in zip(table["label"], table["people"], strict=True)], "images"]
    st.markdown(
        f"People were asked about **{len(asked):,}** images. For **{agreed.sum() / len(asked):.0%}** of them more than "
        "half saw what the label says."
    )
    st.altair_chart(people_chart(table), key="explore-people", alt="Labels of the file against what most people saw")
    st.subheader("Where people agree least", anchor=False)
    least = asked[np.argsort(agreement(data.votes)[asked], kind="stable")][:SHOWN]
    words = [f"{text}: {votes_of(data.votes[i])}" for text, i in zip(captions(data, least), least, strict=True)]
    tiles(data.images[least], words, [data.names[data.labels[i]] for i in least], width=104)
