"""`runs`: the trainings of this home."""

from __future__ import annotations

import argparse

from fer_core.cli.common import print_json, say
from fer_core.cli.train import summary
from fer_core.training.runs import list_runs, load_run

__all__ = ["HELP", "add_arguments", "run"]

HELP = "the trainings so far"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    action = command.add_mutually_exclusive_group()
    action.add_argument("--stop", metavar="RUN", help="ask one to stop")
    action.add_argument("--delete", metavar="RUN", help="delete one with its files")


def run(args: argparse.Namespace) -> int:
    """List the runs, or stop or delete one."""
    if args.stop:
        load_run(args.stop).stop()
    if args.delete:
        load_run(args.delete).delete()
    found = [summary(one) for one in list_runs()]
    if args.json:
        print_json(found)
        return 0
    if not found:
        say("There is no training yet. Begin one: python -m fer_core train")
    for one in found:
        best = one["best_accuracy"]
        right = "" if best is None else f", {best:.1%} right (epoch {one['best_epoch']})"
        called = "" if one["name"] == one["id"] else f" ({one['name']})"
        print(f"{one['id']}{called}: {one['state']}{right}" + (f"; {one['error']}" if one["error"] else ""))
    return 0
