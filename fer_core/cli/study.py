"""`analyze --study`: clips into a study, and the analysis of all that waits there."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from fer_core.cli.common import print_json, say
from fer_core.errors import OptionError
from fer_core.models.registry import active_bundle
from fer_core.studies.adding import Added, add_clips
from fer_core.studies.cluster import checked_scheduler
from fer_core.studies.library import create_study, open_study, study_names
from fer_core.studies.runner import Progress, run_study
from fer_core.studies.settings import StudySettings, read_settings
from fer_core.studies.study import Study
from fer_core.utils.platform import stop_signals

__all__ = ["analyze_study", "run_here"]


SINGLE = {"measures": False, "aspect": None, "export": None, "contempt": False}
"""Options of single clips that a study has no setting for, and their defaults."""


def analyze_study(args: argparse.Namespace) -> int:
    """Add the clips that were named to the study, and analyse what waits."""
    if args.start or args.end is not None:
        raise OptionError("--start and --end go with single clips; a study holds whole ones.")
    for name, usual in SINGLE.items():
        if getattr(args, name) != usual:
            raise OptionError(f"--{name} goes with single clips; leave it out with --study.")
    study = _study(args)
    if args.clips:
        bar = _Bar()
        added = add_clips(study, args.clips, progress=lambda i, n, name: bar.show(f"{i + 1}/{n} {name}"))
        bar.end()
        _report(added)
    if args.redo:
        given = {path.resolve() for path in args.clips}
        clips = [c for c in study.clips() if not given or _is_below(study.folder / c.path, given)]
        study.redo(clips)
    return run_here(study, args.workers, args.scheduler, as_json=args.json)


def _is_below(path: Path, folders: set[Path]) -> bool:
    return path in folders or any(folder in path.parents for folder in folders)


def _study(args: argparse.Namespace) -> Study:
    """Return the study: opened, or made with the settings that were given."""
    given = _settings(args)
    if args.study not in study_names():
        study = create_study(args.study, given)
        say(f"Made the study {study.name} in {study.folder}.")
        return study
    study = open_study(args.study)
    if given is not None and given != study.settings:
        if not args.redo and any(entry.state == "done" for entry in study.clips()):
            raise OptionError(
                f"The study {study.name} is analysed with other settings. Leave them out to go on with those, or add "
                "--redo to analyse its clips again with these."
            )
        study.set_settings(given)
    return study


def _settings(args: argparse.Namespace) -> StudySettings | None:
    """Return the settings that the options ask for; None where none was given, for a study that exists."""
    options: dict[str, Any] = {}
    if args.settings is not None:
        options = read_settings(args.settings).as_object()
    own = {
        "model": args.model,
        "detector": None if args.detector == "yunet" else args.detector,
        "detector_side": args.detail,
        "sample_fps": args.fps,
        "frame_stride": None if args.every == 1 else args.every,
        "annotate": args.annotate or None,
        "blur": args.blur or None,
    }
    own = {name: value for name, value in own.items() if value is not None}
    if "frame_stride" in own:
        own["sample_fps"] = None
    if not own and args.settings is None and args.study in study_names():
        return None
    return StudySettings.from_object({"model": active_bundle(), **options, **own}, "The options")


def _report(added: Added) -> None:
    for sentence in (*added.notes, *added.refused):
        say(sentence)
    count = len(added.new)
    no = "file is no clip" if added.ignored == 1 else "files are no clips"
    others = f"; {added.ignored} {no}" if added.ignored else ""
    refused = f"; {len(added.refused)} cannot be used" if added.refused else ""
    say(f"{count} new {'clip' if count == 1 else 'clips'}{others}{refused}.")


def run_here(study: Study, workers: int | None, scheduler: str | None, *, as_json: bool = False) -> int:
    """Analyse what waits in a study; returns the exit status."""
    address = checked_scheduler(scheduler)
    bar = _Bar()
    stopped: list[int] = []
    with stop_signals(stopped.append):
        progress = run_study(
            study,
            workers=workers,
            scheduler=address,
            listener=lambda now: bar.show(_words(now)),
            cancelled=lambda: bool(stopped),
        )
        bar.end()
        if stopped:
            say("Interrupted: what was done so far is kept. The same command goes on from there.")
            return 128 + stopped[0]
    failed = [entry for entry in study.clips() if entry.state == "failed"]
    for entry in failed:
        say(f"{entry.name}: {entry.error}")
    say(f"{progress.done} analysed, {progress.failed} failed. The study lies in {study.folder}.")
    if as_json:
        facts = {"study": study.name, "folder": str(study.folder), "done": progress.done, "failed": progress.failed}
        print_json(facts)
    return 1 if progress.failed else 0


def _words(now: Progress) -> str:
    left = "" if now.seconds_left is None else f", {now.seconds_left:.0f} s left"
    return f"{now.done + now.failed}/{now.count} clips {now.share:4.0%}{left}"


class _Bar:
    """One line on standard error that is rewritten on a terminal, and now and then a line elsewhere."""

    def __init__(self) -> None:
        self._last = 0.0
        self._shown = False

    def show(self, text: str) -> None:
        """Show how far it is, at most twice a second on a terminal, every ten seconds elsewhere."""
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if now - self._last < (0.5 if terminal else 10.0):
            return
        self._last, self._shown = now, terminal
        print(f"\r{text:<78.78}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Go to a new line."""
        if self._shown:
            print(file=sys.stderr, flush=True)
