"""Fex table of Py-feat (py-feat 2.1, https://py-feat.org), for `feat.utils.io.read_feat`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.measure_names import to_pyfeat
from fer_core.analysis.table import label_names, measure_names
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name, frame_table, rounded
from fer_core.utils.csv_safety import safe_table

__all__ = ["BOX", "EMOTIONS", "FORMATS", "write"]

EMOTIONS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""Py-feat's names in its order, and ours."""
BOX = {"FaceRectX": "x", "FaceRectY": "y", "FaceRectWidth": "w", "FaceRectHeight": "h", "FaceScore": "det_score"}


def write(result: ClipResult) -> Iterator[bytes]:
    """Write a row for each face and frame, and one with missing values where no face is.

    Action units and landmarks are not measured, and so their columns are left out; so is the pose unless measures were
    asked for. An expression that the model does not know is missing. `time_s` is added: `approx_time` holds whole
    seconds.
    """
    table, labels = rounded(frame_table(result)), label_names(result.table)
    data = {name: table[own] for name, own in BOX.items()}
    for name, own in EMOTIONS.items():
        data[name] = table[own] if own in labels else pd.Series(float("nan"), index=table.index)
    data |= {name: table[name] for name in labels if name not in EMOTIONS.values()}
    if {"head_yaw", "head_pitch", "head_roll"} <= set(measure_names(result.table)):
        data |= {str(name): angles for name, angles in to_pyfeat(result.table).round(4).items()}
    data["input"] = pd.Series(clip_name(result), index=table.index, dtype="object")
    data["frame"] = table["frame"]
    data["approx_time"] = table["time_s"].map(lambda t: f"{int(t) // 60:02d}:{int(t) % 60:02d}")
    data["Identity"] = table["person"].map(_identity, na_action="ignore")
    data["time_s"] = table["time_s"]
    yield safe_table(pd.DataFrame(data)).to_csv(index=False, lineterminator="\n").encode()


def _identity(person: str) -> str:
    """Return Py-feat's way to number people, from 0; a name that was given stays."""
    found = re.fullmatch(r"Person (\d+)", person)
    return f"Person_{int(found[1]) - 1}" if found else person


FORMATS = (
    Format(
        "pyfeat",
        "Py-feat",
        "-pyfeat.csv",
        "Py-feat (read_feat)",
        "Fex table: a row for each face and frame, without action units and landmarks; pose where it was measured",
        write,
    ),
)
