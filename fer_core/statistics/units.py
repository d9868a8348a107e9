"""One row for each person in each clip or event window: the unit that all descriptives are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_core.analysis.episodes import episodes, with_weights
from fer_core.analysis.table import SMOOTHED, label_names
from fer_core.errors import OptionError
from fer_core.labels import UNSURE

__all__ = ["PIECE", "check_columns", "in_order", "measure_units", "pieces"]

PIECE = ("clip", "event", "event_index")
"""Columns that keep stretches of time apart, as far as a table has them: time runs on only within a stretch."""


def check_columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise OptionError where the table lacks one of the columns."""
    if missing := [name for name in names if name not in table.columns]:
        raise OptionError(
            f"The table has no column {missing[0]!r}. Add it, such as the participant or the condition of each row; "
            f"it has: {', '.join(map(str, table.columns))}."
        )


def in_order(found: pd.DataFrame, table: pd.DataFrame, by: Sequence[str], last: Sequence[str] = ()) -> pd.DataFrame:
    """Return rows in the order in which their groups first stand in a table, so that events stay in order of time.

    Args:
        found: has the columns `by` and `last`.
        table: whose order counts.
        by: columns that make a group.
        last: columns by which the rows of a group are sorted then.
    """
    groups = table[list(by)].drop_duplicates() if by else pd.DataFrame(index=[0])
    ranks = {key: i for i, key in enumerate(map(tuple, groups.astype(object).to_numpy().tolist()))}
    keys = map(tuple, found[list(by)].astype(object).to_numpy().tolist())
    sort = found.assign(_group=[ranks.get(key, len(ranks)) for key in keys])
    return sort.sort_values(["_group", *last], kind="stable").drop(columns="_group").reset_index(drop=True)


def pieces(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the stretches of a table within which time runs on: clips, or windows round events."""
    keys = [name for name in PIECE if name in table.columns]
    if not keys:
        yield table
        return
    for _, piece in table.groupby(keys, sort=False, dropna=False):
        yield piece


def measure_units(table: pd.DataFrame, by: Sequence[str] = (), *, min_seconds: float = 0.3) -> pd.DataFrame:
    """Measure each expression of each person in each clip or event window.

    Args:
        table: native long table, of one clip, or of several with a column `clip`, or as `cut_by_event` gives it; with
            any further columns, such as participant and condition.
        by: further columns that are kept apart.
        min_seconds: shorter episodes do not count.

    Returns:
        Columns clip, event, event_index as far as there are any, person, those of `by`, and then

        - expression: also "unsure", of which there is a share but no mean.
        - seconds: how long the person was in sight.
        - share: of that time in which the expression is shown, 0 to 1.
        - mean: of the smoothed probability, weighted by time.
        - episodes: how many there are.
        - episode_s: how long all of them take together.
        - longest_s: how long the longest takes; missing where there is none.
        - latency_s: from the event, or from the beginning of the clip, to the first episode that begins then or later;
          missing where there is none.

    Raises:
        OptionError: a column of `by` is missing.
    """
    check_columns(table, by)
    labels = label_names(table)
    keys = [*dict.fromkeys([*(name for name in PIECE if name in table.columns), "person", *by])]
    needed = [
        *_NEEDED,
        *(name + SMOOTHED for name in labels),
        *(name for name in ("event_s",) if name in table.columns),
    ]
    rows: list[dict[str, Any]] = []
    for piece in pieces(table[[*dict.fromkeys([*keys, *needed])]]):
        faces, found = with_weights(piece), episodes(piece, min_seconds)
        origin = float(piece["event_s"].iloc[0]) if "event_s" in piece else 0.0
        for key, part in faces.groupby(keys, sort=False, dropna=False):
            identity = dict(zip(keys, key, strict=True))
            # An episode belongs where its strongest moment lies, should a column of `by` change while it lasts.
            own = found[(found["person"] == identity["person"]) & found["peak_s"].isin(part["time_s"])]
            rows += [{**identity, **measures} for measures in _measures(part, own, labels, origin)]
    return pd.DataFrame(rows, columns=[*keys, "expression", *_MEASURES])


_NEEDED = ("time_s", "face_count", "track_id", "label", "confidence")
_MEASURES = ("seconds", "share", "mean", "episodes", "episode_s", "longest_s", "latency_s")


def _measures(
    part: pd.DataFrame, found: pd.DataFrame, labels: tuple[str, ...], origin: float
) -> Iterator[dict[str, Any]]:
    """Yield the measures of each expression of one unit; `part` are its rows with their weights in seconds."""
    weight, shown = part["weight"].to_numpy(np.float64), part["label"].to_numpy(object)
    means = np.average(part[[name + SMOOTHED for name in labels]].to_numpy(np.float64), axis=0, weights=weight)
    kinds, starts, lasts = (found[name].to_numpy() for name in ("label", "start_s", "seconds"))
    total = float(weight.sum())
    for name, mean in zip((*labels, UNSURE), (*means.tolist(), np.nan), strict=True):
        own = kinds == name
        later = starts[own & (starts >= origin - 1e-9)]
        yield {
            "expression": name,
            "seconds": total,
            "share": float(weight[shown == name].sum()) / total,
            "mean": mean,
            "episodes": int(own.sum()),
            "episode_s": float(lasts[own].sum()),
            "longest_s": float(lasts[own].max()) if own.any() else np.nan,
            "latency_s": float(later.min()) - origin if len(later) else np.nan,
        }
