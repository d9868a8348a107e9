"""`train`: train a network; the run is the same as the train page's."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from fer_core.cli.common import print_json, say
from fer_core.datasets.library import list_datasets
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.config import PRESETS, TrainingConfig, preset
from fer_core.training.runs import Run, load_run, start
from fer_core.utils.platform import stop_signals

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
    command.add_argument("--split", metavar="NAME", help="part to measure on (validation, else test, else a tenth)")
    command.add_argument("--name", metavar="NAME", help="what to call the run")
    command.add_argument("--resume", metavar="RUN", help="go on with a run that ended early, see `runs`")
    command.add_argument("--detach", action="store_true", help="do not wait for it")


def _config(args: argparse.Namespace) -> TrainingConfig:
    names = ("data", "architecture", "epochs", "batch", "seed", "name")
    given = {n: getattr(args, n) for n in names if getattr(args, n) is not None}
    if args.split is not None:
        given["validation_split"] = args.split
    data = given.get("data", "")
    if data and data not in {stored.name for stored in list_datasets()} and Path(data).exists():
        given["data"] = str(Path(data).resolve())  # the training runs in another folder
    return preset(args.preset or "quick", **given)


def run(args: argparse.Namespace) -> int:
    """Start or resume a run and follow it; an interrupt asks it to stop."""
    if args.resume:
        one = load_run(args.resume)
        one.resume(args.epochs)
    else:
        one = start(_config(args))
    say(f"{one.id}: {one.folder}")
    interrupted: list[int] = []
    if not args.detach:

        def stop(number: int) -> None:
            interrupted.append(number)
            say("Stopping; the best weights are kept.")
            one.stop()

        with stop_signals(stop):
            _follow(one)
        _tell_end(one)
    if args.json:
        print_json(summary(one))
    return 2 if one.error else 130 if interrupted else 0


def _tell_end(one: Run) -> None:
    if one.error:
        say(f"Error: {one.error}")
        return
    if one.message:
        say(one.message)
    best = one.status.get("best_accuracy")
    right = "" if best is None else f", {best:.1%} right in validation (epoch {one.status.get('best_epoch')})"
    say(f"{one.state.capitalize()}{right}.")
    if one.bundle:
        say(f"Its model: {one.bundle}\nUse it on pages and in commands: python -m fer_core models --use {one.id}")
    if one.resumable:
        say(f"Go on: python -m fer_core train --resume {one.id}")


def _follow(one: Run) -> None:
    told, place, warned = len(one.epochs()), 0, False
    while True:
        state = one.state
        if one.place != place:
            place = one.place
            say(f"{place} other training{'s' * (place > 1)} of this computer go first." if place else "Its turn.")
        if not warned and (warnings := one.status.get("warnings")) and state == "running":
            warned = True
            for words in warnings:
                say(f"Note: {words}")
        for row in one.epochs().to_dict("records")[told:]:
            told += 1
            say(
                f"epoch {row['epoch']} of {one.config.epochs}: {row['accuracy']:.1%} right in training, "
                f"{row['val_accuracy']:.1%} in validation, {row['images_per_second']:.0f} images/s"
            )
        if state in {"stopped", "done", "failed"}:
            return
        time.sleep(0.3)


def summary(one: Run) -> dict[str, Any]:
    """Return what the command line says of a run."""
    status = one.status
    keys = ("epoch", "epochs", "best_epoch", "best_accuracy")
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "error": one.error,
        "message": one.message,
        "folder": str(one.folder),
        "bundle": str(one.bundle) if one.bundle else None,
        **{key: status.get(key) for key in keys},
    }
