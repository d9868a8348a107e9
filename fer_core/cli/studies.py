"""`studies`: the studies of this workspace."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from fer_core.cli.common import print_json, say
from fer_core.cli.study import run_here
from fer_core.errors import OptionError
from fer_core.studies.library import delete_study, list_studies, open_study
from fer_core.studies.runner import in_turn
from fer_core.studies.study import Study
from fer_core.studies.tables import export_study

__all__ = ["HELP", "add_arguments", "run"]

HELP = "many clips, kept: list, show, run, export or delete studies"

ACTIONS = ("list", "show", "run", "export", "delete")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("action", choices=ACTIONS, help="what to do")
    command.add_argument("name", nargs="?", metavar="STUDY", help="which one; for all but `list`")
    command.add_argument("--out", type=Path, metavar="DIR", help="export: folder for the tables (results/STUDY)")
    command.add_argument("--workers", type=int, metavar="N", help="run: processes (one a core)")
    command.add_argument("--scheduler", metavar="ADDRESS", help="run: Dask scheduler (FER_SCHEDULER)")
    command.add_argument("--in-turn", action="store_true", help="run: wait for other studies of this computer")


def run(args: argparse.Namespace) -> int:
    """List, show, run, export or delete studies."""
    if args.action == "list":
        return _list(args.json)
    if args.name is None:
        raise OptionError(f"Name a study: python -m fer_core studies {args.action} NAME.")
    study = open_study(args.name)
    if args.action == "run":
        with in_turn(study) if args.in_turn else nullcontext():
            return run_here(study, args.workers, args.scheduler, as_json=args.json)
    if args.action == "delete":
        delete_study(study)
        say(f"Deleted the study {study.name}; clips that lie elsewhere are still there.")
        return 0
    if args.action == "export":
        files = export_study(study, args.out or Path("results") / study.name)
        print_json([str(f) for f in files]) if args.json else print("\n".join(str(f) for f in files))
        return 0
    return _show(study, args.json)


def _summary(study: Study) -> dict[str, Any]:
    entries = study.clips()
    states = Counter(entry.state for entry in entries)
    seconds = sum(entry.seconds or 0.0 for entry in entries)
    return {"name": study.name, "folder": str(study.folder), "clips": len(entries), "seconds": seconds, **states}


def _list(as_json: bool) -> int:
    studies, problems = list_studies()
    found = [_summary(study) for study in studies]
    if as_json:
        print_json(found)
    for one in found if not as_json else []:
        done = one.get("done", 0)
        print(f"{one['name']}: {one['clips']} clips, {one['seconds'] / 60:.1f} minutes, {done} analysed")
    for sentence in problems:
        say(sentence)
    if not found and not problems:
        say("There is no study yet. Make one: python -m fer_core analyze FOLDER --study NAME")
    return 1 if problems else 0


def _show(study: Study, as_json: bool) -> int:
    entries = study.clips()
    if as_json:
        names = ("id", "name", "path", "seconds", "participant", "group", "condition", "state", "frames", "people")
        clips = [{n: getattr(entry, n) for n in names} | {"error": entry.error} for entry in entries]
        facts = {**_summary(study), "settings": study.settings.as_object(), "entries": clips}
        print_json(facts)
        return 0
    for entry in entries:
        length = "" if entry.seconds is None else f", {entry.seconds:.1f} s"
        result = f", {entry.people} people, {entry.frames} frames" if entry.state == "done" else ""
        print(f"{entry.name}: {entry.state}{length}{result}" + (f"; {entry.error}" if entry.error else ""))
    return 0
