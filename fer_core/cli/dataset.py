"""`dataset`: what a dataset holds, and what is wrong with it."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fer_core.cli.common import print_json, say
from fer_core.curation.quality_report import check_dataset
from fer_core.datasets.dataset import Skipped
from fer_core.datasets.library import list_datasets, load_dataset
from fer_core.datasets.readers import read_dataset

__all__ = ["HELP", "add_arguments", "run"]

HELP = "what a dataset holds, and what is wrong with it"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("path", metavar="PATH", help="CSV, ZIP, folder or .npz, or the name of a dataset")
    command.add_argument("--ferplus", type=Path, metavar="CSV", help="FER+ votes (fer2013new.csv)")


def run(args: argparse.Namespace) -> int:
    """Count and print."""
    if not Path(args.path).exists() and any(stored.name == args.path for stored in list_datasets()):
        data, skipped = load_dataset(args.path), Skipped()
    else:
        data, skipped = read_dataset(args.path, args.ferplus)
    quality = check_dataset(data)
    report = {
        "images": len(data),
        "splits": {name: int((data.splits == name).sum()) for name in data.split_names},
        "labels": dict(zip(data.names, np.bincount(data.labels, minlength=len(data.names)).tolist(), strict=True)),
        "exact_duplicate_groups": len(quality.groups),
        "cross_split_groups": len(quality.crossing),
        "conflicting_groups": len(quality.conflicting),
        "blank": len(quality.blank),
        "leaked": len(quality.leaked),
        "skipped": len(skipped),
    }
    if len(skipped):
        say(str(skipped))
    if args.json:
        print_json(report)
        return 0
    print(f"{len(data):,} images")
    for kind in ("splits", "labels"):
        print(f"  {kind}: " + ", ".join(f"{name} {n:,}" for name, n in report[kind].items()))  # type: ignore[attr-defined]
    print(f"  groups of exact copies: {len(quality.groups):,}, of these {len(quality.crossing):,} across splits and")
    print(f"    {len(quality.conflicting):,} with labels that contradict; blank images: {len(quality.blank):,}")
    print(f"  {len(quality.leaked):,} images ({quality.leakage:.1%}) outside Training have an exact copy in it")
    return 0
