"""Mean curves aligned on events, with bootstrap intervals over participants (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.analysis.events import to_grid
from fer_core.analysis.table import label_names
from fer_core.errors import OptionError
from fer_core.statistics.units import PIECE, check_columns, in_order

__all__ = ["MIN_BOOTSTRAP", "mean_curves"]

MIN_BOOTSTRAP = 5
"""Participants from which on an interval is given: with fewer, resampling sees too few different samples."""


def mean_curves(
    cut: pd.DataFrame,
    step_s: float = 0.1,
    *,
    by: Sequence[str] = ("event",),
    values: Sequence[str] | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return mean curves round events with intervals.

    Frames are averaged within a step, occurrences within a participant, and then participants. The interval is the
    percentile bootstrap of participants, so it says how far the mean would move with other participants; frames and
    repeated events of one participant are never taken for independent. It holds for each step by itself, not for the
    curve as a whole.

    Args:
        cut: what `cut_by_event` gives, with a column participant; of several clips with a column clip.
        step_s: width of a step of the common grid in seconds.
        by: columns whose curves are kept apart, such as event and condition.
        values: columns of numbers, such as valence; the smoothed probabilities if None.
        level: of the interval, 0 to 1.
        n_resamples: how often participants are drawn anew.
        seed: makes the intervals the same each time.

    Returns:
        Columns of `by`, relative_s, expression (or the name of the column of numbers), mean, low, high, participants.
        Interval bounds are missing at steps with fewer than `MIN_BOOTSTRAP` participants.

    Raises:
        OptionError: a column is missing, or a number is outside its range.
    """
    if not 0 < level < 1 or n_resamples < 100:
        raise OptionError(
            f"'level' must lie between 0 and 1 and 'n_resamples' must be 100 or more; received {level} and "
            f"{n_resamples}. The usual are 0.95 and 2000."
        )
    check_columns(cut, ["participant", "relative_s", *by])
    own = [*dict.fromkeys([*by, "participant"])]
    keys = [*dict.fromkeys([*own, *(name for name in PIECE if name in cut.columns), "person"])]
    names = list(label_names(cut) if values is None else values)
    grid = to_grid(cut, step_s, by=keys, values=values)
    each = grid.groupby([*own, "relative_s"], sort=True)[names].mean()
    long = each.rename_axis(columns="expression").stack().rename("value").reset_index()
    rng = np.random.default_rng(seed)
    groups = long.groupby(list(by), sort=True) if by else [((), long)]
    parts = []
    for key, part in groups:
        found = _with_intervals(part, level, n_resamples, rng)
        parts.append(found.assign(**dict(zip(by, key, strict=True))))
    columns = [*by, "relative_s", "expression", "mean", "low", "high", "participants"]
    order = {name: i for i, name in enumerate(names)}
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    whole = whole.assign(_order=whole["expression"].map(order))
    return in_order(whole, cut, by, ["_order", "relative_s"])[columns]


def _with_intervals(part: pd.DataFrame, level: float, n_resamples: int, rng: np.random.Generator) -> pd.DataFrame:
    """Means over participants of each step and expression; rows of one group."""
    from scipy.stats import bootstrap  # half a second of start-up

    wide = part.pivot(index="participant", columns=["relative_s", "expression"], values="value")
    matrix = wide.to_numpy(np.float64)
    seen = ~np.isnan(matrix)
    low, high = np.full(matrix.shape[1], np.nan), np.full(matrix.shape[1], np.nan)
    # Steps that the same participants have are drawn together; others could draw nobody who is there.
    for who in np.unique(seen, axis=1).T:
        if who.sum() < MIN_BOOTSTRAP:
            continue
        columns = np.flatnonzero((seen == who[:, None]).all(0))
        found = bootstrap(
            (matrix[np.ix_(who, columns)],),
            np.mean,
            axis=0,
            confidence_level=level,
            n_resamples=n_resamples,
            batch=100,
            method="percentile",
            rng=rng,
        ).confidence_interval
        low[columns], high[columns] = found.low, found.high
    bounds = {"mean": np.nanmean(matrix, 0), "low": low, "high": high, "participants": seen.sum(0)}
    return pd.DataFrame(bounds, index=wide.columns).reset_index()
