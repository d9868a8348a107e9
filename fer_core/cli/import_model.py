"""`import-model`: bring in a Keras model that somebody else trained."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from fer_core.cli.common import print_json, say
from fer_core.models.importer import ORDERS, import_model, inspect_model
from fer_core.models.preprocessing import SCALES
from fer_core.models.registry import set_active

__all__ = ["HELP", "add_arguments", "run"]

HELP = "bring in a Keras model: .keras, .h5, or model.json and weights"
WORDS = {"name": "by name", "kaggle": "of Kaggle's fer2013.csv", "ferplus": "of FER+"}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument(
        "--labels",
        metavar="ORDER",
        help=f"what its outputs stand for: {', '.join(WORDS)}, or their names with commas; without it the model is "
        "only looked at",
    )
    command.add_argument("--scale", choices=SCALES, help="how grey levels become its input (unit, 0 to 1)")
    command.add_argument("--name", metavar="NAME", help="what to call it (its file's name)")
    command.add_argument("--use", action="store_true", help="from now on pages and commands use it")


def run(args: argparse.Namespace) -> int:
    """Look at a model, or bring it in where its labels are confirmed."""
    if args.labels is None:
        return _look(args)
    labels = ORDERS[WORDS[args.labels]] if args.labels in WORDS else args.labels.split(",")
    scale = args.scale or inspect_model(args.files).scale
    whole = next((file for file in args.files if file.suffix != ".json"), args.files[0])
    bundle = import_model(args.files, labels=labels, scale=scale, name=args.name or whole.stem)
    if args.use:
        set_active(bundle.name)
    if args.json:
        print_json({"name": bundle.name, "folder": str(bundle.folder), "card": bundle.card})
    else:
        print(f"{bundle.name}: {bundle.folder}")
    return 0


def _look(args: argparse.Namespace) -> int:
    seen = inspect_model(args.files)
    if args.json:
        print_json({**asdict(seen), "scale": seen.scale, "orders": seen.orders})
        return 0
    color = "grey" if seen.channels == 1 else "colour"
    print(
        f"{seen.side}x{seen.side} {color} pictures, {seen.outputs} outputs, {seen.parameters:,} parameters; "
        f"grey levels most likely {seen.scale}"
    )
    short = {title: name for name, title in WORDS.items()}
    for title, labels in seen.orders.items():
        print(f"  --labels {short[title]}: {', '.join(labels)}")
    say("Bring it in with --labels and the order of the labels that it was trained with.")
    return 0
