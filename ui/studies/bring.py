"""Clips that are brought into a study: dropped, as a ZIP, or as a folder of this computer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.errors import FerError
from fer_core.studies.adding import CLIP_SUFFIXES, Added, add_clips, add_stream, add_zip
from fer_core.studies.study import Study
from fer_core.utils.platform import temporary_folder
from ui.app.settings import settings
from ui.components.study_bounds import bounds, limits
from ui.studies.common import start

__all__ = ["bring_clips"]

MOST_NAMED = 8
"""Sentences shown of many."""


def bring_clips(study: Study, *, expanded: bool) -> None:
    """Draw the ways to bring clips; what was brought is analysed at once."""
    _report()
    nonce = st.session_state.setdefault("study-nonce", 0)
    with st.expander("Add clips", icon=":material/add:", expanded=expanded):
        uploads = st.file_uploader(
            "Drop clips, pictures or ZIP files here",
            type=[*sorted(s.lstrip(".") for s in CLIP_SUFFIXES), "zip"],
            accept_multiple_files=True,
            max_upload_size=settings().max_upload_mb,
            key=f"study-upload-{study.name}-{nonce}",
        )
        folder = ""
        if not settings().hosted:
            with st.form("study-folder", border=False):
                row = st.columns([4, 1], vertical_alignment="bottom")
                folder = row[0].text_input(
                    "Or a folder of this computer",
                    placeholder="/home/me/recordings",
                    key=f"study-folder-{nonce}",
                    help="The clips stay where they are; those of folders below it come too.",
                )
                if not row[1].form_submit_button("Add", width="stretch"):
                    folder = ""
        if uploads:
            _take(study, lambda: _uploaded(study, uploads))
        elif folder:
            _take(study, lambda: _folder(study, folder))


def _take(study: Study, bring: Callable[[], Added]) -> None:
    try:
        with st.spinner("Adding the clips …"):
            added = bring()
        if added.new:
            start(study)
        st.session_state["study-added"] = added
    except FerError as error:
        st.session_state["study-added"] = Added(refused=[str(error)])
    # A new uploader: the old one would hold the files in memory, and bring them again on every rerun.
    st.session_state["study-nonce"] += 1
    st.rerun()


def _uploaded(study: Study, uploads: list[Any]) -> Added:
    bar, added = st.progress(0.0), Added()
    for i, upload in enumerate(uploads):
        bar.progress(i / len(uploads), upload.name)
        if Path(upload.name).suffix.lower() == ".zip":
            _unpack(study, upload, added)
        else:
            most = settings().max_upload_mb * 1024**2
            add_stream(study, upload.name, upload, added, most_bytes=most, limits=limits(), bounds=bounds())
    return added


def _unpack(study: Study, upload: Any, added: Added) -> None:
    with temporary_folder() as folder:
        path = folder / secrets.token_hex(8)
        with open(path, "wb") as file:
            while part := upload.read(1024 * 1024):
                file.write(part)
        try:
            found = add_zip(study, path, upload.name, limits=limits(), bounds=bounds())
        except FerError as error:
            added.refused.append(str(error))
            return
    for name in ("new", "notes", "refused"):
        getattr(added, name).extend(getattr(found, name))
    added.ignored += found.ignored


def _folder(study: Study, folder: str) -> Added:
    path = Path(folder).expanduser()
    if not path.is_dir():
        return Added(refused=[f"There is no folder {folder}. Give its whole path, such as /home/me/recordings."])
    bar = st.progress(0.0)
    return add_clips(
        study,
        [path],
        limits=limits(),
        bounds=bounds(),
        progress=lambda i, n, name: _draw(bar, i, n, name),
    )


def _draw(bar: Any, i: int, n: int, name: str) -> None:
    bar.progress(i / max(1, n), f"{i + 1} of {n}: {name}")


def _report() -> None:
    added: Added | None = st.session_state.pop("study-added", None)
    if added is None:
        return
    count = len(added.new)
    if count:
        st.success(f"{count} {'clip' if count == 1 else 'clips'} added.", icon=":material/check:")
    if added.ignored:
        files = "1 file is no clip and was" if added.ignored == 1 else f"{added.ignored} files are no clips and were"
        st.info(f"{files} left out.", icon=":material/info:")
    sentences = [*added.refused, *added.notes]
    if sentences:
        more = f"\n- and {len(sentences) - MOST_NAMED} more" if len(sentences) > MOST_NAMED else ""
        st.warning("\n".join(f"- {s}" for s in sentences[:MOST_NAMED]) + more, icon=":material/warning:")
