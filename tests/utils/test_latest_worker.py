"""A thread that takes the newest, leaves out the rest, and ends when nothing comes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from fer_core.utils.latest_worker import MOST_REST, LatestItemWorker


class Bench:
    """Work that waits until it is let go, and what was done of it."""

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self.gate, self.begun, self.ended = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
        self.seen: list[int] = []
        self.idle = False
        self.newest: LatestItemWorker[int] = LatestItemWorker(self.work, idle=self.is_idle, done=self.end, busy=busy)

    def is_idle(self) -> bool:
        return self.idle

    def end(self) -> None:
        self.ended.set()

    def work(self, item: int) -> None:
        self.seen.append(item)
        self.begun.release()
        assert self.gate.acquire(timeout=60)

    def let_go(self) -> None:
        self.gate.release()

    def close(self) -> None:
        self.newest.close()
        self.newest.join(60)


def test_what_comes_during_work_is_left_out_but_for_the_newest() -> None:
    bench = Bench()
    bench.newest.give(0)
    assert bench.begun.acquire(timeout=60)
    for item in range(1, 6):
        bench.newest.give(item)
    assert bench.newest.waiting and bench.seen == [0]
    bench.let_go()
    assert bench.begun.acquire(timeout=60)
    assert bench.seen == [0, 5] and not bench.newest.waiting
    bench.let_go()
    bench.close()
    assert bench.ended.is_set() and bench.seen == [0, 5]


def test_what_is_forgotten_is_not_done() -> None:
    bench = Bench()
    bench.newest.give(0)
    assert bench.begun.acquire(timeout=60)
    bench.newest.give(1)
    bench.newest.forget()
    bench.let_go()
    bench.close()
    assert bench.seen == [0]


def test_nothing_is_taken_after_the_end() -> None:
    bench = Bench()
    bench.newest.close()
    bench.newest.give(0)
    bench.newest.join(60)
    assert bench.seen == [] and not bench.newest.waiting


def test_the_thread_ends_when_nothing_is_to_be_expected_and_begins_again() -> None:
    bench = Bench()
    for item in (0, 1):
        bench.idle = False
        bench.ended.clear()
        bench.newest.give(item)
        assert bench.begun.acquire(timeout=60)
        bench.idle = True
        bench.let_go()
        assert bench.ended.wait(60)
    assert bench.seen == [0, 1]


def test_it_rests_for_as_long_as_it_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("fer_core.utils.latest_worker.time", SimpleNamespace(monotonic=lambda: now[0]))
    bench = Bench()
    rests: list[float] = []
    monkeypatch.setattr(bench.newest._changed, "wait_for", lambda over, seconds: rests.append(seconds))
    for seconds in (0.03, 5.0):
        bench.newest.give(0)
        assert bench.begun.acquire(timeout=60)
        now[0] += seconds
        bench.let_go()
    bench.close()
    assert rests == [pytest.approx(0.03), MOST_REST]


def test_the_next_waits_a_little_while_something_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.utils.threads.MOST_WAIT", 3600.0)
    first, asked = threading.Event(), threading.Semaphore(0)

    def busy() -> bool:
        asked.release()
        return first.is_set()

    bench = Bench(busy)
    first.set()
    bench.newest.give(0)
    assert bench.begun.acquire(timeout=60)
    bench.newest.give(1)
    bench.newest.give(2)
    bench.let_go()
    for _ in range(3):
        assert asked.acquire(timeout=60)
    assert bench.seen == [0]
    first.clear()
    assert bench.begun.acquire(timeout=60)
    bench.let_go()
    bench.close()
    assert bench.seen == [0, 2]


def test_what_goes_first_does_not_stop_the_next_for_long() -> None:
    bench = Bench(lambda: True)
    for item in (0, 1):
        bench.newest.give(item)
        assert bench.begun.acquire(timeout=60)
        bench.let_go()
    bench.close()
    assert bench.seen == [0, 1]


def test_an_owner_who_is_forgotten_goes_at_once_and_the_thread_with_it() -> None:
    bench = Bench()
    bench.newest.give(0)
    assert bench.begun.acquire(timeout=60)
    gone, newest = weakref.ref(bench), bench.newest
    bench.let_go()
    del bench
    newest.join(60)
    assert gone() is None and not [t for t in threading.enumerate() if t.name == "live-look"]
