"""Time axes of charts: clock times at whole seconds, minutes, and hours."""

from __future__ import annotations

import math

__all__ = ["CLOCK_LABEL", "time_ticks"]

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two ticks: steps that people count in."""

MOST_TICKS = 12

_SIZE = "abs(datum.value)"
_HOURS = f"floor({_SIZE} / 3600) + ':' + pad('' + floor({_SIZE} % 3600 / 60), 2, '0', 'left')"
CLOCK_LABEL = (
    f"(datum.value < 0 ? '-' : '') + ({_SIZE} >= 3600 ? {_HOURS} : '' + floor({_SIZE} / 60))"
    f" + ':' + pad('' + floor({_SIZE} % 60), 2, '0', 'left')"
)
"""Vega expression of a tick's label: m:ss, or h:mm:ss from an hour on; with a minus before the present."""


def time_ticks(first: float, last: float) -> list[int]:
    """Return the ticks of an axis: whole seconds, minutes, or hours, at most `MOST_TICKS`.

    Args:
        first: first second of the axis.
        last: last second of the axis.

    Example:
        >>> time_ticks(0.0, 180.0)
        [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150, 165, 180]
    """
    span = max(last - first, 1.0)
    step = next((step for step in STEPS if span / step <= MOST_TICKS), STEPS[-1])
    return list(range(math.ceil(first / step - 1e-9) * step, math.floor(last + 1e-9) + 1, step))
