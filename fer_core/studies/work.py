"""Work on one clip of a study: read its segments, follow its faces, keep the result. Runs in any process.

Everything goes through the study's folder, so whoever shares that folder can do any step; a step that was interrupted
goes on where it was.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_core.errors import Cancelled, FerError, MediaError
from fer_core.studies.finishing import finish_clip
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.segment_reader import SegmentReader
from fer_core.studies.segments import Plan, bad_seam, plan_segments
from fer_core.studies.settings import StudySettings
from fer_core.utils.platform import remove_folder
from fer_core.utils.workspace import use_workspace
from fer_core.video.limits import Limits
from fer_core.video.reader import probe

__all__ = ["ClipJob", "content_hash", "do_finish", "do_plan", "do_segment", "do_whole"]

log = logging.getLogger(__name__)

Outcome = dict[str, Any]
"""Fields of `ClipEntry` that the work changed; `halt` says why the whole study must stop."""


@dataclass(frozen=True, slots=True)
class ClipJob:
    """One clip to analyse.

    Attributes:
        study: the study's folder.
        entry: the clip.
        settings: how it is analysed.
        limits: what is refused.
        threads: frames recognised at the same time.
    """

    study: Path
    entry: ClipEntry
    settings: StudySettings
    limits: Limits = field(default_factory=Limits)
    threads: int = 1

    @property
    def source(self) -> Path:
        """The clip's file."""
        return self.study / self.entry.path  # an absolute path stays what it is

    @property
    def work(self) -> Path:
        """Folder of what is in hand."""
        return self.study / "work" / self.entry.folder

    @property
    def place(self) -> Path:
        """Folder of the result."""
        return self.study / "clips" / self.entry.folder


def content_hash(path: Path) -> str:
    """Return the hash of a file's content, by which a clip is known.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def do_plan(job: ClipJob) -> Outcome:
    """Check the clip and plan it; `segments` in the outcome is their number."""
    return _guarded(job, lambda: {"segments": _plan(job).segments})


def do_segment(job: ClipJob, segment: int) -> Outcome:
    """Read one segment of a planned clip."""

    def read() -> Outcome:
        _read(job, _planned(job), segment)
        return {}

    return _guarded(job, read)


def do_finish(job: ClipJob) -> Outcome:
    """Put the segments together and keep the result; reads on where they do not fit."""
    return _guarded(job, lambda: _finish(job, _planned(job)))


def do_whole(job: ClipJob) -> Outcome:
    """Do all of a clip."""

    def whole() -> Outcome:
        plan = _plan(job)
        for segment in range(plan.segments):
            _read(job, plan, segment)
        return _finish(job, plan)

    return _guarded(job, whole)


def _guarded(job: ClipJob, work: Callable[[], Outcome]) -> Outcome:
    """Do a step; what goes wrong becomes a sentence of this clip's, and the others go on."""
    try:
        with use_workspace(job.study.parent.parent):
            return work()
    except Cancelled:
        return {"state": "waiting"}
    except FerError as error:
        return {"state": "failed", "error": str(error)}
    except OSError as error:
        if not job.study.is_dir():
            return {"state": "waiting", "halt": "The study was deleted."}
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = "The disk is full. Free some room and start again: it goes on where it was."
            return {"state": "waiting", "halt": sentence}
        return {"state": "failed", "error": f"A file could not be read or written: {error.strerror or error}."}
    except Exception:
        # A defect of ours: the log has the details, the person gets a sentence.
        log.exception("a clip failed")
        return {"state": "failed", "error": "Something went wrong inside the program; its makers should know of it."}


def _plan(job: ClipJob) -> Plan:
    if not job.study.is_dir():
        raise Cancelled("The study was deleted.")
    _check_source(job)
    plan = Plan.load(job.work)
    if plan is not None and plan.settings == job.settings.key:
        return plan
    remove_folder(job.work)
    plan = plan_segments(job.source, job.settings.key, probe(job.source, job.limits), job.limits)
    job.work.mkdir(exist_ok=True)  # no folder above it: a study that is deleted meanwhile stays deleted
    plan.save(job.work)
    return plan


def _planned(job: ClipJob) -> Plan:
    plan = Plan.load(job.work)
    if plan is None:
        raise StudyError("The folder of this clip's work was deleted meanwhile. Start again.")
    return plan


def _check_source(job: ClipJob) -> None:
    entry = job.entry
    try:
        facts = job.source.stat()
        same = (facts.st_size, facts.st_mtime_ns) == (entry.bytes, entry.modified)
        changed = not same and content_hash(job.source) != entry.id
    except OSError as error:
        raise MediaError(
            f"{job.source} is not there any more. Put it back, or add it again from where it lies now."
        ) from error
    if changed:
        raise MediaError(f"{job.source} has changed since it was added to the study. Add it again: it counts as new.")


def _read(job: ClipJob, plan: Plan, segment: int) -> None:
    SegmentReader(
        job.source,
        job.work,
        plan,
        segment,
        job.settings.recognizer(picture=plan.is_image),
        job.settings.analysis_options(),
        limits=job.limits,
        stopped=_stop_asked(job),
        threads=job.threads,
        blur=job.settings.blur,
    ).run()


def _stop_asked(job: ClipJob) -> Callable[[], bool]:
    """Return what says whether the study, or this clip, was told to stop; the disk is asked three times a second."""
    signs = [job.study / "stop", job.study / "work" / f"{job.entry.folder}.stop"]
    state = {"next": 0.0, "stop": False}

    def stopped() -> bool:
        now = time.monotonic()
        if now >= state["next"]:
            state["next"] = now + 0.3
            state["stop"] = any(os.path.exists(sign) for sign in signs) or not os.path.exists(job.work)
        return bool(state["stop"])

    return stopped


def _finish(job: ClipJob, plan: Plan) -> Outcome:
    while (bad := bad_seam(job.work, plan)) is not None:
        # Read on in one go from the last segment that is known to fit; all of it is read again, which is rare.
        keep = max(0, bad - 1)
        plan = Plan(plan.settings, plan.width, plan.is_image, plan.starts[:keep])
        for path in job.work.glob("readings-*.parquet"):
            if int(path.name.split("-")[1]) >= keep:
                path.unlink(missing_ok=True)
        plan.save(job.work)
        _read(job, plan, keep)
    facts = finish_clip(job.entry, job.source, job.work, job.place, plan, job.settings, job.limits)
    remove_folder(job.work)
    return {"state": "done", "error": "", "settings": facts.settings_key, **counts(asdict(facts))}


def counts(facts: Mapping[str, Any]) -> Outcome:
    """Return what the manifest says of a result."""
    return {name: facts[name] for name in ("frames", "people", "faces")}
