"""The people of a result: who they are, what they showed for how long, and who may be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import pandas as pd
import streamlit as st

from fer_core.analysis.episodes import summary
from fer_core.analysis.key_moments import KeyMoment
from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.table import label_names, person_name
from fer_core.charts import timeline as charts
from fer_core.errors import FerError
from fer_core.tracking.reidentification import LookalikePair
from ui.app.formatting import clock, escaped

__all__ = ["LookalikePairs", "Moments", "main_people", "people"]


class Moments(Protocol):
    """Key moments: `KeyMoments`, or those of a study."""

    @property
    def portraits(self) -> Mapping[int, tuple[float, bytes]]:
        """The best picture of each track: (how good, JPEG)."""

    def found(self) -> list[KeyMoment]:
        """Return the key moments, in order of time."""


class LookalikePairs(Protocol):
    """Tracks that may be one person: `PersonGrouper`, or those of a study."""

    def pairs(self) -> list[LookalikePair]:
        """Return the pairs of tracks that look alike, the most similar first."""


ALL_SHOWN = 6
"""Up to so many people all are shown; of more only the first MAIN, as most of the others are seen for moments."""
MAIN = 4


def main_people(found: pd.DataFrame) -> list[str]:
    """Return the people who are seen longest, in order of that; where they are few, all in order of appearance.

    Args:
        found: see `summary`.
    """
    if len(found) <= ALL_SHOWN:
        return list(found["person"])
    return list(found.sort_values("seconds", ascending=False, kind="stable")["person"].iloc[:MAIN])


def people(
    table: pd.DataFrame,
    key_moments: Moments | None,
    person_grouper: LookalikePairs | None,
    names: PersonNames,
    key: str,
) -> None:
    """Draw a card for each person: a picture, a name that can be changed, the share of time of each expression.

    Args:
        table: of the result, with these names.
        key_moments: have the pictures.
        person_grouper: knows who may be the same person.
        names: of the result; changed here.
        key: prefix for the keys of widgets.
    """
    found = _of_picture(table) if table["frame"].nunique() == 1 else summary(table)
    tracks = table.dropna(subset=["track_id"]).groupby("person", sort=False)["track_id"].unique()
    portraits = key_moments.portraits if key_moments is not None else {}
    if problem := st.session_state.pop(f"{key}-name-problem", None):
        st.error(problem, icon=":material/error:")
    if table["track_id"].nunique() > 1:
        _join(person_grouper, portraits, names, key)
    main = main_people(found)
    rows = {str(row["person"]): row for _, row in found.iterrows()}
    others = [person for person in rows if person not in main]

    def cards(shown: list[str]) -> None:
        for person in shown:
            own = [int(t) for t in tracks[person]]
            pictures = [portraits[t] for t in own if t in portraits]
            _card(rows[person], own, max(pictures)[1] if pictures else None, names, label_names(table), key)

    with st.container(height=460 if len(main) > 2 else "content", border=len(main) > 2):
        cards(main)
    if others:
        words = f"{len(others)} more who are seen for a shorter time"
        rest = st.expander(words, icon=":material/groups:", on_change="rerun", key=f"{key}-others")
        if rest.open:  # a closed one would draw a chart for each of them as well
            with rest:
                cards(others)


def _card(
    row: pd.Series, own: list[int], picture: bytes | None, names: PersonNames, labels: tuple[str, ...], key: str
) -> None:
    with st.container(border=True):
        face, words = st.columns([1, 3], vertical_alignment="top")
        if picture is not None:
            face.image(picture, width=96, alt=f"Face of {row['person']}")
        field = f"{key}-name-{own[0]}"
        # The result is the one place of names; a field would go on showing what was typed into it.
        st.session_state[field] = row["person"]
        words.text_input(
            "Name",
            key=field,
            max_chars=40,
            label_visibility="collapsed",
            on_change=_rename,
            args=(names, own, field, key),
            icon=":material/edit:",
        )
        words.caption(_story(row))
        st.vega_lite_chart(
            spec=charts.shares(row, labels),
            key=f"{key}-shares-{own[0]}",
            alt=f"How long {row['person']} showed what",
        )


def _join(
    person_grouper: LookalikePairs | None, portraits: Mapping[int, tuple[float, bytes]], names: PersonNames, key: str
) -> None:
    """Ask of two who look alike, one pair at a time, whether they are one person."""
    pairs = names.proposals(person_grouper.pairs()) if person_grouper is not None else []
    if pairs:
        with st.container(border=True):
            _ask(pairs[0], len(pairs), portraits, names, key)
    with st.container(horizontal=True):
        if names.can_undo:
            st.button("Undo", icon=":material/undo:", key=f"{key}-undo", on_click=names.undo)
        if names:
            st.button("Separate all again", icon=":material/group_off:", key=f"{key}-part", on_click=names.reset)
    if not pairs:
        st.caption("After a cut, or a longer absence, somebody counts as new. Give both the same name to join them.")


def _ask(
    pair: LookalikePair,
    count: int,
    portraits: Mapping[int, tuple[float, bytes]],
    names: PersonNames,
    key: str,
) -> None:
    more = "" if count == 1 else f" {count} pairs look alike; this is the most similar one."
    st.markdown(f"**Is this the same person?**{more}")
    with st.container(horizontal=True, gap="small"):
        for track in (pair.one, pair.other):
            if track in portraits:
                name = person_name(track, names)
                st.image(portraits[track][1], width=96, caption=escaped(name), alt=f"Face of {name}")
    st.caption(f"{_sure(pair.likeness)} Faces, hair and clothes are compared by colour only, so please check.")
    with st.container(horizontal=True):
        who = f"{pair.one}-{pair.other}"
        for label, icon, answer in (
            ("Same person", "check", names.join),
            ("Different people", "close", names.keep_apart),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"{key}-{icon}-{who}",
                on_click=_answer,
                args=(answer, pair, key),
            )


def _answer(answer: Callable[[int, int], None], pair: LookalikePair, key: str) -> None:
    try:
        answer(pair.one, pair.other)
    except FerError as error:
        st.session_state[f"{key}-name-problem"] = str(error)


def _sure(likeness: float) -> str:
    words = "Very similar" if likeness >= 0.85 else "Similar" if likeness >= 0.7 else "Somewhat similar"
    return f"{words} ({likeness:.0%})."


def _of_picture(table: pd.DataFrame) -> pd.DataFrame:
    """Return the people of a picture as of `summary`, with probabilities in place of shares of time."""
    labels = label_names(table)
    faces = table.dropna(subset=["person"]).rename(columns={f"{name}_smoothed": f"={name}" for name in labels})
    shares = faces[[f"={name}" for name in labels]].rename(columns=lambda name: name[1:])
    return shares.assign(
        person=faces["person"], seconds=0.0, unsure=0.0, label=faces["label"], confidence=faces["confidence"]
    )


def _story(row: pd.Series) -> str:
    if "episodes" not in row:
        return f"{row['label'].capitalize()} ({row['confidence']:.0%})"
    count = "1 episode" if row["episodes"] == 1 else f"{row['episodes']} episodes"
    text = f"Seen for {row['seconds']:.1f} s, {count}"
    if isinstance(row["strongest_label"], str):
        text += (
            f". Strongest: {row['strongest_label']} at {clock(row['strongest_s'])} ({row['strongest_confidence']:.0%})"
        )
    return text


def _rename(names: PersonNames, tracks: list[int], field: str, key: str) -> None:
    try:
        names.rename(tracks, str(st.session_state[field]))
    except FerError as error:
        st.session_state[f"{key}-name-problem"] = str(error)
