"""Clips measured against each person's own neutral face; see `fer_core.tracking.neutral` for the rule.

The unadjusted columns of a table always stay, so nothing has to be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from fer_core.errors import OptionError
from fer_core.labels import UNSURE
from fer_core.tracking.neutral import FLOOR, Baseline, adjust, neutral_index
from fer_core.tracking.smoothing import ExpressionFilter, Smoothing

__all__ = ["ADJUSTED", "adjusted_table", "apply_baseline", "measure_baseline", "propose_baseline"]

ADJUSTED = "_adjusted"
_SMOOTHED = "_smoothed"
_GOOD = "good"
_PROPOSED_S = 1.0
_NEUTRAL_QUANTILE = 0.8  # a proposal lies among the fifth of the seconds that are most neutral for this person
_LEAST_NEUTRAL = 0.1  # probability; who never looks more neutral than this shows no face at rest that could be told
_MAX_GAP = 1.0  # seconds after which expressions start anew, as in the tracker


def measure_baseline(table: pd.DataFrame, person: str, start_s: float, end_s: float, *, clip: str = "") -> Baseline:
    """Measure how the network reads a person's face at rest.

    Args:
        table: native long table of a clip.
        person: their name in the table.
        start_s: first second of the stretch in which the face is at rest.
        end_s: its last second; the same as `start_s` for a single moment, whose nearest frame is taken.
        clip: name of the clip, kept with the baseline.

    Raises:
        OptionError: there is no such person, or they cannot be seen well in that stretch.
    """
    rows = _readable(table, person)
    if not start_s <= end_s:
        raise OptionError(f"The stretch ends ({end_s:g} s) before it starts ({start_s:g} s). Exchange the two.")
    inside = rows[rows["time_s"].between(start_s, end_s)]
    if start_s == end_s and inside.empty:
        nearest = (rows["time_s"] - start_s).abs()
        inside = rows[(nearest == nearest.min()) & (nearest <= 0.5)].head(1)
    if inside.empty:
        raise OptionError(
            f"{person} cannot be seen well between {start_s:g} s and {end_s:g} s. "
            "Choose a stretch in which the face is large, sharp and turned to the camera."
        )
    labels = _labels(table)
    return Baseline.of(inside[list(labels)].to_numpy(), labels, person, inside["time_s"].to_numpy(), clip)


def propose_baseline(
    table: pd.DataFrame, person: str, *, seconds: float = _PROPOSED_S, clip: str = ""
) -> Baseline | None:
    """Find the steadiest neutral-like second of a person; it is a proposal, and nothing is changed by it.

    A stretch is neutral-like if its mean log-probability of neutral is among the highest fifth of this person's own,
    and at least that of 0.1. The steadiest of these is the one whose log-probabilities vary least. Show it to a person
    before it is used: in a clip in which somebody smiles all the time, it may be their weakest smile.

    Args:
        table: native long table of a clip.
        person: their name in the table.
        seconds: length of the stretch.
        clip: name of the clip, kept with the baseline.

    Returns:
        The baseline of that stretch, or None where the person is never seen well and neutral-like for so long.

    Raises:
        OptionError: there is no such person.
    """
    rows, labels = _readable(table, person), _labels(table)
    neutral = neutral_index(labels)
    found = [_windows(track, labels, neutral, seconds) for _, track in rows.groupby("track_id", sort=False)]
    windows = np.concatenate([np.empty((0, 4)), *found])
    likely = windows[windows[:, 2] >= np.log(_LEAST_NEUTRAL)]
    if not len(likely):
        return None
    likely = likely[likely[:, 2] >= np.quantile(windows[:, 2], _NEUTRAL_QUANTILE)]
    start, end = likely[np.argmin(likely[:, 3]), :2]
    return measure_baseline(table, person, float(start), float(end), clip=clip)


def _windows(rows: pd.DataFrame, labels: tuple[str, ...], neutral: int, seconds: float) -> np.ndarray:
    """Stretches without a gap in one track: float (n, 4) of start, end, mean log of neutral, spread of the logs."""
    rows = rows.sort_values("time_s", kind="stable")
    times = rows["time_s"].to_numpy(np.float64)
    if len(times) < 2:
        return np.empty((0, 4))
    logs = np.log(np.clip(rows[list(labels)].to_numpy(np.float64), FLOOR, 1.0))
    steps = np.diff(times)
    step = float(np.median(steps))
    first = np.arange(len(times))
    after = np.searchsorted(times, times + seconds + 1e-6, side="right")
    sums = np.vstack([np.zeros(logs.shape[1]), logs.cumsum(0)])
    squares = np.vstack([np.zeros(logs.shape[1]), (logs**2).cumsum(0)])
    count = (after - first)[:, None]
    means = (sums[after] - sums[first]) / count
    spread = np.maximum((squares[after] - squares[first]) / count - means**2, 0.0).mean(1)
    gaps = np.concatenate([[0], (steps > max(2.5 * step, 0.25)).cumsum()])
    whole = (times[after - 1] - times >= seconds - 1.5 * step) & (count[:, 0] >= 2) & (gaps[after - 1] == gaps)
    return np.asarray(np.column_stack([times, times[after - 1], means[:, neutral], spread])[whole])


def apply_baseline(
    table: pd.DataFrame,
    baselines: Mapping[str, Baseline] | Iterable[Baseline],
    *,
    smoothing: Smoothing | None = None,
    confidence_threshold: float = 0.0,
) -> pd.DataFrame:
    """Return the table with adjusted columns beside the unadjusted ones.

    New columns are `<expression>_adjusted` of this frame alone, `<expression>_smoothed_adjusted`, `label_adjusted` and
    `confidence_adjusted`. Adjusted values are smoothed as the others were, which is the same as to adjust the smoothed
    ones, except where probabilities are tiny. They are missing for people without a baseline. Earlier adjusted columns
    are replaced, so no baselines means no adjusted columns.

    Args:
        table: native long table.
        baselines: by the person's name in this table; or a series of them, each for the `person` it names.
        smoothing: the one that the clip was analysed with.
        confidence_threshold: smoothed adjusted probability below which the label is "unsure".

    Raises:
        OptionError: a baseline is of other expressions than the table.
    """
    kept = table[[name for name in table.columns if not str(name).endswith(ADJUSTED)]].copy()
    own = dict(baselines) if isinstance(baselines, Mapping) else {b.person: b for b in baselines}
    if not own:
        return kept
    labels = _labels(table)
    people = kept["person"].to_numpy(object)
    raw = np.full((len(kept), len(labels)), np.nan)
    for person, baseline in own.items():
        if baseline.labels != labels:
            raise OptionError(
                f"The neutral face of {person} was measured with a model that names {', '.join(baseline.labels)}; this "
                f"table names {', '.join(labels)}. Measure it again with the same model."
            )
        rows = people == person
        raw[rows] = adjust(kept.loc[rows, list(labels)].to_numpy(np.float64), baseline)
    smoothed, shown = _smoothed(kept, raw, labels, smoothing or Smoothing(), confidence_threshold)
    for i, name in enumerate(labels):
        kept[name + ADJUSTED] = raw[:, i]
        kept[name + _SMOOTHED + ADJUSTED] = smoothed[:, i]
    kept["label" + ADJUSTED] = shown
    kept["confidence" + ADJUSTED] = smoothed.max(1, initial=0.0)
    return kept


def adjusted_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a native table in which adjusted values stand in the places of the unadjusted ones.

    Episodes, summaries and curves of it are of the adjusted values. People without a baseline keep their own.
    """
    names = [str(name) for name in table.columns if str(name).endswith(ADJUSTED)]
    plain = table[[name for name in table.columns if name not in names]].copy()
    if names:
        has = table["label" + ADJUSTED].notna()
        for name in names:
            plain[name.removesuffix(ADJUSTED)] = table[name].where(has, table[name.removesuffix(ADJUSTED)])
    return plain


