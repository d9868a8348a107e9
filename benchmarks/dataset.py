"""Seconds and memory of reading, checking, mapping and doubting a dataset, each with and without what was kept.

    python -m benchmarks.dataset CSV_ZIP_OR_FOLDER [--ferplus CSV]

Goals for FER2013's 32,297 images on two quiet cores: read 15 s, read again 1 s, near copies 60 s, map (with what the
model sees) 60 s, peak memory 1.2 GB. On a busy machine seconds by the clock say little, those of the processor more:
two cores need at least half of the latter; the load is printed. Everything kept lies in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fer_core.curation.embeddings import embed_2d, features
from fer_core.curation.label_errors import label_errors
from fer_core.curation.quality_report import check_dataset, near_duplicate_pairs
from fer_core.datasets.readers import read_dataset
from fer_core.models.registry import load_model
from fer_core.utils.workspace import use_workspace

T = TypeVar("T")


def timed(what: str, call: Callable[[], T], goal: str = "") -> T:
    """Does it, and prints how long it took."""
    clock, processor = time.perf_counter(), time.process_time()
    found = call()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{what:36}{clock:8.2f} s{processor:10.2f} s{peak:9.2f} GB  {goal}", flush=True)
    return found


def main() -> None:
    """Measure, and print a line for each step."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("path", type=Path)
    command.add_argument("--ferplus", type=Path)
    args = command.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':36}{'clock':>10}{'processor':>12}{'peak':>12}")
    with tempfile.TemporaryDirectory() as folder, use_workspace(Path(folder)):
        data, _ = timed("read", lambda: read_dataset(args.path, args.ferplus), "goal 15 s")
        data, _ = timed("read again", lambda: read_dataset(args.path, args.ferplus), "goal 1 s")
        bundle = load_model()
        timed("faults", lambda: check_dataset(data))
        timed("faults again", lambda: check_dataset(data))
        timed("near copies", lambda: near_duplicate_pairs(data), "goal 60 s")
        timed("near copies again", lambda: near_duplicate_pairs(data))
        seen = timed("what the model sees", lambda: features(data, bundle))
        timed("map of it", lambda: embed_2d(seen), "goal 60 s, with the line above")
        timed("what the model sees, and map, again", lambda: embed_2d(features(data, bundle)))
        table = timed("doubtful labels", lambda: label_errors(data, seen))
        timed("doubtful labels again", lambda: label_errors(data, seen))
    print(f"{len(data):,} images, {len(table):,} doubtful labels; peak memory as above, goal 1.2 GB")


if __name__ == "__main__":
    main()
