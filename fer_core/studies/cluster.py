"""Where the work of a study runs: in this process, in processes of this machine, or on a cluster (Dask).

`distributed` is imported only where a cluster is wanted. It opens no dashboard; a cluster of this machine listens on
127.0.0.1 alone, and only to whoever holds its keys, which are made anew each time.
"""

from __future__ import annotations

import math
import os
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2

from fer_core.errors import FerError, OptionError
from fer_core.studies.manifest import StudyError
from fer_core.utils.platform import free_memory, usable_cores

__all__ = ["Engine", "checked_scheduler", "local_workers", "open_engine"]

WORKER_BYTES = 1_200_000_000
"""Memory that a worker may want: the networks, the readings of a few seconds, and decoded frames up to 4K."""

RETRIES = 2
"""How often work is tried again whose worker died."""

PATIENCE = 10
"""Seconds for which a scheduler is asked for an answer."""
ASK_EVERY = 5.0
"""Seconds between two questions for the number of workers."""

Outcome = dict[str, Any]


class Engine(Protocol):
    """Does steps of work; what comes out is given in the order in which it is done."""

    @property
    def slots(self) -> int:
        """How many steps are done at the same time."""

    @property
    def threads(self) -> int:
        """How many threads a step may use."""

    def submit(self, label: Any, function: Callable[..., Outcome], *args: Any) -> None:
        """Queue a step; `label` comes back with its outcome."""

    def next(self, timeout: float) -> tuple[Any, Outcome] | None:
        """Return a step that is done; None where none is within `timeout` seconds."""


class _Inline:
    """Steps one after the other in this process, each with two threads."""

    slots, threads = 1, 2

    def __init__(self) -> None:
        self._queue: list[tuple[Any, Callable[..., Outcome], tuple[Any, ...]]] = []

    def submit(self, label: Any, function: Callable[..., Outcome], *args: Any) -> None:
        self._queue.append((label, function, args))

    def next(self, timeout: float) -> tuple[Any, Outcome] | None:
        if not self._queue:
            return None
        label, function, args = self._queue.pop(0)
        return label, function(*args)


@dataclass(frozen=True, slots=True)
class _Step:
    label: Any
    function: Callable[..., Outcome]
    args: tuple[Any, ...]
    tries: int = 0


class _Dask:
    """Steps on the workers of a Dask cluster."""

    threads = 1

    def __init__(self, client: Any) -> None:
        self._client = client
        self._done: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._number = 0
        self._asked, self._slots = -math.inf, 1
        self._ready: deque[tuple[Any, Outcome]] = deque()
        self._steps: dict[int, _Step] = {}

    @property
    def slots(self) -> int:
        now = time.monotonic()
        if now > self._asked + ASK_EVERY:  # workers come and go; each question waits for the scheduler
            self._asked, self._slots = now, max(1, sum(self._client.nthreads().values()))
        return self._slots

    def submit(self, label: Any, function: Callable[..., Outcome], *args: Any) -> None:
        self._submit(_Step(label, function, args))

    def _submit(self, step: _Step) -> None:
        self._number += 1
        number = self._number
        self._steps[number] = step
        key = f"{step.function.__name__}-{number}-{os.getpid()}"
        future = self._client.submit(step.function, *step.args, key=key, pure=False, priority=-number)
        future.add_done_callback(lambda done: self._done.put((number, done)))

    def next(self, timeout: float) -> tuple[Any, Outcome] | None:
        if not self._ready:
            self._ready.extend(self._gathered(timeout))
        return self._ready.popleft() if self._ready else None

    def _gathered(self, timeout: float) -> Iterator[tuple[Any, Outcome]]:
        """Bring all outcomes that are there: each journey to the workers takes milliseconds, however many they are."""
        done = []
        with suppress(queue.Empty):
            done.append(self._done.get(timeout=timeout))
            while True:
                done.append(self._done.get_nowait())
        finished = {number: future for number, future in done if future.status == "finished"}
        outcomes = self._client.gather(finished, errors="skip") if finished else {}
        for number, future in done:
            step = self._steps.pop(number)
            if number in outcomes:
                yield step.label, outcomes[number]
            elif future.status == "error":
                yield step.label, {"state": "failed", "error": _sentence(future.exception())}
            elif step.tries < RETRIES:
                # A worker died with the outcome in its hands: what it did lies in the clip's folder, and goes on there.
                self._submit(replace(step, tries=step.tries + 1))
            else:
                yield step.label, {"state": "failed", "error": _sentence(RuntimeError(future.status))}
            future.release()


def _sentence(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            f"The process that analysed this clip ended {RETRIES + 1} times, most likely for want of memory. "
            "Use fewer workers, or a smaller clip."
        )
    return f"The work was lost on its way ({type(error).__name__}). Start again: it goes on where it was."


def local_workers(wanted: int | None = None) -> int:
    """Return how many processes work here: as wanted, else one a core, but no more than the memory bears.

    Raises:
        OptionError: fewer than one are wanted, or more than 256.
    """
    if wanted is not None:
        if not 1 <= wanted <= 256:
            raise OptionError(f"The number of workers must lie between 1 and 256; received {wanted}.")
        return wanted
    return max(1, min(usable_cores(), free_memory() // WORKER_BYTES))


@contextmanager
def open_engine(workers: int, scheduler: str | None = None) -> Iterator[Engine]:
    """Open what does the work.

    Args:
        workers: processes of this machine; with 1 the work is done in this process.
        scheduler: address of an existing Dask scheduler, such as tcp://host:8786; then `workers` does not count.

    Raises:
        StudyError: the scheduler does not answer, or Dask is not installed.
    """
    if scheduler is None and workers == 1:
        cv2.setNumThreads(1)
        yield _Inline()
        return
    try:
        import dask
        import distributed
    except ImportError as error:
        raise StudyError(
            "Several workers need Dask, which is not installed. Install it with `pip install distributed`, "
            "or use one worker."
        ) from error
    quiet = {
        "distributed.scheduler.allowed-failures": RETRIES,
        # No step waits at a worker that is busy: it would be blamed, too, when that one dies of its work.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.admin.low-level-log-length": 0,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with dask.config.set(quiet), _client(distributed, workers, scheduler) as client:
        yield _Dask(client)


@contextmanager
def _client(distributed: Any, workers: int, scheduler: str | None) -> Iterator[Any]:
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise StudyError(
                f"The scheduler at {scheduler} does not answer. Start one with `dask scheduler`, and give its address "
                "as it says it, such as tcp://host:8786."
            ) from error
        with client:
            yield client
        return
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # with None it would listen on all interfaces all the same
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=0,
            security=distributed.Security.temporary(),
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def checked_scheduler(address: str | None) -> str | None:
    """Return the scheduler's address as given, or as FER_SCHEDULER says; None for none.

    Raises:
        FerError: it is no address of a scheduler.
    """
    given = address or os.environ.get("FER_SCHEDULER") or None
    if given is not None and not given.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        raise FerError(f"A scheduler's address looks like tcp://host:8786; received {given!r}.")
    return given
