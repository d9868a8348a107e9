"""Blinks, turned heads and open mouths in a native table with measures, and a summary of them for each person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fer_core.analysis.episodes import frame_interval
from fer_core.analysis.table import NOT_MEASURED, measure_names

__all__ = [
    "EVENTS",
    "RELATIVE",
    "blinks_measurable",
    "eye_opening",
    "measure_events",
    "measure_summary",
    "relative_to_neutral",
]

EVENTS = ("blink", "eyes closed", "turned away", "mouth open")

RELATIVE = ("brow_left", "brow_right", "mouth_open", "mouth_width", "smile_asymmetry")
"""Measures that say something only against the same person's neutral face."""

BLINK_RATE = 15.0
"""Frames a second under which blinks are not measurable: one of 0.1 s may fall between two frames."""
CLOSED, OPEN = 0.8, 0.88
"""Shares of the person's own eye opening under which the eyes close, and over which they are open again."""
LONGEST_BLINK = 0.5
"""Seconds; eyes that stay closed for longer do not blink (Schiffman, "Sensation and Perception": 0.1 to 0.4 s)."""
TURNED, BACK = 30.0, 25.0
"""Degrees of yaw from which a head is turned away, and under which it is back."""
MOUTH_OPEN, MOUTH_SHUT = 0.15, 0.12
"""Gap between the lips, in eye distances."""
LEAST = {"turned away": 0.5, "mouth open": 0.3}
"""Seconds that an event lasts at least."""
NEUTRAL_SECONDS = 1.0
"""Seconds of neutral face that a person's own neutral is taken from, at least."""


def eye_opening(table: pd.DataFrame) -> pd.Series:
    """Return the mean opening of both eyes, missing where neither is measured."""
    return table[["eye_open_left", "eye_open_right"]].mean(axis=1)


def blinks_measurable(table: pd.DataFrame) -> bool:
    """Return whether the table has frames enough for blinks."""
    return bool(measure_names(table)) and frame_interval(table) <= 1.05 / BLINK_RATE


def measure_events(table: pd.DataFrame) -> pd.DataFrame:
    """Find what head, eyes and mouth do.

    Args:
        table: the native table; without measures nothing is found.

    Returns:
        One row an event, in order of time; columns person, track_id, event (one of `EVENTS`), start_s, end_s, seconds,
        peak_s and value: of a blink the least share of the person's own eye opening, else the largest yaw in degrees
        (missing for a profile) or the widest gap between the lips.

    Example:
        >>> from fer_core.analysis.pipeline import AnalysisOptions, analyze
        >>> from fer_core.analysis.table import to_table
        >>> from fer_core.utils.distribution import sample_clip
        >>> options = AnalysisOptions(measures=True, end=1.0)
        >>> table = to_table(analyze(sample_clip(), options=options))
        >>> bool(measure_events(table)["event"].isin(EVENTS).all())
        True
    """
    names = ["person", "track_id", "event", "start_s", "end_s", "seconds", "peak_s", "value"]
    found: list[tuple[object, ...]] = []
    if measure_names(table):
        usual, blinks = frame_interval(table), blinks_measurable(table)
        faces = table[table["face_count"] > 0].sort_values(["track_id", "time_s"], kind="stable")
        opened = _own_opening(faces)
        for track, rows in faces.groupby("track_id", sort=False):
            for event, first, last, peak, value in _of_track(rows, opened, usual, blinks=blinks):
                end = last + usual
                found.append((rows["person"].iloc[0], track, event, first, end, end - first, peak, value))
    events = pd.DataFrame(found, columns=names)
    return events.sort_values("start_s", kind="stable").reset_index(drop=True)


def _own_opening(faces: pd.DataFrame) -> dict[str, float]:
    """Return how far each person's eyes are open when they are open: the median of the upper half."""
    own = {}
    for person, values in eye_opening(faces).dropna().groupby(faces["person"]):
        own[str(person)] = float(values[values >= values.median()].median())
    return own


Run = tuple[str, float, float, float, float]
"""Event, first and last second, second of the peak, value there."""


def _of_track(rows: pd.DataFrame, opened: dict[str, float], usual: float, *, blinks: bool) -> Iterator[Run]:
    times = rows["time_s"].to_numpy()
    yaw = rows["head_yaw"].abs().to_numpy()
    profile = rows[NOT_MEASURED].fillna("").str.contains("profile").to_numpy()
    turned = np.where(profile & np.isnan(yaw), 90.0, yaw)
    for run in _runs(times, turned, TURNED, BACK, usual, LEAST["turned away"]):
        first, last, peak, value = run
        yield "turned away", first, last, peak, np.nan if value == 90.0 else value
    for run in _runs(times, rows["mouth_open"].to_numpy(), MOUTH_OPEN, MOUTH_SHUT, usual, LEAST["mouth open"]):
        yield "mouth open", *run
    own = opened.get(str(rows["person"].iloc[0]))
    if blinks and own:
        closing = 1 - eye_opening(rows).to_numpy() / own
        for first, last, peak, value in _runs(times, closing, 1 - CLOSED, 1 - OPEN, usual, 0.0):
            event = "blink" if last - first + usual <= LONGEST_BLINK else "eyes closed"
            yield event, first, last, peak, 1 - value


