"""How fast a training goes, how far it has come and how long it will still take, from what its run has written."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["images_per_second", "seconds_left", "share_done"]

RECENT = 20
"""Lines of batches.jsonl, about ten seconds, over which the speed of the epoch under way is taken."""


def images_per_second(epochs: pd.DataFrame, batches: pd.DataFrame, batch: int) -> float | None:
    """Training images a second: of the epoch under way, else of the last; None while nothing is known.

    Args:
        epochs: see `runs.Run`.
        batches: see there.
        batch: images a step.
    """
    if len(batches):
        last = batches[batches["epoch"] == batches["epoch"].max()].tail(RECENT)
        seconds, steps = (float(last[name].iloc[-1] - last[name].iloc[0]) for name in ("t", "batch"))
        if seconds > 0 and steps > 0:
            return steps * batch / seconds
    return float(epochs["images_per_second"].iloc[-1]) if len(epochs) else None


def share_done(status: dict[str, Any], epochs: pd.DataFrame) -> float:
    """Epochs that are done, with the part of the one under way."""
    complete = len(epochs)
    step, steps = _whole(status.get("batch")), _whole(status.get("batches"))
    return complete + (min(1.0, step / steps) if steps and _whole(status.get("epoch")) == complete + 1 else 0.0)


def seconds_left(
    status: dict[str, Any], epochs: pd.DataFrame, planned: int, rate: float | None, images: int | None
) -> float | None:
    """Seconds until all epochs are done, at the pace of the last three epochs; None while that cannot be told.

    Args:
        status: of the run.
        epochs: of the run.
        planned: epochs that it shall have.
        rate: images a second, which is used before an epoch is complete; see `images_per_second`.
        images: that it learns from.
    """
    rest = max(0.0, planned - share_done(status, epochs))
    if len(epochs):
        return rest * float(epochs["seconds"].tail(3).mean())
    return rest * images / rate if rate and images else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
