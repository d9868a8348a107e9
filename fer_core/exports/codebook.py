"""Codebook: what each column of the exported tables means, its unit and its values."""

from __future__ import annotations

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import SMOOTHED, label_names
from fer_core.exports.tables import episode_table, frame_table, people_table
from fer_core.labels import UNSURE

__all__ = ["COLUMNS", "MEASURES", "codebook", "describe"]

COLUMNS: dict[str, tuple[str, str, str]] = {
    "clip": ("Name of the clip", "", "text"),
    "frame": ("Number of the frame in the file, counted from 0", "", "whole number"),
    "time_s": ("Presentation time, from the clip's first frame", "s", "0 and more"),
    "clock_time": ("When the frame was taken; missing where the clip does not say", "", "date and time"),
    "face_count": ("Faces in the frame; 0 in a row without a face, whose other cells are missing", "", "whole number"),
    "track_id": ("Number of a face that is followed from frame to frame", "", "whole number"),
    "person": ("Who it is: the name that was given, or Person and a number", "", "text"),
    "x": ("Left edge of the face's box", "px", "number"),
    "y": ("Top edge of the face's box", "px", "number"),
    "w": ("Width of the face's box", "px", "number"),
    "h": ("Height of the face's box", "px", "number"),
    "det_score": ("How sure the detector is that this is a face", "", "0 to 1"),
    "label": ("Expression that is shown, after smoothing; unsure where the confidence is too low", "", "text"),
    "confidence": ("Smoothed probability of the most probable expression", "", "0 to 1"),
    "quality": ("good, or why the face cannot be read well: small, blurred, turned, dark, doubtful", "", "text"),
    "shot": ("Number of the shot, counted from 0; it grows by one at each cut", "", "whole number"),
    "start_s": ("Begin of the episode, from the clip's first frame", "s", "0 and more"),
    "end_s": ("End of the episode, from the clip's first frame", "s", "0 and more"),
    "start_clock": ("Begin of the episode as clock time; missing where the clip does not say", "", "date and time"),
    "end_clock": ("End of the episode as clock time; missing where the clip does not say", "", "date and time"),
    "peak_s": ("Moment of the highest confidence in the episode", "s", "0 and more"),
    "first_s": ("When the person is first seen", "s", "0 and more"),
    "last_s": ("When the person is last seen", "s", "0 and more"),
    "first_clock": ("When the person is first seen, as clock time; missing if not known", "", "date and time"),
    "last_clock": ("When the person is last seen, as clock time; missing if not known", "", "date and time"),
    "episodes": ("Number of the person's episodes", "", "whole number"),
    "strongest_label": ("Expression of the strongest episode; another than neutral where there is one", "", "text"),
    "strongest_s": ("When that episode is strongest", "s", "0 and more"),
    "strongest_confidence": ("Confidence at that moment", "", "0 to 1"),
}
"""Column to meaning, unit and values, for every column that is not an expression."""

MEASURES: dict[str, tuple[str, str, str]] = {
    "head_yaw": ("Turn of the head; positive to the picture's right, which is the person's left", "degree", "number"),
    "head_pitch": ("Turn of the head; positive up", "degree", "number"),
    "head_roll": ("Tilt of the head; positive clockwise in the picture", "degree", "number"),
    "gaze_x": ("Gaze relative to the head, not calibrated; positive to the picture's right", "degree", "number"),
    "gaze_y": ("Gaze relative to the head, not calibrated; positive up", "degree", "number"),
    "eye_open_left": ("Opening of the person's left eye: height by width", "", "0 and more; about 0.3 when open"),
    "eye_open_right": ("Opening of the person's right eye: height by width", "", "0 and more; about 0.3 when open"),
    "brow_left": ("Height of the person's left brow above the eye", "distance of the eyes", "number"),
    "brow_right": ("Height of the person's right brow above the eye", "distance of the eyes", "number"),
    "mouth_open": ("Gap between the lips", "distance of the eyes", "0 and more"),
    "mouth_width": ("Width of the mouth", "distance of the eyes", "0 and more"),
    "smile_asymmetry": ("How much higher the person's left corner of the mouth is", "distance of the eyes", "number"),
    "not_measured": ("Why measures are missing; empty where all were taken", "", "text"),
}
"""The same for the measures of head, eyes and mouth, which are there where they were asked for."""

TABLES = {
    "seconds": {
        "episodes": ("Length of the episode", "s", "0 and more"),
        "people": ("Time for which the person is seen", "s", "0 and more"),
    },
    "confidence": {"episodes": ("Highest confidence in the episode", "", "0 to 1")},
}
"""Columns that mean something else in another table."""

NOT_DESCRIBED = "Added by the analysis; this codebook has no description of it"


def describe(table: str, column: str, labels: tuple[str, ...]) -> tuple[str, str, str]:
    """Return meaning, unit and values of a column.

    Args:
        table: `frames`, `episodes` or `people`.
        column: its name.
        labels: the expressions of the clip's table.
    """
    own = TABLES.get(column, {}).get(table)
    if own is not None:
        return own
    if table == "people" and column in (*labels, UNSURE):
        return (f"Share of the person's time in which {column} is shown", "", "0 to 1")
    if column in labels:
        return (f"Probability of {column} in this frame alone", "", "0 to 1")
    if column.endswith(SMOOTHED) and column.removesuffix(SMOOTHED) in labels:
        return (f"Probability of {column.removesuffix(SMOOTHED)}, smoothed over time", "", "0 to 1")
    return {**COLUMNS, **MEASURES}.get(column, (NOT_DESCRIBED, "", ""))


def codebook(result: ClipResult) -> pd.DataFrame:
    """Return a row for each column of each table: table, column, meaning, unit, values."""
    labels = label_names(result.table)
    tables = {"frames": frame_table(result), "episodes": episode_table(result), "people": people_table(result)}
    rows = [
        (name, str(column), *describe(name, str(column), labels)) for name, table in tables.items() for column in table
    ]
    return pd.DataFrame(rows, columns=["table", "column", "meaning", "unit", "values"])
