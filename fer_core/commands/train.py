"""`train`: train a network; the run is the same as the train page's."""

from __future__ import annotations

import argparse
import json
import signal
import time
from typing import Any

from ..architectures import ARCHITECTURES
from ..runs import Run, load_run, start
from ..training import PRESETS, TrainingConfig, preset
from .common import say

__all__ = ["HELP", "add_arguments", "run"]

HELP = "train a network"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("--data", metavar="PATH", help="a dataset's file or folder, or its name (the drawn faces)")
    command.add_argument("--architecture", choices=list(ARCHITECTURES), help="the network")
    command.add_argument("--preset", choices=list(PRESETS), help="settings to begin from (quick)")
    command.add_argument("--epochs", type=int, metavar="N", help="rounds through the images")
    command.add_argument("--batch", type=int, metavar="N", help="images a step")
    command.add_argument("--seed", type=int, metavar="N", help="source of all randomness")
    command.add_argument("--name", metavar="NAME", help="what to call the run")
    command.add_argument("--resume", metavar="RUN", help="go on with a run that ended early, see `runs`")
    command.add_argument("--detach", action="store_true", help="do not wait for it")


def _config(args: argparse.Namespace) -> TrainingConfig:
    names = ("data", "architecture", "epochs", "batch", "seed", "name")
    return preset(args.preset or "quick", **{n: getattr(args, n) for n in names if getattr(args, n) is not None})


def run(args: argparse.Namespace) -> int:
    """Start or resume a run and follow it; an interrupt asks it to stop."""
    if args.resume:
        one = load_run(args.resume)
        one.resume(args.epochs)
    else:
        one = start(_config(args))
    say(f"{one.id}: {one.folder}")
    if not args.detach:
        handlers = {n: signal.signal(n, lambda *_: one.stop()) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            _follow(one)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    state = one.state
    if one.error:
        say(f"Error: {one.error}")
    elif not args.detach:
        best = one.status.get("best_accuracy")
        say(f"{state}; model: {one.bundle or 'none'}" + ("" if best is None else f"; {best:.1%} right"))
    if args.json:
        print(json.dumps(summary(one), indent=2))
    return 2 if one.error else 0


def _follow(one: Run) -> None:
    told, place = len(one.epochs()), 0
    while True:
        state = one.state
        if one.place != place:
            place = one.place
            say(f"{place} other training{'s' * (place > 1)} of this computer go first." if place else "Its turn.")
        for row in one.epochs().to_dict("records")[told:]:
            told += 1
            say(
                f"epoch {row['epoch']}: {row['accuracy']:.1%} right in training, {row['val_accuracy']:.1%} in "
                f"validation, {row['images_per_second']:.0f} images/s"
            )
        if state in {"stopped", "done", "failed"}:
            return
        time.sleep(0.3)


def summary(one: Run) -> dict[str, Any]:
    """What the command line says of a run."""
    status = one.status
    keys = ("epoch", "epochs", "best_epoch", "best_accuracy")
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "error": one.error,
        "folder": str(one.folder),
        "bundle": str(one.bundle) if one.bundle else None,
        **{key: status.get(key) for key in keys},
    }
