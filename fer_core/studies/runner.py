"""Analysis of a study: hands its clips to the engine, writes down what becomes of them, and says how far it is."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_core.studies.cluster import Engine, local_workers, open_engine
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.segments import LONG
from fer_core.studies.study import Study
from fer_core.studies.work import ClipJob, do_finish, do_plan, do_segment, do_whole
from fer_core.utils.locks import try_lock
from fer_core.utils.platform import user_id
from fer_core.video.limits import Limits

__all__ = ["Progress", "in_turn", "run_study"]

AHEAD = 6
"""Steps that are ready for each worker, or in its hands."""
TELL_EVERY = 1.0
"""Seconds between two words on how far it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the analysis of a study is.

    Attributes:
        done, failed, count: clips of this run.
        share: of all its seconds that are read, 0 to 1.
        seconds_left: estimate from the pace so far; None where there is none yet.
        running: names of the clips in hand.
    """

    done: int
    failed: int
    count: int
    share: float
    seconds_left: float | None
    running: tuple[str, ...]


@dataclass(slots=True)
class _InHand:
    job: ClipJob
    segments: int = 1
    to_submit: int = 0
    pending: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """One run over a study; in the caller's thread."""

    study: Study
    engine: Engine
    limits: Limits
    listener: Callable[[Progress], None]
    cancelled: Callable[[], bool]
    whole: Callable[[ClipJob], dict[str, Any]]
    waiting: deque[ClipEntry] = field(default_factory=deque)
    in_hand: dict[str, _InHand] = field(default_factory=dict)
    count: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    seconds_done: float = 0.0
    seconds_before: float = 0.0
    changes: list[dict[str, Any]] = field(default_factory=list)
    halt: str = ""
    started: float = 0.0
    told: float = 0.0

    def run(self) -> Progress:
        entries = [entry for entry in self.study.clips() if entry.state == "waiting"]
        self.waiting.extend(entries)
        self.count, self.seconds = len(entries), sum(_weight(entry) for entry in entries)
        self.seconds_before = sum(self.study.progress(entry) * _weight(entry) for entry in entries)
        self.started = time.monotonic()
        while self.waiting or self.in_hand:
            if self.cancelled() and not self.halt:
                self.study.stop()
            if self._stopping():
                self.waiting.clear()
                for hand in self.in_hand.values():
                    hand.to_submit = 0
            self._fill()
            finished = self.engine.next(0.25)
            while finished is not None:
                self._take(*finished)
                finished = self.engine.next(0.0)
            self.study.manifest.append(self.changes)  # together: each time the file is locked and opened
            self.changes = []
            self._tell()
        self._tell(last=True)
        if self.halt:
            raise StudyError(self.halt)
        return self._progress()

    def _fill(self) -> None:
        """Keep every worker busy, and a few steps ready for each; not more, so that memory stays flat."""
        room = AHEAD * self.engine.slots if self.engine.slots > 1 else 1
        pending = sum(hand.pending for hand in self.in_hand.values())
        for clip_id, hand in self.in_hand.items():
            while hand.to_submit and pending < room:
                segment = hand.segments - hand.to_submit
                hand.to_submit -= 1
                hand.pending += 1
                pending += 1
                self.engine.submit((clip_id, "segment"), do_segment, hand.job, segment)
        started = []
        while self.waiting and pending < room:
            entry = self.waiting.popleft()
            now = self.study.manifest.clips().get(entry.id)
            if now is None or now.state != "waiting":  # taken out, or skipped, meanwhile
                self.count -= 1
                self.seconds -= _weight(entry)
                continue
            started.append({"id": entry.id, "state": "running"})
            job = ClipJob(self.study.folder, now, self.study.wanted(now), self.limits, self.engine.threads)
            self.in_hand[entry.id] = _InHand(job, pending=1)
            pending += 1
            cut = self.engine.slots > 1 and (now.seconds or 0.0) >= LONG
            if cut:
                self.engine.submit((entry.id, "plan"), do_plan, job)
            else:
                self.engine.submit((entry.id, "end"), self.whole, job)
        self.study.manifest.append(started)

    def _take(self, label: tuple[str, str], outcome: dict[str, Any]) -> None:
        clip_id, step = label
        hand = self.in_hand[clip_id]
        hand.pending -= 1
        if "halt" in outcome:
            self.halt = str(outcome.pop("halt"))
        if step == "plan" and "segments" in outcome:
            hand.segments = hand.to_submit = int(outcome["segments"])
        elif step != "segment" or outcome:
            hand.to_submit = 0
            if hand.outcome.get("state") != "failed":
                hand.outcome = outcome
        if hand.pending or hand.to_submit:
            return
        if step == "segment" and not hand.outcome:
            if not self._stopping():
                hand.pending = 1
                self.engine.submit((clip_id, "end"), do_finish, hand.job)
                return
            hand.outcome = {"state": "waiting"}
        self._end(hand)

    def _stopping(self) -> bool:
        return bool(self.halt) or (self.study.folder / "stop").exists()

    def _end(self, hand: _InHand) -> None:
        """Write down what became of a clip."""
        entry, outcome = hand.job.entry, hand.outcome
        del self.in_hand[entry.id]
        now = self.study.manifest.clips().get(entry.id)
        if now is None or (outcome["state"] == "waiting" and now.state == "skipped"):
            return  # the person took it out, or skipped it
        if outcome["state"] != "waiting":
            self.done += outcome["state"] == "done"
            self.failed += outcome["state"] == "failed"
            self.seconds_done += _weight(entry)
        self.changes.append({"id": entry.id, **outcome})

    def _progress(self) -> Progress:
        running = sum(self.study.progress(hand.job.entry) * _weight(hand.job.entry) for hand in self.in_hand.values())
        read = self.seconds_done + running
        share = min(1.0, read / self.seconds) if self.seconds else 1.0
        spent, fresh = time.monotonic() - self.started, read - self.seconds_before
        left = spent / fresh * (self.seconds - read) if fresh > 0 and spent > 1 else None
        names = tuple(hand.job.entry.name for hand in self.in_hand.values())
        return Progress(self.done, self.failed, self.count, share, left, names)

    def _tell(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self.told < TELL_EVERY:
            return
        self.told = now
        progress = self._progress()
        self.study.tell(
            done=progress.done,
            failed=progress.failed,
            count=progress.count,
            share=progress.share,
            seconds_left=progress.seconds_left,
            slots=self.engine.slots,
            ended=last,
            error=self.halt,
        )
        self.listener(progress)


@contextmanager
def in_turn(study: Study) -> Iterator[None]:
    """Wait until no other study of this user is analysed on this computer in its turn; gives up with the study.

    Raises:
        StudyError: the study was deleted, or told to stop, while it waited.
    """
    place = Path(tempfile.gettempdir()) / f"expression-lab-studies-{user_id()}.lock"
    while (held := try_lock(place, 1.0)) is None:
        study.tell(ended=False, queued=True)
        if not study.folder.is_dir() or (study.folder / "stop").exists():
            raise StudyError("The study was stopped while it waited for its turn.")
    try:
        yield
    finally:
        held.release()


def _weight(entry: ClipEntry) -> float:
    return entry.seconds or 1.0


def run_study(
    study: Study,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    limits: Limits | None = None,
    listener: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    whole: Callable[[ClipJob], dict[str, Any]] = do_whole,
) -> Progress:
    """Analyse the clips of a study that wait; goes on where an earlier run was interrupted.

    Args:
        study: to be analysed.
        workers: processes of this machine; one a core if None, as far as the memory bears.
        scheduler: address of an existing Dask scheduler instead.
        limits: what is refused.
        listener: is told about once a second how far it is.
        cancelled: asked about four times a second; what is done when it turns true is kept.
        whole: does a short clip.

    Returns:
        How far it came.

    Raises:
        StudyError: another program analyses it, it cannot be written, or the disk is full.

    Example:
        >>> from fer_core.studies.runner import run_study  # doctest: +SKIP
        >>> run_study(open_study("Pilot"), workers=2)  # doctest: +SKIP
    """
    with study.hold():
        study.clear_stops()
        study.recover()
        entries = [entry for entry in study.clips() if entry.state == "waiting"]
        alone = len(entries) == 1 and (entries[0].seconds or 0.0) < LONG
        count = 1 if alone or not entries else local_workers(workers)
        with open_engine(count, None if alone or not entries else scheduler) as engine:
            return _Run(study, engine, limits or Limits(), listener, cancelled, whole).run()
