"""The people of a result: who they are, what they showed for how long, and who may be the same."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.analysis.episodes import summary
from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.table import label_names, person_name
from fer_core.charts import timeline as charts
from fer_core.tracking.reidentification import PersonGrouper
from ui.app.formatting import clock

__all__ = ["people"]


def people(
    table: pd.DataFrame,
    key_moments: KeyMoments | None,
    person_grouper: PersonGrouper | None,
    names: dict[int, str],
    key: str,
) -> None:
    """Draw a card for each person: a picture, a name that can be changed, the share of time of each expression.

    Args:
        table: of the result, with these names.
        key_moments: have the pictures.
        person_grouper: knows who may be the same person.
        names: by track id; changed here.
        key: prefix for the keys of widgets.
    """
    found = summary(table)
    labels = label_names(table)
    tracks = table.dropna(subset=["track_id"]).groupby("person", sort=False)["track_id"].unique()
    portraits = key_moments.portraits if key_moments is not None else {}
    with st.container(height=460 if len(found) > 2 else "content", border=len(found) > 2):
        for _, row in found.iterrows():
            own = [int(t) for t in tracks[row["person"]]]
            with st.container(border=True):
                face, words = st.columns([1, 3], vertical_alignment="top")
                pictures = [portraits[t] for t in own if t in portraits]
                if pictures:
                    face.image(max(pictures)[1], width=96, alt=f"Face of {row['person']}")
                field = f"{key}-name-{own[0]}"
                words.text_input(
                    "Name",
                    value=row["person"],
                    key=field,
                    max_chars=40,
                    label_visibility="collapsed",
                    on_change=_rename,
                    args=(names, own, field),
                    icon=":material/edit:",
                )
                words.caption(_story(row))
                st.vega_lite_chart(
                    spec=charts.shares(row, labels),
                    key=f"{key}-shares-{own[0]}",
                    alt=f"How long {row['person']} showed what",
                )
    if table["track_id"].nunique() > 1:
        _join(person_grouper, len(found), names, key)


def _join(person_grouper: PersonGrouper | None, count: int, names: dict[int, str], key: str) -> None:
    st.caption("After a cut, or a longer absence, somebody counts as new. Give both the same name to join them.")
    groups = person_grouper.groups() if person_grouper is not None else []
    wished = {t: person_name(group[0], names) for group in groups for t in group}
    if any(person_name(t, names) != name for t, name in wished.items()):
        joined = count - sum(len({person_name(t, names) for t in group}) - 1 for group in groups)
        st.button(
            f"Join those who look alike ({count} → {joined})",
            icon=":material/group:",
            key=f"{key}-join",
            on_click=_rename_all,
            args=(names, wished, key),
            help="Compares the colours of faces, hair and clothes; check it with your own eyes.",
        )
    elif names:
        st.button(
            "Separate all again",
            icon=":material/group_off:",
            key=f"{key}-part",
            on_click=_rename_all,
            args=(names, {}, key),
        )


def _rename_all(names: dict[int, str], wished: dict[int, str], key: str) -> None:
    if not wished:
        names.clear()
    names.update(wished)
    _forget_fields(key)


def _forget_fields(key: str) -> None:
    # A text field keeps what it was given before; without this it would go on showing the old name.
    for field in [f for f in st.session_state if str(f).startswith(f"{key}-name-")]:
        del st.session_state[field]


def _story(row: pd.Series) -> str:
    count = "1 episode" if row["episodes"] == 1 else f"{row['episodes']} episodes"
    text = f"Seen for {row['seconds']:.1f} s, {count}"
    if isinstance(row["strongest_label"], str):
        text += (
            f". Strongest: {row['strongest_label']} at {clock(row['strongest_s'])} ({row['strongest_confidence']:.0%})"
        )
    return text


def _rename(names: dict[int, str], tracks: list[int], field: str) -> None:
    name = " ".join(str(st.session_state[field]).split())
    for track in tracks:
        if name and name != person_name(track, {}):
            names[track] = name
        else:
            names.pop(track, None)
