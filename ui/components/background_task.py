"""Work that a part of a page asks for: it waits in the queue that all share, shows how far it is, can be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

import streamlit as st

from fer_core.errors import Cancelled, FerError
from fer_core.utils.jobs import Job, State
from fer_core.utils.progress import time_left
from ui.app.formatting import about
from ui.app.resources import jobs
from ui.app.visitor_session import check_turn, took

__all__ = ["Step", "Task", "background"]

T = TypeVar("T")
Step = Callable[[float], None]
"""Is told the share done; raises Cancelled where the work is to stop."""


class Task(Generic[T]):
    """A function as work of the queue.

    Attributes:
        progress: share done; `seconds_left` at the pace so far, None where there is none yet.
        result: what the function gave; None until then.
    """

    def __init__(self, call: Callable[[Step], T]):
        self._call = call
        self.progress = 0.0
        self._started = 0.0
        self.result: T | None = None

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the work still takes; None where that is not known."""
        return time_left(time.monotonic() - self._started, self.progress) if self._started else None

    def run(self, cancelled: Callable[[], bool]) -> None:
        """Do the work; `cancelled` says when to stop."""
        self._started = time.monotonic()

        def step(share: float) -> None:
            if cancelled():
                raise Cancelled("It was stopped.")
            self.progress = share

        self.result = self._call(step)


def background(key: str, label: str, call: Callable[[Step], T], *, icon: str, help: str | None = None) -> T | None:
    """Draw a button that begins the work, then how far it is; gives its result as soon as there is one.

    Args:
        key: of the button, and of the work in this session: another key is other work.
        label: on the button.
        call: does it, on another thread: no `st` in it.
        icon: on the button.
        help: what it does.
    """
    job: Job[Task[T]] | None = jobs().get(st.session_state.get(f"{key}-job", ""))
    if job is not None and job.state is State.DONE:
        return job.work.result
    if job is not None and not job.state.ended:
        _watch(job, key)
        return None
    if job is not None and job.state is State.FAILED:
        st.error(job.error or "It failed.", icon=":material/error:")
    if st.button(label, icon=icon, key=key, help=help):
        try:
            check_turn()
            job = jobs().submit(Task(call), jobs().folder())
            took(job)
        except FerError as error:
            st.error(str(error), icon=":material/error:")
        else:
            st.session_state[f"{key}-job"] = job.id
            st.rerun()
    return None


@st.fragment(run_every=1.0)
def _watch(job: Job[Task[T]], key: str) -> None:
    job.touch()
    if job.state.ended:
        st.rerun()
    if job.state is State.WAITING:
        st.progress(0.0, f"Waiting: number {jobs().position(job) + 1} in the queue")
    else:
        words = f"{job.work.progress:.0%}{about(job.work.seconds_left)}"
        st.progress(min(1.0, job.work.progress), words)
    st.button("Stop", icon=":material/stop_circle:", on_click=job.cancel, key=f"{key}-stop")
