"""What can be kept of a result: the annotated clip, the table, the timeline, and everything as one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from fer_core.analysis.export import ClipResult, csv_parts, json_parts, timeline_parts
from ui.app.formatting import file_stem

__all__ = ["keep"]

FILES: dict[str, tuple[Callable[[ClipResult], Iterator[bytes]], str, str, str, str]] = {
    "csv": (csv_parts, "Table (CSV)", "text/csv", ":material/table:", "A row for each face and picture."),
    "timeline.csv": (
        timeline_parts,
        "Timeline (CSV)",
        "text/csv",
        ":material/view_timeline:",
        "Who showed what, from when to when.",
    ),
    "json": (
        json_parts,
        "Everything (JSON)",
        "application/json",
        ":material/data_object:",
        "All of it, for other programs.",
    ),
}
"""Suffix to what makes the file, its words, type, sign and help."""


def _whole(write: Callable[[ClipResult], Iterator[bytes]], result: Callable[[], ClipResult]) -> bytes:
    return b"".join(write(result()))


def keep(name: str, annotated: Path | None, result: Callable[[], ClipResult], table: pd.DataFrame, key: str) -> None:
    """Draw what can be downloaded of a result, and its table.

    Args:
        name: of the clip or session.
        annotated: its annotated clip, where there is one.
        result: gives everything for the files, once a file is wanted.
        table: what the page shows of it.
        key: prefix for the keys of widgets.
    """
    st.subheader("Keep it", anchor=False)
    stem = file_stem(name)
    with st.container(horizontal=True):
        if annotated is not None and annotated.exists():
            st.download_button(
                "Annotated clip (MP4)",
                annotated.read_bytes,
                f"{stem}-annotated.mp4",
                "video/mp4",
                key=f"{key}-mp4",
                icon=":material/movie:",
                on_click="ignore",
            )
        for suffix, (write, label, mime, icon, words) in FILES.items():
            if suffix == "timeline.csv" and table["frame"].nunique() == 1:
                continue  # a picture has no timeline
            st.download_button(
                label,
                partial(_whole, write, result),
                f"{stem}.{suffix}",
                mime,
                key=f"{key}-{suffix}",
                icon=icon,
                on_click="ignore",
                help=words,
            )
    rows = st.expander("See the table", icon=":material/table_rows:", on_change="rerun", key=f"{key}-table")
    if rows.open:  # a closed expander would send all rows to the browser as well
        rows.dataframe(
            table,
            hide_index=True,
            height=320,
            column_config={"time_s": st.column_config.NumberColumn(format="%.2f")},
            alt="One row for each face and frame",
        )
