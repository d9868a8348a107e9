"""Episodes, curves, and a summary of each person, from the native table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_core.analysis.table import SMOOTHED, label_names
from fer_core.labels import UNSURE

__all__ = ["curves", "episodes", "frame_interval", "summary", "with_weights"]


def frame_interval(table: pd.DataFrame) -> float:
    """Return the usual time between frames that were looked at, in seconds."""
    gaps = np.diff(table["time_s"].drop_duplicates().to_numpy())
    return float(np.median(gaps)) if len(gaps) else 0.04


def with_weights(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a face, and how many seconds each stands for, so that variable frame rates count rightly."""
    times, place = np.unique(table["time_s"].to_numpy(np.float64), return_inverse=True)
    usual = frame_interval(table)
    lasts = np.minimum(np.append(np.diff(times), usual)[: len(times)], 3 * usual)
    here = table["face_count"].to_numpy() > 0
    return table[here].assign(weight=lasts[place[here]])


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return the smoothed probabilities in long form for charts.

    Columns: person, time_s, segment, label, confidence, quality, expression, probability.

    `segment` changes where a person was out of sight, so that no line is drawn across a gap.
    """
    labels = label_names(table)
    faces = table[table["face_count"] > 0].sort_values(["person", "time_s"], kind="stable")
    limit = max(2.5 * frame_interval(table), 0.25)
    broken = (faces["time_s"].diff() > limit) | (faces["track_id"] != faces["track_id"].shift())
    faces = faces.assign(segment=broken.fillna(True).cumsum())
    smoothed = faces.rename(columns={name + SMOOTHED: "=" + name for name in labels})
    long = smoothed.melt(
        id_vars=["person", "time_s", "segment", "label", "confidence", "quality"],
        value_vars=["=" + name for name in labels],
        var_name="expression",
        value_name="probability",
    )
    return long.assign(expression=long["expression"].str.removeprefix("="))


def episodes(table: pd.DataFrame, min_seconds: float = 0.3, *, unsure: bool = False) -> pd.DataFrame:
    """Return the stretches in which a person shows the same expression.

    Columns: person, track_id, label, start_s, end_s, seconds, peak_s, confidence. Stretches that are shorter than
    `min_seconds` are left out. `peak_s` is the moment of the highest confidence.

    Args:
        table: the native long table.
        min_seconds: the shortest stretch that counts.
        unsure: keep the stretches called "unsure" as well.

    Example:
        >>> from fer_core import AnalysisOptions, analyze, sample_clip, to_table
        >>> table = to_table(analyze(sample_clip(), options=AnalysisOptions(sample_fps=5)))
        >>> found = episodes(table)
        >>> bool((found["seconds"] >= 0.3).all())
        True
    """
    # Arrays, as studies ask for the episodes of thousands of short windows: a third of the time of sorted tables.
    faces, limit = with_weights(table), max(2.5 * frame_interval(table), 0.25)
    track = faces["track_id"].to_numpy(np.int64, na_value=-1)
    order = np.lexsort((faces["time_s"].to_numpy(), track))
    track, times = track[order], faces["time_s"].to_numpy()[order]
    label, person = faces["label"].to_numpy(object)[order], faces["person"].to_numpy(object)[order]
    confidence, weight = faces["confidence"].to_numpy(np.float64)[order], faces["weight"].to_numpy()[order]
    new = np.ones(len(faces), bool)
    new[1:] = (track[1:] != track[:-1]) | (label[1:] != label[:-1]) | (np.diff(times) > limit)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(faces))[: len(first)] - 1
    part = new.cumsum()
    strongest = np.lexsort((-confidence, part))
    peak = strongest[first]  # parts are in order, so each begins in the sorted rows where it begins in time
    start, end = times[first], times[last] + weight[last]
    found = pd.DataFrame(
        {
            "person": person[peak],
            "track_id": track[peak],
            "label": label[first],
            "start_s": start,
            "end_s": end,
            "seconds": end - start,
            "peak_s": times[peak],
            "confidence": confidence[peak],
        }
    )
    found = found[(unsure | (found["label"] != UNSURE)) & (found["seconds"] >= min_seconds)]
    return found.sort_values("start_s", kind="stable").reset_index(drop=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a person: seconds seen, share of that time for each shown expression, episodes, strongest moment.

    Columns: person, seconds, first_s, last_s, one share (0 to 1) for each expression and for "unsure", episodes,
    strongest_label, strongest_s, strongest_confidence (missing where no episode was found).

    Example:
        >>> from fer_core import AnalysisOptions, analyze, sample_clip, to_table
        >>> table = to_table(analyze(sample_clip(), options=AnalysisOptions(sample_fps=5)))
        >>> summary(table)["person"].iloc[0]
        'Person 1'
    """
    faces, found = with_weights(table), episodes(table)
    labels = (*label_names(table), UNSURE)
    rows = []
    for person, part in faces.groupby("person", sort=False):
        total = float(part["weight"].sum())
        shares = part.groupby("label")["weight"].sum() / max(total, 1e-9)
        own = found[found["person"] == person]
        # Neutral is the ground state: the strongest moment is that of another expression where there is one.
        telling = own[own["label"] != "neutral"] if (own["label"] != "neutral").any() else own
        best = telling.loc[telling["confidence"].idxmax()] if len(telling) else None
        rows.append(
            {
                "person": person,
                "seconds": total,
                "first_s": float(part["time_s"].min()),
                "last_s": float(part["time_s"].max()),
                **{name: float(shares.get(name, 0.0)) for name in labels},
                "episodes": len(own),
                "strongest_label": None if best is None else best["label"],
                "strongest_s": np.nan if best is None else best["peak_s"],
                "strongest_confidence": np.nan if best is None else best["confidence"],
            }
        )
    names = ["person", "seconds", "first_s", "last_s", *labels, "episodes"]
    return pd.DataFrame(rows, columns=[*names, "strongest_label", "strongest_s", "strongest_confidence"])
