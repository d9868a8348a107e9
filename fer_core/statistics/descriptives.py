"""Descriptive statistics per clip, person, event, participant or condition: shares, means, episodes, transitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from fer_core.analysis.episodes import episodes
from fer_core.analysis.table import label_names
from fer_core.statistics.units import check_columns, in_order, measure_units, pieces

__all__ = ["describe", "transition_matrix", "transitions"]


def describe(table: pd.DataFrame, by: Sequence[str] = ("person",), *, min_seconds: float = 0.3) -> pd.DataFrame:
    """Describe how often, how long and how soon each expression is shown.

    Args:
        table: native long table with any further columns; see `measure_units`.
        by: columns whose values are told apart, such as person, clip, event, participant, condition.
        min_seconds: shorter episodes do not count.

    Returns:
        One row for each group and expression: columns of `by`, expression, and

        - units: people in clips or event windows that were put together.
        - seconds: time in sight, of all units.
        - share: of that time in which the expression is shown, 0 to 1.
        - mean: smoothed probability, weighted by time.
        - episodes: their number, and episodes_per_minute of the time in sight.
        - mean_episode_s, longest_episode_s: missing where there is no episode.
        - latency_s: mean over the units in which the expression came up at all, whose number is latency_units.

    Raises:
        OptionError: a column of `by` is missing.
    """
    units = measure_units(table, by, min_seconds=min_seconds)
    units = units.assign(share=units["share"] * units["seconds"], mean=units["mean"] * units["seconds"])
    # The order of expressions is that of the table, so that reports of different clips look the same.
    order = {name: i for i, name in enumerate(dict.fromkeys(units["expression"]))}
    keys = [*by, "expression"]
    groups = units.groupby(keys, sort=False, dropna=False)
    found = groups.agg(
        units=("seconds", "size"),
        seconds=("seconds", "sum"),
        share=("share", "sum"),
        mean=("mean", lambda values: values.sum(min_count=1)),
        episodes=("episodes", "sum"),
        episode_s=("episode_s", "sum"),
        longest_episode_s=("longest_s", "max"),
        latency_s=("latency_s", "mean"),
        latency_units=("latency_s", "count"),
    ).reset_index()
    found["share"] /= found["seconds"]
    found["mean"] /= found["seconds"]
    found["mean_episode_s"] = found["episode_s"] / found["episodes"].where(found["episodes"] > 0)
    found["episodes_per_minute"] = found["episodes"] / found["seconds"] * 60
    found = found.assign(_order=found["expression"].map(order))
    return in_order(found, table, by, ["_order"])[[*keys, *_DESCRIBED]]


_DESCRIBED = (
    "units",
    "seconds",
    "share",
    "mean",
    "episodes",
    "episodes_per_minute",
    "mean_episode_s",
    "longest_episode_s",
    "latency_s",
    "latency_units",
)


def transitions(
    table: pd.DataFrame, by: Sequence[str] = ("person",), *, min_seconds: float = 0.3, max_gap_s: float = 1.0
) -> pd.DataFrame:
    """Count from which expression to which people change.

    A transition leads from an episode to the next one of the same person in the same clip or event window, if it is of
    another expression and begins no more than `max_gap_s` after the first one ended. Episodes of "unsure" are no
    episodes, so a short doubtful moment between two expressions does not hide their transition.

    Args:
        table: native long table with any further columns; see `measure_units`.
        by: columns whose values are told apart.
        min_seconds: shorter episodes do not count.
        max_gap_s: longest time between two episodes, in seconds.

    Returns:
        Columns of `by`, from, to, count, and share (of all transitions from that expression, 0 to 1), one row for each
        pair that was seen.

    Raises:
        OptionError: a column of `by` is missing.
    """
    check_columns(table, by)
    keys = [*dict.fromkeys(["person", *by])]
    rows = []
    for piece in pieces(table):
        found, faces = episodes(piece, min_seconds), piece[piece["face_count"] > 0]
        for key, part in faces.groupby(keys, sort=False, dropna=False):
            identity = dict(zip(keys, key, strict=True))
            own = found[(found["person"] == identity["person"]) & found["peak_s"].isin(part["time_s"])]
            for before, after in pairwise(own.to_dict("records")):
                if before["label"] != after["label"] and after["start_s"] - before["end_s"] <= max_gap_s:
                    rows.append({**identity, "from": before["label"], "to": after["label"], "count": 1})
    seen = pd.DataFrame(rows, columns=[*keys, "from", "to", "count"])
    counts = seen.groupby([*by, "from", "to"], sort=True, dropna=False)["count"].sum().reset_index()
    total = counts.groupby([*by, "from"], dropna=False)["count"].transform("sum")
    return counts.assign(share=counts["count"] / total)


def transition_matrix(table: pd.DataFrame, *, share: bool = False, **how: float) -> pd.DataFrame:
    """Return the transitions of everybody as a square table: a row for each expression left, a column for each entered.

    Args:
        table: native long table with any further columns.
        share: give shares of each row instead of counts; 0 where an expression is never left.
        how: min_seconds and max_gap_s of `transitions`.
    """
    labels = list(label_names(table))
    found = transitions(table, (), **how)
    matrix = found.pivot(index="from", columns="to", values="share" if share else "count")
    return matrix.reindex(index=labels, columns=labels).fillna(0).astype(float if share else int)
