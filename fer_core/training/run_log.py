"""What a training has written of its epochs and batches, read while it goes on writing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from fer_core.utils.files import read_plain

__all__ = ["BATCH_COLUMNS", "EPOCH_COLUMNS", "batch_table", "epoch_table", "lines", "open_lines"]

EPOCH_COLUMNS = (
    *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "recall"),
    *("learning_rate", "images_per_second", "seconds", "memory_mb"),
)
BATCH_COLUMNS = ("batch", "epoch", "loss", "accuracy", "t")
MOST = 10**9
"""Epochs or batches; a larger number is none of ours."""
MOST_BYTES = 64 * 1024**2
"""Of a file of lines; a thousand epochs have a hundredth of it."""


def open_lines(path: Path) -> TextIO:
    """Open a file of lines to write behind what is there; the ends of lines are the same on every system."""
    return open(path, "a", encoding="utf-8", newline="\n")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Return the objects of a file of lines; a last line without its end is left out, and so is what is no object."""
    with contextlib.suppress(OSError):
        for line in read_plain(path, MOST_BYTES).split(b"\n")[:-1]:
            with contextlib.suppress(ValueError, RecursionError):
                row = json.loads(line)
                if isinstance(row, dict):
                    yield row


def epoch_table(folder: Path) -> pd.DataFrame:
    """One row for each complete epoch of the run in this folder, columns EPOCH_COLUMNS; `recall` holds a dict."""
    rows = {}
    for row in lines(folder / "epochs.jsonl"):
        if _counts(row.get("epoch")):
            recall = row.get("recall")
            shares = {name: _figure(value) for name, value in recall.items()} if isinstance(recall, dict) else {}
            rows[row["epoch"]] = {**_figures(row, EPOCH_COLUMNS), "epoch": row["epoch"], "recall": shares}
    return pd.DataFrame([rows[k] for k in sorted(rows)], columns=list(EPOCH_COLUMNS))


def batch_table(folder: Path) -> pd.DataFrame:
    """Loss and accuracy within the epochs of the run in this folder, columns BATCH_COLUMNS."""
    rows = [
        {**_figures(row, BATCH_COLUMNS), "batch": row["batch"], "epoch": row["epoch"]}
        for row in lines(folder / "batches.jsonl")
        if _counts(row.get("batch")) and _counts(row.get("epoch"))
    ]
    return pd.DataFrame(rows, columns=list(BATCH_COLUMNS))


def _counts(value: object) -> bool:
    return type(value) is int and 1 <= value <= MOST


def _figures(row: dict[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {name: _figure(row.get(name)) for name in columns}


def _figure(value: object) -> float | None:
    """Return a number, not a finite one where the training broke; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    return None
