"""What a training has written of its epochs and batches, read while it goes on writing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["BATCH_COLUMNS", "EPOCH_COLUMNS", "batch_table", "epoch_table", "lines"]

EPOCH_COLUMNS = (
    *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "recall"),
    *("learning_rate", "images_per_second", "seconds", "memory_mb"),
)
BATCH_COLUMNS = ("batch", "epoch", "loss", "accuracy", "t")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of lines; a last line without its end is left out, and so is what is no object."""
    with contextlib.suppress(OSError):
        for line in path.read_bytes().split(b"\n")[:-1]:
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict):
                    yield row


def epoch_table(folder: Path) -> pd.DataFrame:
    """One row for each complete epoch of the run in this folder, columns EPOCH_COLUMNS; `recall` holds a dict."""
    rows = {row["epoch"]: row for row in lines(folder / "epochs.jsonl") if isinstance(row.get("epoch"), int)}
    return pd.DataFrame([rows[k] for k in sorted(rows)], columns=list(EPOCH_COLUMNS))


def batch_table(folder: Path) -> pd.DataFrame:
    """Loss and accuracy within the epochs of the run in this folder, columns BATCH_COLUMNS."""
    return pd.DataFrame(list(lines(folder / "batches.jsonl")), columns=list(BATCH_COLUMNS))
