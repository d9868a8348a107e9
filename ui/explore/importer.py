"""Bringing images in: an upload, a folder of this computer, FER2013 from Kaggle. What is read is kept and opened."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.datasets.kaggle import SOURCES, KaggleDownload
from fer_core.datasets.library import save_dataset
from fer_core.datasets.readers import read_dataset
from fer_core.errors import FerError, LimitError
from fer_core.utils.jobs import Job, Jobs, State
from fer_core.utils.platform import portable_name, temporary_folder
from fer_core.utils.workspace import workspace
from ui.app.formatting import file_stem, quoted
from ui.app.settings import settings
from ui.explore.library import open_next

__all__ = ["bring", "downloads"]

SUFFIXES = ["csv", "zip", "npz", "gz"]
VOTES = "fer2013new.csv"


@st.cache_resource(show_spinner=False)
def downloads() -> Jobs[KaggleDownload]:
    """Return the queue of downloads: one at a time, and none of them before an analysis."""
    queue: Jobs[KaggleDownload] = Jobs(waiting=1)
    atexit.register(queue.close)
    return queue


@st.cache_resource(show_spinner=False, max_entries=8)
def _begun(folder: str) -> list[str]:
    """Return the download that was begun last in this home: a page that is opened anew finds it."""
    return []


def bring() -> None:
    """Draw the ways to bring images in; on a host only the upload, as all else is the host's own."""
    own = not settings().hosted
    job = _download() if own else None
    with st.expander("Bring your own images", icon=":material/upload_file:"):
        if not own:
            _upload()
            return
        first, second, third = st.tabs(["A file", "A folder of this computer", "FER2013 from Kaggle"])
        with first:
            _upload()
        with second:
            _place()
        with third:
            _kaggle(job)


def _upload() -> None:
    most = settings().max_upload_mb
    nonce = st.session_state.setdefault("explore-nonce", 0)
    with st.form("explore-bring", border=False):
        upload: Any = st.file_uploader(
            "FER2013's CSV file, a ZIP of images in folders named by expression, or an .npz",
            type=SUFFIXES,
            max_upload_size=most,
            key=f"explore-upload-{nonce}",
            help=f"Up to {most} MB. In a ZIP: train/happy/1.png, test/happy/2.png and so on, or happy/1.png.",
        )
        votes: Any = st.file_uploader(
            f"FER+ votes for it ({VOTES}), if you have them",
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
    path = folder / portable_name(file_stem(upload.name) + Path(upload.name).suffix.lower()[:5])
    with open(path, "wb") as file:
        shutil.copyfileobj(upload, file, 1024 * 1024)
    if path.stat().st_size > most_mb * 1024**2:
        raise LimitError(f"It is larger than {most_mb} MB. Leave images out, or make them smaller.")
    return path


def _take(upload: Any, votes: Any, name: str) -> None:
    most = settings().max_upload_mb
    try:
        with st.spinner("Reading the images …"), temporary_folder("expression-lab-") as folder:
            (folder / "votes").mkdir()
            path = _copy(upload, folder, most)
            ferplus = _copy(votes, folder / "votes", most) if votes is not None else None
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


def _place() -> None:
    with st.form("explore-place", border=False):
        given = st.text_input(
            "Folder or file",
            key="explore-place-path",
            placeholder="/home/me/faces",
            max_chars=1000,
            help="A folder with train/happy/1.png and so on, or happy/1.png, or FER2013's CSV file; or such a file. "
            f"FER+'s votes are taken from {VOTES} beside it.",
        )
        name = st.text_input("Name", max_chars=60, key="explore-place-name", placeholder="The folder's name")
        if not st.form_submit_button("Read and keep it", icon=":material/library_add:", type="primary"):
            return
    given = given.strip().strip("\"'")
    if not given:
        st.error("Name a folder or file first.", icon=":material/error:")
        return
    try:
        with st.spinner("Reading the images …"):
            path = Path(given).expanduser()
            beside = path.with_name(VOTES)
            ferplus = beside if path.is_file() and path != beside and beside.is_file() else None
            data, skipped = read_dataset(path, ferplus)
            title = name.strip() or path.resolve().stem
            kept = save_dataset(title, data, title=title, source=f"Read from {path}."[:200], note=str(skipped))
    except FerError as error:
        st.error(f"{quoted(given)} cannot be used. {error}", icon=":material/error:")
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, an unknown ~user
        st.error(f"{quoted(given)} is no place on this computer. Copy its path from your file manager.")
    else:
        open_next(kept, f"{len(data):,} images were read and kept as {quoted(kept)}.")


def _download() -> Job[KaggleDownload] | None:
    """Return the download that was begun last, with its progress while it runs; opens what it brought."""
    begun = _begun(str(workspace()))
    job = downloads().get(begun[-1]) if begun else None
    if job is None:
        return None
    if job.state is State.DONE:
        begun.clear()
        downloads().forget(job.id)
        open_next(job.work.kept, f"{job.work.images:,} images were loaded and kept as {quoted(job.work.kept)}.")
    if not job.state.ended:
        _watch(job)
    return job


@st.fragment(run_every=1.0)
def _watch(job: Job[KaggleDownload]) -> None:
    job.touch()
    if job.state.ended:
        st.rerun()
    waits = job.state is State.WAITING
    words = "Waiting for another download" if waits else f"{job.work.doing} · {job.work.progress:.0%}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(job.work.progress, 1.0), words, width="stretch")
        st.button("Stop the download", icon=":material/stop_circle:", on_click=job.cancel, key="explore-kaggle-stop")


def _kaggle(job: Job[KaggleDownload] | None) -> None:
    if job is not None and not job.state.ended:
        st.info("A download runs; its progress stands above.", icon=":material/downloading:")
        return
    if job is not None and job.state is State.FAILED:
        st.error(str(job.error), icon=":material/error:")
    elif job is not None:
        st.info("The download was stopped; nothing of it was kept.", icon=":material/stop_circle:")
    with st.form("explore-kaggle", border=False, clear_on_submit=True):
        handle = st.radio(
            "Dataset",
            list(SOURCES),
            captions=[f"kaggle.com/datasets/{name}" for name in SOURCES],
            format_func=lambda name: SOURCES[name],
            key="explore-kaggle-handle",
        )
        token = st.text_input(
            "Your Kaggle token",
            type="password",
            max_chars=1000,
            key="explore-kaggle-token",
            autocomplete="off",
            placeholder="Empty if this computer has one already",
            help="On kaggle.com choose Settings, API, and make a new token; paste it, or the text of kaggle.json. It "
            "goes to Kaggle alone and is not kept.",
        )
        st.caption("What Kaggle's page of the dataset says about its use applies to you.")
        if not st.form_submit_button("Download", icon=":material/download:", type="primary"):
            return
    queue = downloads()
    folder = queue.folder()
    try:
        started = queue.submit(KaggleDownload(handle, token, folder), folder)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
    else:
        _begun(str(workspace()))[:] = [started.id]
        st.rerun()
