"""Choosing a clip: upload, sample, or the videos/ folder. What was chosen is checked before anything long begins."""

from __future__ import annotations

import math
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import streamlit as st

from fer_core.analysis.time_estimate import TimeEstimate, inspect_clip
from fer_core.errors import LimitError
from fer_core.models.registry import active_bundle
from fer_core.utils.boundary import explain
from fer_core.utils.platform import remove_folder
from fer_core.video.formats import MEDIA_SUFFIXES
from fer_core.video.reader import ClipInfo
from ui.app.formatting import quoted
from ui.app.resources import jobs, recognizer
from ui.app.settings import SAMPLE, VIDEOS, settings
from ui.app.visitor_session import bring
from ui.components.study_bounds import limits

__all__ = ["SUFFIXES", "Source", "choose", "discard", "take"]

SUFFIXES = list(MEDIA_SUFFIXES)


@dataclass(frozen=True, slots=True)
class Source:
    """A clip that was chosen and found fit: where it lies, what the person calls it, its facts, a first picture."""

    path: Path
    folder: Path
    name: str
    info: ClipInfo
    pace: TimeEstimate
    picture: bytes


def choose() -> None:
    """Draw the ways to a clip; one that is fit becomes `source` in the session, else the page says what is wrong."""
    now = settings()
    nonce = st.session_state.setdefault("upload-nonce", 0)
    upload = st.file_uploader(
        "Drop a clip or a picture here",
        type=SUFFIXES,
        max_upload_size=now.max_upload_mb,
        key=f"upload-{nonce}",
        help=f"Up to {now.max_upload_mb} MB."
        + ("" if now.hosted else " A larger clip: put it into the folder videos/ of the app."),
    )
    if not math.isinf(now.max_minutes):
        minutes = "1 minute" if now.max_minutes == 1 else f"{now.max_minutes:g} minutes"
        st.caption(f"Up to {now.max_upload_mb} MB and {minutes}.")
    if upload is not None:
        take(upload.name, lambda path: _copy(upload, path, now.max_upload_mb))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Try the sample clip", icon=":material/play_circle:", key="sample"):
            st.session_state["at-once"] = True
            take(SAMPLE.name, lambda path: shutil.copyfile(SAMPLE, path))
        own = [] if now.hosted else _own_clips()
        if own:
            pick = st.selectbox(
                "Or one of your videos folder",
                [p.name for p in own],
                index=None,
                placeholder="Choose a file of videos/",
                key=f"own-{nonce}",
                width=320,
            )
            if pick is not None:
                chosen = next(p for p in own if p.name == pick)
                take(pick, lambda path: shutil.copyfile(chosen, path))
    if problem := st.session_state.pop("problem", None):
        st.error(problem, icon=":material/error:")


def _own_clips() -> list[Path]:
    return sorted(p for p in VIDEOS.glob("*") if p.suffix.lower().lstrip(".") in SUFFIXES and p.is_file())


def _copy(upload: BinaryIO, path: Path, most_mb: int) -> None:
    with open(path, "wb") as file:
        shutil.copyfileobj(upload, file, 1024 * 1024)
    if path.stat().st_size > most_mb * 1024**2:
        raise LimitError(f"This file is larger than {most_mb} MB. Cut the clip, or save it with a smaller picture.")


def take(name: str, fetch: Callable[[Path], object]) -> None:
    """Copy a clip into a folder of its own and check it; it becomes the chosen one, or the page says what is wrong.

    Args:
        name: what the person calls it; the file gets a random name.
        fetch: writes the clip to the path it is given.
    """
    discard()
    folder = jobs().folder()
    bring(folder)
    path = folder / secrets.token_hex(8)
    try:
        with st.spinner("Checking the clip …"):
            fetch(path)
            info, first, pace = inspect_clip(path, recognizer(active_bundle(), "yunet", 320), limits())
        picture = cv2.imencode(".jpg", first.image(480))[1].tobytes()
        st.session_state["source"] = Source(path, folder, name, info, pace, picture)
    except OSError as error:
        remove_folder(folder)
        st.session_state["problem"] = (
            f"{quoted(name)} could not be stored: {error.strerror}. Free some disk space on the server and try again."
        )
    except Exception as unknown:  # whatever a library raises, a page shows a sentence
        remove_folder(folder)
        st.session_state["problem"] = f"{quoted(name)} cannot be used. {explain(unknown)}"
    # A new uploader each time: the old one would hold the file in memory, and would bring it again on every rerun.
    st.session_state["upload-nonce"] += 1
    st.rerun()


def discard() -> None:
    """Forget the clip that was chosen but not analysed."""
    source = st.session_state.pop("source", None)
    if source is not None:
        remove_folder(source.folder)
