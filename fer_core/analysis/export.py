"""Files to keep: the native table and the timeline as CSV, and everything of a clip as JSON.

FORMATS is the seam for more: a format is a function from `ClipResult` to parts of a file, and a line in that dict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.analysis.episodes import episodes, summary
from fer_core.analysis.table import NOT_MEASURED, SMOOTHED, label_names, measure_names
from fer_core.utils.csv_safety import safe_table
from fer_core.utils.files import write_export

__all__ = [
    "FORMATS",
    "ClipResult",
    "csv_parts",
    "export_csv",
    "export_json",
    "json_parts",
    "timeline_parts",
    "to_csv",
    "to_json",
]

ROWS = 2000
"""Rows of the table written at a time, so that a long clip needs no more memory than a short one."""

PLACES = {"time_s": 4, "x": 1, "y": 1, "w": 1, "h": 1}
"""Decimal places; 4 elsewhere."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """What is known of an analysed clip.

    Attributes:
        table: the native long table.
        clip: facts of the source: name, width, height, seconds and so on.
        settings: model, detector and options, so that the numbers can be made again.

    Example:
        >>> from fer_core import AnalysisOptions, analyze, sample_clip, to_table
        >>> table = to_table(analyze(sample_clip(), options=AnalysisOptions(sample_fps=1)))
        >>> ClipResult(table, {"name": "two-people.mp4"}, {}).clip["name"]
        'two-people.mp4'
    """

    table: pd.DataFrame
    clip: dict[str, Any]
    settings: dict[str, Any]


def csv_parts(result: ClipResult) -> Iterator[bytes]:
    """The native table: one row a face and frame that was looked at, and one with face_count 0 where there is none."""
    whole = result.table
    places = {name: PLACES.get(name, 4) for name in whole.columns if whole[name].dtype.kind == "f"}
    for start in range(0, max(1, len(whole)), ROWS):
        part = whole.iloc[start : start + ROWS].round(places)
        yield safe_table(part).to_csv(index=False, header=start == 0, lineterminator="\n").encode()


def to_csv(result: ClipResult) -> bytes:
    """Return all of `csv_parts`."""
    return b"".join(csv_parts(result))


def timeline_parts(result: ClipResult) -> Iterator[bytes]:
    """Return the timeline in words: one row an episode, that is who showed what from when to when, and when most."""
    found = episodes(result.table)
    found = found.round({name: 4 for name in found.columns if found[name].dtype.kind == "f"})
    yield safe_table(found).to_csv(index=False, lineterminator="\n").encode()


def json_parts(result: ClipResult) -> Iterator[bytes]:
    """Clip, settings, people, episodes and frames with their faces; strict JSON, missing values as null."""
    table = result.table
    head = {
        "clip": result.clip,
        "settings": result.settings,
        "labels": list(label_names(table)),
        "people": _records(summary(table)),
        "episodes": _records(episodes(table)),
    }
    yield _json(head)[:-1] + b',"frames":['
    # Frame by frame: all of them as Python objects would be ten times the table.
    for number, frame in enumerate(_frames(table)):
        yield (b"," if number else b"") + _json(frame)
    yield b"]}"


def to_json(result: ClipResult) -> bytes:
    """Return all of `json_parts`."""
    return b"".join(json_parts(result))


def _json(value: Any) -> bytes:
    # A file's name may hold bytes that are no letters; they become question marks.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def _frames(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    labels, measures = label_names(table), measure_names(table)
    frame: dict[str, Any] | None = None
    for row in table.itertuples(index=False):
        values = dict(zip(table.columns, row, strict=True))
        if frame is None or frame["frame"] != values["frame"]:
            if frame is not None:
                yield frame
            time_s = round(float(values["time_s"]), 4)
            frame = {"frame": int(values["frame"]), "time_s": time_s, "shot": int(values["shot"]), "faces": []}
        if values["face_count"]:
            frame["faces"].append(_face(values, labels) | _measures(values, measures))
    if frame is not None:
        yield frame


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


def _measures(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    if NOT_MEASURED not in values:
        return {}
    taken = {name: None if np.isnan(values[name]) else round(float(values[name]), 4) for name in names}
    return {"measures": taken, NOT_MEASURED: values[NOT_MEASURED]}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, (float, np.floating)):
            return None if np.isnan(value) else round(float(value), 4)
        return value.item() if isinstance(value, np.generic) else value

    return [{str(k): plain(v) for k, v in record.items()} for record in table.to_dict("records")]


FORMATS: dict[str, Callable[[ClipResult], Iterator[bytes]]] = {"csv": csv_parts, "json": json_parts}
"""File suffix to what makes the file, part by part."""


def export_csv(result: ClipResult | pd.DataFrame, path: str | Path) -> Path:
    """Write the native table as CSV, whole or not at all.

    Args:
        result: a clip's result, or its table alone.
        path: of the file; it is replaced.

    Returns:
        The path.

    Raises:
        FerError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from fer_core import AnalysisOptions, analyze, sample_clip, to_table
        >>> table = to_table(analyze(sample_clip(), options=AnalysisOptions(sample_fps=1)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_csv(table, Path(folder) / "clip.csv").read_text().split(",")[:3]
        ['frame', 'time_s', 'face_count']
    """
    return _export(result, path, csv_parts)


def export_json(result: ClipResult | pd.DataFrame, path: str | Path) -> Path:
    """Write clip, settings, people, episodes and frames as JSON, whole or not at all; see `export_csv`.

    Example:
        >>> import tempfile
        >>> from fer_core import AnalysisOptions, analyze, sample_clip, to_table
        >>> table = to_table(analyze(sample_clip(), options=AnalysisOptions(sample_fps=1)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(json.loads(export_json(table, Path(folder) / "clip.json").read_text()))
        ['clip', 'episodes', 'frames', 'labels', 'people', 'settings']
    """
    return _export(result, path, json_parts)


def _export(
    result: ClipResult | pd.DataFrame, path: str | Path, parts: Callable[[ClipResult], Iterator[bytes]]
) -> Path:
    whole = result if isinstance(result, ClipResult) else ClipResult(result, {}, {})
    write_export(Path(path), parts(whole))
    return Path(path)
