"""Checkpoints of a training: arrays and a state in one file, whole or not at all, and the one before beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.utils.files import atomic_file
from fer_core.utils.platform import replace

__all__ = ["CHECKPOINT", "load_arrays", "load_last", "save_arrays", "save_next"]

CHECKPOINT = "checkpoint.npz"
BEFORE = "checkpoint-before.npz"

log = logging.getLogger(__name__)


def save_arrays(path: Path, arrays: Sequence[np.ndarray], state: dict[str, Any]) -> None:
    """Write or replace a file of arrays and what belongs to them; raises OSError, and what was there stays then."""
    with atomic_file(path) as file:
        named = {f"a{i:04d}": array for i, array in enumerate(arrays)}
        np.savez(file, state=np.array(json.dumps(state)), **named)  # type: ignore[arg-type]


def load_arrays(path: Path) -> tuple[list[np.ndarray], dict[str, Any]] | None:
    """Arrays and state; None where the file is missing or damaged."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            state = json.loads(str(arrays["state"]))
            return [arrays[name] for name in sorted(arrays.files) if name != "state"], state
    except FileNotFoundError:
        return None
    except Exception:  # zip, zlib, JSON and NumPy each have their own words for damage
        log.warning("%s is damaged", path)
        return None


def save_next(folder: Path, arrays: Sequence[np.ndarray], state: dict[str, Any]) -> None:
    """Write the checkpoint of an epoch; the one of the epoch before is kept beside it."""
    new, last = folder / f"next-{CHECKPOINT}", folder / CHECKPOINT
    save_arrays(new, arrays, state)
    if last.exists():
        replace(last, folder / BEFORE)
    replace(new, last)


def load_last(folder: Path) -> tuple[list[np.ndarray], dict[str, Any]] | None:
    """Return the last checkpoint that is whole; None where no epoch was completed.

    Raises:
        FerError: there are only damaged ones.
    """
    for name in (CHECKPOINT, BEFORE):
        if (found := load_arrays(folder / name)) is not None:
            return found
    if (folder / CHECKPOINT).exists() or (folder / BEFORE).exists():
        raise FerError("The checkpoints of this training are damaged. Start a new training with its settings.")
    return None
