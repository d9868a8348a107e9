"""`import-model`: bring in a Keras model that somebody else trained."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fer_core.cli.common import print_json, say
from fer_core.datasets.readers import open_dataset
from fer_core.models.foreign_model import ORDERS, ForeignModel
from fer_core.models.importer import import_model, inspect_model, known_labels
from fer_core.models.preprocessing import SCALES
from fer_core.models.registry import set_active

__all__ = ["HELP", "add_arguments", "run"]

HELP = "bring in a Keras model: .keras, .h5, or model.json and weights"
EXAMPLES = 700
"""Faces of a dataset that a model is tried on at most."""
WORDS = {
    "name": "by name",
    "kaggle": "of Kaggle's fer2013.csv",
    "rafdb": "of RAF-DB",
    "affectnet7": "of AffectNet without contempt",
    "ckplus": "by name, CK+ with contempt",
    "ferplus": "of FER+",
    "affectnet": "of AffectNet",
    "name8": "by name with contempt",
    "name6": "by name without disgust",
    "basic6": "by name without neutral",
    "kaggle6": "of Kaggle without disgust",
    "name5": "by name, five",
    "kaggle5": "of Kaggle, five",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument(
        "--labels",
        metavar="ORDER",
        help=f"what its outputs stand for: {', '.join(WORDS)}, or their names with commas; without it the model is "
        "only looked at",
    )
    command.add_argument(
        "--scale", choices=SCALES, help="how grey levels become its input (that with which its answers are right)"
    )
    command.add_argument("--data", metavar="PATH_OR_NAME", help="faces with labels to try it on (drawn faces)")
    command.add_argument("--name", metavar="NAME", help="what to call it (its file's name)")
    command.add_argument("--use", action="store_true", help="from now on pages and commands use it")


def run(args: argparse.Namespace) -> int:
    """Look at a model, or bring it in where its labels are confirmed."""
    seen = inspect_model(args.files, examples=_examples(args.data))
    if args.labels is None:
        return _look(args, seen)
    labels = known_labels(ORDERS[WORDS[args.labels]] if args.labels in WORDS else args.labels.split(","))
    scale = args.scale or seen.scale
    if doubt := seen.doubt(scale, labels):
        say(f"Warning: {doubt}")
    whole = next((file for file in args.files if file.suffix != ".json"), args.files[0])
    bundle = import_model(args.files, labels=labels, scale=scale, name=args.name or whole.stem)
    if args.use:
        set_active(bundle.name)
    if args.json:
        print_json({"name": bundle.name, "folder": str(bundle.folder), "card": bundle.card})
    else:
        print(f"{bundle.name}: {bundle.folder}")
    return 0


def _examples(data: str | None) -> tuple[np.ndarray, np.ndarray] | None:
    if data is None:
        return None
    dataset = open_dataset(data)
    chosen = np.random.default_rng(0).permutation(len(dataset.images))[:EXAMPLES]
    return dataset.images[chosen], np.asarray(dataset.names)[dataset.labels[chosen]]


def _look(args: argparse.Namespace, seen: ForeignModel) -> int:
    if args.json:
        figures = {name: round(seen.accuracy(seen.scale, labels), 4) for name, labels in seen.orders.items()}
        print_json({**asdict(seen), "scale": seen.scale, "orders": seen.orders, "accuracy": figures})
        return 0
    color = "grey" if seen.channels == 1 else "colour"
    print(
        f"{seen.side}x{seen.side} {color} pictures, {seen.outputs} outputs, {seen.parameters:,} parameters; "
        f"grey levels most likely {seen.scale}"
    )
    short = {title: name for name, title in WORDS.items()}
    for title, labels in seen.orders.items():
        right = f"{seen.accuracy(seen.scale, labels):.0%} of {seen.tried_on} right" if seen.answers else "not tried"
        print(f"  --labels {short[title]}: {', '.join(labels)} ({right})")
    say("Bring it in with --labels and the order of the labels that it was trained with.")
    return 0
