"""What a person says of a study's clips: participant, group, condition, and columns of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.studies.manifest import ClipEntry
from fer_core.studies.study import Study
from fer_core.studies.tables import OWN, apply_columns, read_columns

__all__ = ["edit_columns"]


def edit_columns(study: Study, entries: Sequence[ClipEntry]) -> None:
    """Draw the editable table, a column to add, and the way in from a CSV file."""
    own = list(dict.fromkeys(name for entry in study.clips() for name in entry.columns))
    own += [n for n in st.session_state.get(f"columns-{study.name}", []) if n not in own]
    rows = pd.DataFrame(
        [
            {"name": e.name, **{n: getattr(e, n) for n in OWN}, **{n: e.columns.get(n, "") for n in own}}
            for e in entries
        ],
        columns=["name", *OWN, *own],
    )
    version = st.session_state.setdefault(f"said-{study.name}", 0)
    key = f"said-{study.name}-{version}-{len(own)}-{hash(tuple(e.id for e in entries))}"
    edited = st.data_editor(
        rows,
        key=key,
        hide_index=True,
        disabled=["name"],
        column_config={"name": "clip"},
        alt="One row for each clip, with participant, group and condition to fill in",
    )
    changed = edited[(edited.fillna("") != rows.fillna("")).any(axis=1)] if len(rows) else edited
    if len(changed):
        _save(study, changed.fillna("").to_dict("records"))
    left, right = st.columns(2, gap="medium")
    with left.form(f"column-{study.name}", border=False, clear_on_submit=True):
        row = st.columns([3, 1], vertical_alignment="bottom")
        name = " ".join(row[0].text_input("A column of your own", placeholder="age", max_chars=40).split())
        if row[1].form_submit_button("Add") and name and name not in ("name", *OWN, *own):
            st.session_state.setdefault(f"columns-{study.name}", []).append(name)
            st.rerun()
    with right:
        upload = st.file_uploader("Or fill it from a CSV file", type="csv", key=f"csv-{study.name}-{version}")
        if upload is not None:
            _fill(study, upload.getvalue(), upload.name)


def _save(study: Study, rows: list[dict[Any, Any]]) -> None:
    try:
        apply_columns(study, [{str(k): v for k, v in row.items()} for row in rows])
    except FerError as error:
        st.error(str(error), icon=":material/error:")


def _fill(study: Study, content: bytes, name: str) -> None:
    try:
        count, unknown = apply_columns(study, read_columns(content, name))
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        return
    problems = [f"{len(unknown)} rows name clips that are not here, first {unknown[0]!r}."] if unknown else []
    st.session_state["study-problem"] = [*problems, f"{count} {'clip' if count == 1 else 'clips'} changed."]
    st.session_state[f"said-{study.name}"] += 1
    st.rerun()