def _runs(
    times: np.ndarray, values: np.ndarray, enter: float, leave: float, usual: float, least: float
) -> Iterator[tuple[float, float, float, float]]:
    """Return the stretches that begin where `values` reach `enter` and end where they fall under `leave`.

    A missing value, or a pause of the clip, ends a stretch.
    """
    inside: list[int] = []
    longest = max(2.5 * usual, 0.25)
    for i, value in enumerate(np.append(values, np.nan)):
        broken = bool(inside) and i < len(times) and times[i] - times[i - 1] > longest
        if inside and (broken or not value >= leave):
            if times[inside[-1]] - times[inside[0]] + usual >= least - 1e-6:
                peak = inside[int(np.argmax(values[inside]))]
                yield float(times[inside[0]]), float(times[inside[-1]]), float(times[peak]), float(values[peak])
            inside = []
        if inside or value >= enter:
            inside.append(i)


def relative_to_neutral(table: pd.DataFrame) -> pd.DataFrame:
    """Return how far brows and mouth are from each person's own neutral face.

    Args:
        table: the native table with measures.

    Returns:
        The columns of `RELATIVE`, with the table's index, less the person's median over the frames that are labelled
        neutral; missing for a person with less than a second of these.
    """
    names = [name for name in RELATIVE if name in table]
    neutral = table[table["label"] == "neutral"]
    enough = max(1, round(NEUTRAL_SECONDS / frame_interval(table)))
    middle = neutral.groupby("person")[names].median()
    middle = middle.where(neutral.groupby("person")[names].count() >= enough)
    own = middle.reindex(table["person"]).set_axis(table.index)
    return table[names] - own


def measure_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up each person's measures.

    Args:
        table: the native table; without measures there are no rows.

    Returns:
        One row a person; columns person, seconds (in sight), measured (share of them with head pose), turned_away,
        mouth_open and eyes_closed (shares of `seconds`), blinks and blinks_per_minute (missing where not measurable),
        blinks_note (why, else empty), head_yaw, head_pitch, head_roll, gaze_x and gaze_y (medians, degrees).

    Example:
        >>> from fer_core.analysis.pipeline import AnalysisOptions, analyze
        >>> from fer_core.analysis.table import to_table
        >>> from fer_core.utils.distribution import sample_clip
        >>> options = AnalysisOptions(measures=True, end=1.0)
        >>> table = to_table(analyze(sample_clip(), options=options))
        >>> measure_summary(table)[["person", "blinks"]].values.tolist()
        [['Person 1', 0]]
    """
    angles = ["head_yaw", "head_pitch", "head_roll", "gaze_x", "gaze_y"]
    names = ["person", "seconds", "measured", "turned_away", "mouth_open", "eyes_closed"]
    names += ["blinks", "blinks_per_minute", "blinks_note", *angles]
    if not measure_names(table):
        return pd.DataFrame(columns=names)
    usual, events = frame_interval(table), measure_events(table)
    rows = []
    for person, part in table[table["face_count"] > 0].groupby("person", sort=False):
        own = events[events["person"] == person]
        seconds = len(part) * usual
        spent = own.groupby("event")["seconds"].sum() / seconds
        note = _blink_note(table, part)
        blinks = int((own["event"] == "blink").sum())
        seen = eye_opening(part).notna().sum() * usual
        rows.append(
            {
                "person": person,
                "seconds": seconds,
                "measured": float(part["head_yaw"].notna().mean()),
                **{name: float(spent.get(name.replace("_", " "), 0.0)) for name in names[3:6]},
                "blinks": pd.NA if note else blinks,
                "blinks_per_minute": np.nan if note else 60 * blinks / seen,
                "blinks_note": note,
                **{name: float(part[name].median()) for name in angles},
            }
        )
    return pd.DataFrame(rows, columns=names).astype({"blinks": "Int64"})


def _blink_note(table: pd.DataFrame, part: pd.DataFrame) -> str:
    if not blinks_measurable(table):
        return f"not measurable: fewer than {BLINK_RATE:g} frames a second"
    if eye_opening(part).notna().any():
        return ""
    why = part[NOT_MEASURED].dropna().mode()
    return "not measurable: " + (why.iloc[0] if len(why) else "no eyes in sight")
