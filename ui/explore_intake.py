"""Choosing a dataset of the library, and bringing in one's own; what was read is kept for each home and content."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from fer_core.datasets import (
    SYNTHETIC,
    Dataset,
    Stored,
    delete_dataset,
    list_datasets,
    load_dataset,
    read_dataset,
    save_dataset,
)
from fer_core.errors import FerError, LimitError
from fer_core.gallery import mean_faces
from fer_core.home import home
from fer_core.quality import Quality, check
from ui.settings import settings
from ui.shared import file_stem, quoted

__all__ = ["bring", "choose_dataset", "load", "means", "open_next", "quality", "remove"]

SUFFIXES = ["csv", "zip", "npz", "gz"]
NEXT = "explore-next"


@st.cache_resource(show_spinner="Opening the dataset …", max_entries=2)
def _load(folder: str, name: str, stored: str) -> Dataset:
    return load_dataset(name)


def load(stored: Stored) -> Dataset:
    """The images of a dataset of the library."""
    return _load(str(home()), stored.name, repr(stored))


@st.cache_resource(show_spinner="Looking for copies and blanks …", max_entries=4)
def _quality(folder: str, fingerprint: str, _data: Dataset) -> Quality:
    return check(_data)


def quality(data: Dataset) -> Quality:
    """What is wrong with a dataset."""
    return _quality(str(home()), data.fingerprint, data)


@st.cache_resource(show_spinner="Averaging …", max_entries=4)
def _means(folder: str, fingerprint: str, _data: Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    return mean_faces(_data)


def means(data: Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    """See `gallery.mean_faces`."""
    return _means(str(home()), data.fingerprint, data)


def choose_dataset() -> Stored:
    """Draw the library, and say what the chosen dataset is."""
    known = {stored.name: stored for stored in list_datasets()}
    wished = st.session_state.pop(NEXT, None)
    if wished in known:
        st.session_state["explore-dataset"] = wished
    elif st.session_state.get("explore-dataset") not in known:
        st.session_state.pop("explore-dataset", None)
    name = st.selectbox(
        "Dataset",
        list(known),
        format_func=lambda key: f"{known[key].title} · {known[key].images:,} images",
        key="explore-dataset",
        width=480,
    )
    if told := st.session_state.pop("explore-told", None):
        st.success(told, icon=":material/check_circle:")
    stored = known[name]
    if name == SYNTHETIC:
        st.info(
            "**These faces are drawn**, not photographed: they are there so that everything works without a download. "
            "A few faults were put in on purpose. What a model learns from them says nothing about real faces.",
            icon=":material/draw:",
        )
    elif stored.source or stored.note:
        st.caption("  \n".join(quoted(words)[1:-1] for words in (stored.source, stored.note[:400]) if words))
    return stored


def open_next(name: str, words: str) -> None:
    """Draw the page anew with this dataset, and say something above it."""
    st.session_state[NEXT], st.session_state["explore-told"] = name, words
    st.rerun()


def bring() -> None:
    """Draw the form for a file of one's own; what can be read is kept in the library and opened."""
    most = settings().max_upload_mb
    nonce = st.session_state.setdefault("explore-nonce", 0)
    with st.expander("Bring your own images", icon=":material/upload_file:"), st.form("explore-bring", border=False):
        upload: Any = st.file_uploader(
            "FER2013's CSV file, a ZIP of images in folders named by expression, or an .npz",
            type=SUFFIXES,
            max_upload_size=most,
            key=f"explore-upload-{nonce}",
            help=f"Up to {most} MB. In a ZIP: train/happy/1.png, test/happy/2.png and so on, or happy/1.png.",
        )
        votes: Any = st.file_uploader(
            "FER+ votes for it (fer2013new.csv), if you have them",
            type=["csv"],
            max_upload_size=most,
            key=f"explore-votes-{nonce}",
        )
        name = st.text_input("Name", max_chars=60, key=f"explore-name-{nonce}", placeholder="The file's name")
        if st.form_submit_button("Read and keep", icon=":material/library_add:", type="primary"):
            if upload is None:
                st.error("Choose a file first.", icon=":material/error:")
            else:
                _take(upload, votes, name.strip())


def _copy(upload: Any, folder: Path, most_mb: int) -> Path:
    path = folder / (file_stem(upload.name) + Path(upload.name).suffix.lower()[:5])
    with open(path, "wb") as file:
        shutil.copyfileobj(upload, file, 1024 * 1024)
    if path.stat().st_size > most_mb * 1024**2:
        raise LimitError(f"It is larger than {most_mb} MB. Leave images out, or make them smaller.")
    return path


def _take(upload: Any, votes: Any, name: str) -> None:
    most = settings().max_upload_mb
    try:
        with st.spinner("Reading the images …"), tempfile.TemporaryDirectory(prefix="expression-lab-") as folder:
            (Path(folder) / "votes").mkdir()
            path = _copy(upload, Path(folder), most)
            ferplus = _copy(votes, Path(folder) / "votes", most) if votes is not None else None
            data, skipped = read_dataset(path, ferplus, keep=False)  # the library keeps it
            title = name or file_stem(upload.name)
            kept = save_dataset(title, data, title=title, source=f"Read from {upload.name[:80]}.", note=str(skipped))
    except FerError as error:
        st.error(f"{quoted(upload.name)} cannot be used. {error}", icon=":material/error:")
    except OSError as error:
        st.error(f"{quoted(upload.name)} could not be stored: {error.strerror}. Free some disk space.")
    else:
        st.session_state["explore-nonce"] += 1
        open_next(kept, f"{len(data):,} images were read and kept as {quoted(kept)}.")


def remove(name: str) -> None:
    """Take a dataset out of the library."""
    try:
        delete_dataset(name)
        st.session_state["explore-told"] = f"{quoted(name)} was deleted."
    except FerError as error:
        st.session_state["explore-problem"] = str(error)
    _load.clear()
