"""How long a comparison takes: models over a split, from nothing and from kept answers.

    python -m benchmarks.comparison --data fer2013.csv [--split PublicTest] [--models NAME NAME] [--json FILE]

Measured is what the page and `evaluate` run (`fer_core.evaluation.comparison.Comparison`): both views of each image,
all figures against labels and votes; looking for near copies in Training is timed apart. Reading the dataset is not in
it. The goal holds for two models over 3,589 images on two idle cores. On a busy machine the time on the clock says
little: the time of the processor, which counts all threads, and the load stand beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_dataset
from fer_core.evaluation.comparison import Comparison

GOAL = 30.0
"""Seconds for two models over the 3,589 images of PublicTest."""


def seconds(data: Dataset, split: str, models: list[str], cache: Path, *, copies: bool = False) -> tuple[float, float]:
    """How long one comparison takes, and how long a processor works for it, all threads together."""
    work = Comparison(data, split, models, check_copies=copies, cache=cache)
    start, processor = time.perf_counter(), time.process_time()
    work.run()
    if work.failures:
        sys.exit("; ".join(sentence for _, sentence in work.failures))
    return time.perf_counter() - start, time.process_time() - processor


def main() -> int:
    """Measure and print; 0 where the goal is met."""
    parser = argparse.ArgumentParser(description="How long a comparison takes.")
    parser.add_argument("--data", type=Path, required=True, help="Kaggle's fer2013.csv; votes beside it are used too")
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--models", nargs="+", default=["expression-s", "reference-cnn"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    votes = args.data.with_name("fer2013new.csv")
    data, _ = read_dataset(args.data, votes if votes.exists() else None)
    found: dict[str, Any]
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "images": len(data.split(args.split)),
            "models": args.models,
            "load_before": round(os.getloadavg()[0], 2),
            "first": seconds(data, args.split, args.models, Path(folder)),
            "again": seconds(data, args.split, args.models, Path(folder)),
            "with_copies": seconds(data, args.split, args.models, Path(folder), copies=True),
        }
    print(f"{len(args.models)} models over {found['images']:,} images (load {found['load_before']} before):")
    words = {"first": f"goal {GOAL:g} s on two idle cores", "again": "kept answers", "with_copies": "and near copies"}
    for key, note in words.items():
        wall, processor = found[key]
        print(f"  {key.replace('_', ' '):12} {wall:7.1f} s, processor {processor:6.1f} s   {note}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return 0 if found["first"][0] < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
