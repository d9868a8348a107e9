"""Tables of a whole study, to be downloaded."""

from __future__ import annotations

import io
import zipfile

import streamlit as st

from fer_core.studies.study import Study
from fer_core.studies.tables import export_study
from fer_core.utils.platform import temporary_folder
from ui.app.formatting import file_stem

__all__ = ["export_tables"]


def export_tables(study: Study) -> None:
    """Draw the download of all tables, and where the study lies."""
    if not any(study.has_result(entry) for entry in study.clips()):
        st.caption("Nothing is analysed yet.")
        return
    st.download_button(
        "All tables (ZIP of CSV files)",
        lambda: _packed(study),
        f"{file_stem(study.name)}.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        key="study-export",
        help="manifest, all rows, episodes and people of all clips, each with participant, group and condition.",
    )
    st.caption(f"Everything as Parquet, JSON and MP4 lies in `{study.folder}`.")


def _packed(study: Study) -> bytes:
    packed = io.BytesIO()
    with temporary_folder() as folder, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in export_study(study, folder):
            archive.write(path, path.name)
    return packed.getvalue()
