"""Work in the background: a bounded queue, progress, cancel. A page that is reloaded finds its job by id."""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from fer_core.errors import Cancelled, FerError
from fer_core.utils.platform import remove_folder
from fer_core.utils.threads import yield_to

__all__ = ["PREFIX", "Busy", "Job", "Jobs", "State", "Work"]

log = logging.getLogger(__name__)

PREFIX = "expression-lab-"
"""How the names of temporary folders begin; those of a process that is gone are deleted by the next."""
ORPHANED = 3600.0
"""Seconds without a sign of life after which the temporary folder of another process is taken to be left over."""


class Busy(FerError):
    """The queue is full."""


class State(enum.Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self in {State.DONE, State.CANCELLED, State.FAILED}


class Work(Protocol):
    """What a job runs."""

    def run(self, cancelled: Callable[[], bool]) -> None:
        """Do the work; `cancelled` says when to stop."""


W = TypeVar("W", bound=Work)


class Job(Generic[W]):
    """A piece of work and its folder.

    Attributes:
        id: random; whoever knows it may see the job.
        work: what runs; it holds its own results.
        folder: for the job's files; deleted with it.
        state: where it stands.
        error: what went wrong, in words for a person; None where nothing did.
    """

    def __init__(self, work: W, folder: Path):
        self.id = secrets.token_hex(
            12
        )  # no other signs: pages make keys of it, and Streamlit refuses some with two underscores
        self.work, self.folder = work, folder
        self.state = State.WAITING
        self.error: str | None = None
        self.seen = time.monotonic()
        self._cancel = threading.Event()
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Ask it to stop; what is done so far is kept. One that waits has ended at once."""
        with self._lock:
            self._cancel.set()
            if self.state is State.WAITING:
                self.state = State.CANCELLED

    @property
    def stopping(self) -> bool:
        """It was asked to stop and has not ended yet."""
        return self._cancel.is_set() and not self.state.ended

    def touch(self) -> None:
        """Say that somebody still looks at it."""
        self.seen = time.monotonic()

    def run(self, wait: Callable[[], object] = lambda: None) -> None:
        """Do the work; never raises. `wait` is called whenever the work asks whether it is to stop."""
        with self._lock:
            if self._cancel.is_set():
                return
            self.state = State.RUNNING

        def cancelled() -> bool:
            wait()
            return self._cancel.is_set()

        try:
            self.work.run(cancelled)
            self.state = State.DONE
        except Cancelled:
            self.state = State.CANCELLED
        except FerError as error:
            self.error, self.state = str(error), State.FAILED
        except Exception:
            # A defect of ours: the log has the details, the person gets a sentence.
            log.exception("job failed")
            self.error = "Something went wrong inside the program. Try again; if it happens again, tell its makers."
            self.state = State.FAILED


class Jobs(Generic[W]):
    """Runs jobs one after the other on `workers` threads, and forgets those that nobody looks at any more."""

    def __init__(
        self,
        *,
        workers: int = 1,
        waiting: int = 8,
        keep_seconds: float = 1800.0,
        root: Path | None = None,
        busy: Callable[[], bool] = lambda: False,
    ):
        """Start the workers.

        Args:
            workers: jobs that run at the same time.
            waiting: jobs that may wait; more are refused.
            keep_seconds: an ended job and its files go this long after it was last looked at, and a folder that no
                job came for this long after it was made.
            root: folder for the jobs' folders; a new temporary one if None.
            busy: says that something goes first at the moment: jobs wait for it then, a little at each of their steps.
        """
        self._busy = busy
        self._waiting, self._keep_seconds = waiting, keep_seconds
        if root is None:
            _delete_orphans()
        self._root = root or Path(tempfile.mkdtemp(prefix=PREFIX))
        self._unclaimed: dict[Path, float] = {}
        self._jobs: dict[str, Job[W]] = {}
        self._queue: list[Job[W]] = []
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"job-{i}", daemon=True) for i in range(workers)]
        self._threads.append(threading.Thread(target=self._sweep, name="job-sweep", daemon=True))
        for thread in self._threads:
            thread.start()

    def folder(self) -> Path:
        """Return a new empty folder for the files of a job that is about to come."""
        self._root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._root))
        self._unclaimed[folder] = time.monotonic()
        return folder

    def submit(self, work: W, folder: Path) -> Job[W]:
        """Queue work; raises Busy where too many wait already."""
        job = Job(work, folder)
        with self._changed:
            if sum(not waiting.state.ended for waiting in self._queue) >= self._waiting:
                raise Busy(f"{self._waiting} others are waiting already. Try again in a few minutes.")
            self._unclaimed.pop(folder, None)
            self._jobs[job.id] = job
            self._queue.append(job)
            self._changed.notify_all()
        return job

    def find(self, job_id: str) -> Job[W] | None:
        """Return the job of that id, if it is still kept, without a sign that somebody looks at it."""
        return self._jobs.get(job_id)

    def get(self, job_id: str) -> Job[W] | None:
        """Return the job of that id, if it is still kept, and a sign that somebody looks at it."""
        job = self.find(job_id)
        if job is not None:
            job.touch()
        return job

    def position(self, job: Job[W]) -> int:
        """Return how many jobs go before it; 0 when it runs or is next."""
        with self._changed:
            before = self._queue[: self._queue.index(job)] if job in self._queue else []
            return sum(not other.state.ended for other in before)

    def forget(self, job_id: str) -> None:
        """Stop a job and delete its files."""
        with self._changed:
            job = self._jobs.pop(job_id, None)
            if job is None:
                return
            job.cancel()
            if job in self._queue:
                self._queue.remove(job)
        if job.state is not State.RUNNING:
            remove_folder(job.folder)

    def close(self) -> None:
        """Stop everything and delete all files."""
        with self._changed:
            self._closed = True
            ids = list(self._jobs)
            self._changed.notify_all()
        for job_id in ids:
            self.forget(job_id)
        for thread in self._threads:
            thread.join(timeout=10)
        remove_folder(self._root)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                job = self._queue.pop(0)
            job.run(lambda: yield_to(self._busy, lambda: self._closed))
            job.touch()
            if job.id not in self._jobs:  # forgotten while it ran
                remove_folder(job.folder)

    def _sweep(self) -> None:
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, timeout=min(30.0, self._keep_seconds)):
                    return
            with contextlib.suppress(OSError):
                os.utime(self._root)  # the sign of life
            now = time.monotonic()
            for folder, made in self._unclaimed.copy().items():
                if now - made > self._keep_seconds:
                    self._unclaimed.pop(folder, None)
                    remove_folder(folder)
            for job in list(self._jobs.values()):
                if job.state.ended and now - job.seen > self._keep_seconds:
                    self.forget(job.id)


def _delete_orphans() -> None:
    """Delete the files of processes that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > ORPHANED:
                remove_folder(folder)
