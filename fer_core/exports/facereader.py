"""Detailed log of Noldus FaceReader, a text file for each person (https://www.noldus.com/facereader)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name, frame_rate, one_line, person_names, recorded_at
from fer_core.utils.csv_safety import safe_cell, safe_table

__all__ = ["FAILED", "FORMATS", "NAMES", "NEGATIVE", "write"]

NAMES = {
    "Neutral": "neutral",
    "Happy": "happy",
    "Sad": "sad",
    "Angry": "angry",
    "Surprised": "surprise",
    "Scared": "fear",
    "Disgusted": "disgust",
    "Contempt": "contempt",
}
"""FaceReader's names in its order, and ours."""
NEGATIVE = ("sad", "angry", "fear", "disgust")
FAILED = "FIT_FAILED"
"""FaceReader's word for a frame in which it could not read the face."""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write one person's log: a line for each frame, FIT_FAILED where the person is not seen.

    Valence is FaceReader's own definition: happy minus the strongest of the negative expressions. Arousal and action
    units are not measured and left out, as FaceReader does where they are switched off; so is an expression that the
    model does not know.

    Args:
        result: with the rows of one person, see `person_rows`.
    """
    table, labels = result.table, label_names(result.table)
    here = table["face_count"] > 0
    measures = {name: table[own] for name, own in NAMES.items() if own in labels}
    negative = [name for name in NEGATIVE if name in labels]
    if "happy" in labels and negative:
        measures["Valence"] = table["happy"] - table[negative].max(axis=1)
    data: dict[str, object] = {"Video Time": [_time(t) for t in table["time_s"]]}
    for name, values in measures.items():
        data[name] = [f"{v:.6f}" if seen else FAILED for v, seen in zip(values, here, strict=True)]
    person = next((one_line(name) for name in person_names(result)), "")
    data["Participant Name"] = person
    data["Analysis Index"] = "Analysis 1"
    yield _head(result).encode()
    # The measures are texts that this module made, so that only the name needs the guard: "-0.1" must stay a number.
    lines = pd.DataFrame(data)
    lines["Participant Name"] = safe_table(lines[["Participant Name"]])["Participant Name"]
    yield lines.to_csv(index=False, sep="\t", lineterminator="\r\n").encode()


def _head(result: ClipResult) -> str:
    start, rate = recorded_at(result), frame_rate(result)
    lines = [
        "Video analysis detailed log",
        "",
        f"Face Model:\t{safe_cell(one_line(str(result.settings.get('model') or '-')))}",
        "Calibration:\tNone",
        f"Start time:\t{'' if start is None else f'{start:%d.%m.%Y %H:%M:%S}.{start.microsecond // 1000:03d}'}",
        f"Filename:\t{safe_cell(clip_name(result))}",
        f"Frame rate:\t{'' if rate is None else f'{rate:.9f}'}",
        "",
        "",
    ]
    return "\r\n".join(lines)


def _time(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    whole = thousandths // 1000
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{thousandths % 1000:03d}"


FORMATS = (
    Format(
        "facereader",
        "FaceReader",
        "-facereader.txt",
        "scripts for FaceReader's detailed log",
        "Detailed log with FaceReader's names and its valence; FIT_FAILED where the person is not seen",
        write,
        per_person=True,
    ),
)
