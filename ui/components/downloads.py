"""What can be kept of a result: the annotated clip, the table, the timeline, and everything as one file."""

from __future__ import annotations

import io
import zipfile
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


def _formats(result: Callable[[], ClipResult], stem: str, key: str) -> None:
    """Offer each format that other programs read; several files of one format come as a ZIP."""
    from fer_core.exports import FORMATS  # brings what writes Excel and SPSS, only where somebody asks

    name = st.selectbox(
        "Format", list(FORMATS), format_func=lambda name: FORMATS[name].title, key=f"{key}-format", width=420
    )
    chosen = FORMATS[name]
    st.caption(f"{chosen.description} Opens in: {chosen.opens_in}.")
    several = chosen.per_person
    st.download_button(
        "Save the file",
        partial(_export, result, stem, name),
        f"{stem}-{name}.zip" if several else f"{stem}{chosen.ending}",
        "application/zip" if several else "application/octet-stream",
        key=f"{key}-export",
        icon=":material/download:",
        on_click="ignore",
    )


def _export(result: Callable[[], ClipResult], stem: str, name: str) -> bytes:
    from fer_core.exports import FORMATS, export_files

    files = [(file, b"".join(parts)) for file, parts in export_files(result(), stem, name)]
    if not FORMATS[name].per_person:
        return files[0][1]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files:
            archive.writestr(file, content)
    return buffer.getvalue()


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
    more = st.expander("Files for other programs", icon=":material/output:", on_change="rerun", key=f"{key}-more")
    if more.open:
        with more:
            _formats(result, stem, key)
    rows = st.expander("See the table", icon=":material/table_rows:", on_change="rerun", key=f"{key}-table")
    if rows.open:  # a closed expander would send all rows to the browser as well
        rows.dataframe(
            table,
            hide_index=True,
            height=320,
            column_config={"time_s": st.column_config.NumberColumn(format="%.2f")},
            alt="One row for each face and frame",
        )
