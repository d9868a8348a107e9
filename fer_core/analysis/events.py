"""Events of a clip, stretches to leave out, and the native table cut by event (epochs, as in MNE-Python)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.analysis.table import label_names
from fer_core.errors import OptionError

__all__ = ["Event", "TimeRange", "average_curves", "cut_by_event", "exclude", "to_grid"]

_LONGEST_S = 86_400.0  # a day: a longer window is a mistake in the unit


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a clip, such as a stimulus.

    Attributes:
        time_s: when it begins, in seconds of the clip.
        label: what it is; several events may share a label.
        duration_s: how long it lasts; 0 for a moment.

    Raises:
        OptionError: a time is negative or no number, or the label is empty.
    """

    time_s: float
    label: str
    duration_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("time_s", "duration_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise OptionError(f"Event: '{name}' must be 0 seconds or more; received {value}. Correct the event.")
        if not self.label.strip():
            raise OptionError(f"The event at {self.time_s:g} s has no label. Give it one, such as 'stimulus'.")

    @property
    def end_s(self) -> float:
        """When it ends, in seconds of the clip."""
        return self.time_s + self.duration_s


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of a clip that is left out, such as a pause; its end is no part of it.

    Attributes:
        start_s: its first second.
        end_s: the first second after it.
        reason: why it is left out, for the report.

    Raises:
        OptionError: it does not end after it starts.
    """

    start_s: float
    end_s: float
    reason: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise OptionError(
                "A stretch to leave out must start at 0 s or later and end after its start; received "
                f"{self.start_s:g} s to {self.end_s:g} s. Correct the two times."
            )


def exclude(table: pd.DataFrame, ranges: Sequence[TimeRange]) -> pd.DataFrame:
    """Return the table without the frames that lie in any of the stretches.

    Args:
        table: native long table.
        ranges: stretches of the clip; they may overlap.
    """
    times = table["time_s"].to_numpy(np.float64)
    left_out = np.zeros(len(times), bool)
    for stretch in ranges:
        left_out |= (times >= stretch.start_s) & (times < stretch.end_s)
    return table[~left_out].reset_index(drop=True)


def cut_by_event(
    table: pd.DataFrame, events: Sequence[Event], before_s: float = 2.0, after_s: float = 5.0
) -> pd.DataFrame:
    """Return the frames round each event, with their time relative to it.

    A frame that is near two events stands in the table twice. Frames without a face stay, so it can be told whether
    somebody was in sight.

    Args:
        table: native long table of one clip.
        events: in any order; those outside the clip give no rows.
        before_s: seconds before the beginning of the event.
        after_s: seconds after the beginning of the event.

    Returns:
        The columns of the table, and event (the label), event_index (place among the events in order of time, from 0),
        event_s (when it begins) and relative_s (time since then, negative before it).

    Raises:
        OptionError: a length is negative or longer than a day, or both are 0.

    Example:
        >>> table = pd.DataFrame({"time_s": [0.0, 1.0, 2.0, 3.0]})
        >>> cut_by_event(table, [Event(2.0, "bang")], before_s=1, after_s=0.5)["relative_s"].tolist()
        [-1.0, 0.0]
    """
    for name, value in (("before_s", before_s), ("after_s", after_s)):
        if not 0 <= value <= _LONGEST_S:
            raise OptionError(f"'{name}' must lie between 0 and {_LONGEST_S:g} seconds; received {value}.")
    if before_s + after_s == 0:
        raise OptionError("'before_s' and 'after_s' are both 0, so there is nothing to cut. Make one of them longer.")
    times = table["time_s"].to_numpy(np.float64)
    parts = []
    for i, event in enumerate(sorted(events, key=lambda e: (e.time_s, e.label))):
        relative = times - event.time_s
        inside = (relative >= -before_s - 1e-9) & (relative <= after_s + 1e-9)
        parts.append(
            table[inside].assign(event=event.label, event_index=i, event_s=event.time_s, relative_s=relative[inside])
        )
    if parts:
        return pd.concat(parts, ignore_index=True)
    nothing = {"event": "", "event_index": 0, "event_s": 0.0, "relative_s": 0.0}
    return table.head(0).assign(**nothing).reset_index(drop=True)


def to_grid(
    cut: pd.DataFrame,
    step_s: float = 0.1,
    *,
    by: Sequence[str] = ("event", "event_index", "person"),
    values: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return curves on a common grid: means of the frames in each step, and nothing where there are no frames.

    Args:
        cut: what `cut_by_event` gives.
        step_s: width of a step in seconds. Step j covers the times from (j - 0.5) to (j + 0.5) times this.
        by: columns that keep curves apart.
        values: columns of numbers; the smoothed probabilities if None, which are then called by the expression alone.

    Returns:
        Columns of `by`, relative_s (the middle of a step), and one for each value. Steps without a face are left out.

    Raises:
        OptionError: the step is not above 0.
    """
    if not 0 < step_s <= _LONGEST_S:
        raise OptionError(f"'step_s' must be above 0 seconds; received {step_s}. The usual is 0.1.")
    faces = cut[cut["face_count"] > 0]
    if values is None:
        labels = label_names(cut)
        faces = faces.drop(columns=list(labels)).rename(columns={f"{name}_smoothed": name for name in labels})
        values = labels
    steps = np.floor(faces["relative_s"].to_numpy(np.float64) / step_s + 0.5 + 1e-9).astype(np.int64)
    keys = [*by, "_step"]
    means = faces.assign(_step=steps).groupby(keys, sort=True)[list(values)].mean().reset_index()
    means.insert(len(by), "relative_s", (means.pop("_step") * step_s).round(9))
    return means


def average_curves(cut: pd.DataFrame, step_s: float = 0.1, *, by: Sequence[str] = ("event",)) -> pd.DataFrame:
    """Return the mean curve of each expression round each event: first within a person and occurrence, then over them.

    For intervals over participants see `fer_core.statistics.mean_curves`.

    Args:
        cut: what `cut_by_event` gives.
        step_s: width of a step of the grid in seconds.
        by: columns whose curves are kept apart.

    Returns:
        Columns of `by`, relative_s, expression, mean, curves (how many curves the mean is of).
    """
    keys = [*dict.fromkeys([*by, "event_index", "person"])]
    labels = list(label_names(cut))
    grid = to_grid(cut, step_s, by=keys)
    long = grid.melt([*keys, "relative_s"], labels, var_name="expression", value_name="value")
    groups = long.groupby([*by, "expression", "relative_s"], sort=True)["value"]
    return groups.agg(mean="mean", curves="count").reset_index()[[*by, "relative_s", "expression", "mean", "curves"]]
