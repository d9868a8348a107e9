"""How long work says how far it is, and is told to stop."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "part", "silent", "time_left"]

Progress = Callable[[float], None]
"""Is told the share that is done, 0 to 1; may raise Cancelled."""


def silent(share: float) -> None:
    """For whoever does not ask."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """For a step that is the work's from `start` to `end`."""
    return lambda share: progress(start + share * (end - start))


def time_left(seconds: float, share: float) -> float | None:
    """Seconds still to come at the pace so far; None where that is nothing to go by: no second, or nothing done."""
    return seconds / share * (1 - share) if share > 0 and seconds > 1 else None
