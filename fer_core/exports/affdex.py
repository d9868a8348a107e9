"""AFFDEX table as iMotions exports it, a CSV file for each person (https://imotions.com)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name
from fer_core.utils.csv_safety import safe_table

__all__ = ["FORMATS", "NAMES", "NOT_MEASURED", "write"]

NAMES = {
    "Anger": "angry",
    "Contempt": "contempt",
    "Disgust": "disgust",
    "Fear": "fear",
    "Joy": "happy",
    "Sadness": "sad",
    "Surprise": "surprise",
    "Neutral": "neutral",
}
"""AFFDEX's names in its order, and ours."""
NOT_MEASURED = ("Engagement", "Valence")
"""AFFDEX derives them from action units, which are not measured here: the columns that scripts expect are empty."""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write one person's table: a row for each frame, 0 to 100, empty where the person is not seen.

    Args:
        result: with the rows of one person, see `person_rows`.
    """
    table, labels = result.table, label_names(result.table)
    nothing = pd.Series(float("nan"), index=table.index)
    data = {
        "Timestamp": (table["time_s"] * 1000).round(1),
        "SourceStimuliName": pd.Series(clip_name(result), index=table.index, dtype="object"),
        "SampleNumber": pd.Series(range(1, len(table) + 1), index=table.index, dtype="int64"),
    }
    data |= {name: (100 * table[own]).round(4) if own in labels else nothing for name, own in NAMES.items()}
    data |= dict.fromkeys(NOT_MEASURED, nothing)
    yield safe_table(pd.DataFrame(data)).to_csv(index=False, lineterminator="\n").encode()


FORMATS = (
    Format(
        "affdex",
        "iMotions AFFDEX",
        "-affdex.csv",
        "scripts for iMotions' AFFDEX export",
        "AFFDEX's names, 0 to 100; engagement and valence are not measured and empty",
        write,
        per_person=True,
    ),
)
