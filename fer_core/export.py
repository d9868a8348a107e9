"""Files to keep: the native table as CSV, and everything of a clip as JSON.

FORMATS is the seam for more: a format is a function from a `Findings` to bytes, and a line in that dict.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import FerError
from .timeline import SMOOTHED, episodes, label_names, summary

__all__ = ["FORMATS", "Findings", "to_csv", "to_json", "write_whole"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of an analysed clip.

    Attributes:
        table: the native long table.
        clip: facts of the source: name, width, height, seconds and so on.
        settings: model, detector and options, so that the numbers can be made again.
    """

    table: pd.DataFrame
    clip: dict[str, Any]
    settings: dict[str, Any]


def _safe(text: Any) -> Any:
    # A name that a spreadsheet would run as a formula (CSV injection, OWASP) is shown as text instead.
    return "'" + text if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def to_csv(findings: Findings) -> bytes:
    """The native table: one row a face and frame that was looked at, and one with face_count 0 where there is none."""
    table = findings.table.assign(person=findings.table["person"].map(_safe, na_action="ignore"))
    places = {"time_s": 4, "x": 1, "y": 1, "w": 1, "h": 1}
    table = table.round({name: places.get(name, 4) for name in table.columns if table[name].dtype.kind == "f"})
    return bytes(table.to_csv(index=False, lineterminator="\n"), "utf-8")


def to_json(findings: Findings) -> bytes:
    """Clip, settings, frames with their faces, people and episodes; strict JSON, missing values as null."""
    table = findings.table
    labels = label_names(table)
    frames: list[dict[str, Any]] = []
    for row in table.itertuples(index=False):
        values = dict(zip(table.columns, row, strict=True))
        if not frames or frames[-1]["frame"] != values["frame"]:
            frames.append(
                {
                    "frame": int(values["frame"]),
                    "time_s": round(float(values["time_s"]), 4),
                    "shot": int(values["shot"]),
                    "faces": [],
                }
            )
        if values["face_count"]:
            frames[-1]["faces"].append(_face(values, labels))
    document = {
        "clip": findings.clip,
        "settings": findings.settings,
        "labels": list(labels),
        "people": _records(summary(table)),
        "episodes": _records(episodes(table)),
        "frames": frames,
    }
    # A file's name may hold bytes that are no letters; they become question marks.
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def _face(values: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "track_id": int(values["track_id"]),
        "person": values["person"],
        "box": [round(float(values[name]), 1) for name in ("x", "y", "w", "h")],
        "det_score": round(float(values["det_score"]), 4),
        "label": values["label"],
        "confidence": round(float(values["confidence"]), 4),
        "probabilities": {name: round(float(values[name]), 4) for name in labels},
        "smoothed": {name: round(float(values[name + SMOOTHED]), 4) for name in labels},
        "quality": values["quality"],
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, (float, np.floating)):
            return None if np.isnan(value) else round(float(value), 4)
        return value.item() if isinstance(value, np.generic) else value

    return [{str(k): plain(v) for k, v in record.items()} for record in table.to_dict("records")]


FORMATS: dict[str, Callable[[Findings], bytes]] = {"csv": to_csv, "json": to_json}
"""File suffix to writer."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; raises FerError where the disk is full or the folder cannot be written."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise FerError(
            f"{path.name} could not be written: {error.strerror or error}. "
            "Choose a folder that can be written and has room."
        ) from error