def _smoothed(
    table: pd.DataFrame, raw: np.ndarray, labels: tuple[str, ...], smoothing: Smoothing, threshold: float
) -> tuple[np.ndarray, pd.Series]:
    """Return the smoothed probabilities and the label of each row, by the filter that the clip was analysed with."""
    filters: dict[int, ExpressionFilter] = {}
    smoothed, shown = np.full(raw.shape, np.nan), np.full(len(table), None, object)
    rows = np.flatnonzero(~np.isnan(raw).any(1))
    times, good = table["time_s"].to_numpy(np.float64), (table["quality"] == _GOOD).to_numpy(bool)
    tracks = table["track_id"].fillna(-1).to_numpy(np.int64)
    for row in rows[np.argsort(times[rows], kind="stable")]:
        follow = filters.setdefault(int(tracks[row]), ExpressionFilter(smoothing))
        smoothed[row], best = follow.update(float(times[row]), raw[row], bool(good[row]), _MAX_GAP)
        sure = good[row] and smoothed[row].max() >= threshold
        shown[row] = labels[best] if sure else UNSURE
    return smoothed, pd.Series(shown, index=table.index, dtype="object")


def _labels(table: pd.DataFrame) -> tuple[str, ...]:
    names = (str(name) for name in table.columns)
    return tuple(name.removesuffix(_SMOOTHED) for name in names if name.endswith(_SMOOTHED))


def _readable(table: pd.DataFrame, person: str) -> pd.DataFrame:
    """Return the rows in which the person can be seen well."""
    rows = table[table["person"] == person]
    if rows.empty:
        known = ", ".join(table["person"].dropna().unique()) or "nobody"
        raise OptionError(f"There is nobody called {person!r} in this clip; it has {known}. Choose one of them.")
    return rows[rows["quality"] == _GOOD]
