"""A visit to a host: what somebody brings and makes there is theirs alone, and is deleted when the visit ends.

On one's own computer there are no visits: everything lies in the usual folder and stays.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit import config
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.errors import FerError
from fer_core.utils.jobs import PREFIX, Busy, Job
from fer_core.utils.memory import give_back
from fer_core.utils.platform import remove_folder
from fer_core.utils.workspace import set_workspace_finder
from ui.app.browser_tabs import tabs
from ui.app.resources import jobs
from ui.app.settings import settings

__all__ = ["Visit", "Visits", "begin", "bring", "check_turn", "took", "visits"]


LATE = 130.0
"""Seconds after which a folder that no visit has is deleted again: something was still writing when its visit ended."""


@dataclass(slots=True)
class Visit:
    """What is known of a visit.

    Attributes:
        folder: home of the visitor's datasets, runs and models.
        seen: when the visitor last did something (time.monotonic).
        jobs: analyses that this visit was the last to look at.
        brought: folders of uploads for which no analysis was begun yet.
    """

    folder: Path
    seen: float
    jobs: set[str] = field(default_factory=set)
    brought: set[Path] = field(default_factory=set)


class Visits:
    """The visits of this server. They end when their tab was closed, or when nothing is done in them any more."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}visits-"))
        self._open: dict[str, Visit] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._to_give_back = 0
        threading.Thread(target=self._watch, name="visit-sweep", daemon=True).start()

    def start(self, session: str) -> str:
        """Begin a visit, with an empty home, in the tab of this session of Streamlit's; returns its random name."""
        name = secrets.token_urlsafe(12)
        folder = self.root / name
        folder.mkdir(parents=True, mode=0o700)
        with self._lock:
            self._open[name] = Visit(folder, time.monotonic())
        tabs().here(session, partial(self.end, name))
        return name

    def get(self, name: str) -> Visit | None:
        """Return the visit of that name; None if it has ended."""
        return self._open.get(name)

    def look(self, visit: Visit, job_id: str) -> None:
        """Say that this visit now shows the analysis: it ends with the visit that showed it last."""
        with self._lock:
            for other in self._open.values():
                other.jobs.discard(job_id)
            visit.jobs.add(job_id)

    def end(self, name: str) -> None:
        """End a visit and delete everything of it."""
        with self._lock:
            visit = self._open.pop(name, None)
        if visit is None:
            return
        self._to_give_back = 2  # sweeps: Streamlit and the threads let go a moment later
        for job_id in visit.jobs:
            jobs().forget(job_id)
        # A training whose folder is gone ends at its next step.
        for folder in (visit.folder, *visit.brought):
            remove_folder(folder)

    def close(self) -> None:
        """End all visits."""
        self._closed.set()
        for name in list(self._open):
            self.end(name)
        remove_folder(self.root)

    def sweep(self) -> None:
        """End the visits in which nothing was done for too long."""
        with contextlib.suppress(OSError):
            os.utime(self.root)  # the sign of life: other servers delete folders that lack it
        now = time.monotonic()
        for name, visit in self._open.copy().items():
            if now - visit.seen > 60 * settings().keep_minutes:
                self.end(name)
        for folder in self.root.glob("*"):
            if folder.name not in self._open and time.time() - folder.stat().st_mtime > LATE:
                remove_folder(folder)
        if self._to_give_back:
            self._to_give_back -= 1
            give_back()

    def _watch(self) -> None:
        while not self._closed.wait(10.0):
            with contextlib.suppress(OSError):
                self.sweep()


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """Return the visits of this server."""
    made = Visits()
    atexit.register(made.close)
    if settings().hosted:  # pages look at what has arrived; the server itself takes no more than that
        config.set_option("server.maxUploadSize", settings().max_upload_mb)
    return made


def begin() -> None:
    """Each run of a page says that its visitor is here; where the visit ended meanwhile, a new one begins."""
    if not settings().hosted:
        return
    name = st.session_state.get("visit")
    over = name is not None and visits().get(name) is None
    if over:
        st.session_state.clear()
    visit = _visit()
    visit.seen = time.monotonic()
    if "job" in st.query_params:
        visits().look(visit, st.query_params["job"])
    _watch()
    if over:
        st.info(
            "Your visit ended because nothing was done for a while, and everything of it was deleted.",
            icon=":material/history:",
        )


@st.fragment(run_every=60.0)
def _watch() -> None:
    # A page that is left open: what it shows goes too.
    if visits().get(st.session_state.get("visit", "")) is None:
        st.rerun()


def _visit() -> Visit:
    """Return the visit of the page that is run; a new one where it has none."""
    if "visit" not in st.session_state:
        context = get_script_run_ctx()
        st.session_state["visit"] = visits().start(context.session_id if context else "")
    visit = visits().get(st.session_state["visit"])
    if visit is None:
        raise FerError("Your visit has ended, and everything of it was deleted. Reload the page to begin a new one.")
    return visit


def bring(folder: Path) -> None:
    """Say that this folder holds an upload of the visitor: it goes with the visit."""
    if settings().hosted:
        _visit().brought.add(folder)


def check_turn() -> None:
    """Raises Busy where a visitor of a host has as many analyses under way as one may have."""
    now = settings()
    if not now.hosted:
        return
    own = [jobs().find(job_id) for job_id in _visit().jobs]
    count = sum(job is not None and not job.state.ended for job in own)
    if count >= now.per_visitor:
        raise Busy(
            f"You have {count} {'task' if count == 1 else 'tasks'} running or waiting already. Wait until one is done, "
            "or stop it."
        )


def took(job: Job) -> None:
    """Say that an analysis was begun by this visitor, with the upload in its folder."""
    if settings().hosted:
        visit = _visit()
        visit.brought.discard(job.folder)
        visits().look(visit, job.id)


def _home() -> Path | None:
    if not settings().hosted:
        return None
    if get_script_run_ctx(suppress_warning=True) is None:
        return visits().root / "nobody"  # no page asks: certainly not for what belongs to somebody
    name = st.session_state.get("visit")
    if name is not None and visits().get(name) is None:
        return visits().root / name  # it ended while a part of its page was drawn: empty, and swept soon
    return _visit().folder


set_workspace_finder(_home)
