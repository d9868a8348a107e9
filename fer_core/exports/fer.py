"""Video table of the package `fer` (fer 25.10, https://github.com/justinshenk/fer)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.format import Format

__all__ = ["EMOTIONS", "FORMATS", "write", "write_strict"]

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The expressions that `fer` knows, by its names and in its order."""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write a row for each frame, also without a face, with `frame` and `timestamp` in front of fer's columns."""
    labels = list(dict.fromkeys([*EMOTIONS, *label_names(result.table)]))
    rows = _rows(result, labels)
    faces = _sorted({name for _, _, row in rows for name in row})
    table = pd.DataFrame(
        [{"frame": frame, "timestamp": round(time_s, 4), **row} for frame, time_s, row in rows],
        columns=["frame", "timestamp", *faces],
    )
    yield table.to_csv(index=False, lineterminator="\n").encode()


def write_strict(result: ClipResult) -> Iterator[bytes]:
    """Write exactly what fer writes: no time, no row without a face, its seven expressions alone."""
    rows = [row for _, _, row in _rows(result, list(EMOTIONS)) if row]
    columns = _sorted({name for row in rows for name in row}) or _sorted({*(f"{e}0" for e in EMOTIONS), "box0"})
    yield pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n").encode()


def _rows(result: ClipResult, labels: list[str]) -> list[tuple[int, float, dict[str, Any]]]:
    """Return frame, time and the cells of its faces, numbered in the order of the native table."""
    rows: list[tuple[int, float, dict[str, Any]]] = []
    for face in result.table.to_dict("records"):
        if not rows or rows[-1][0] != face["frame"]:
            rows.append((int(face["frame"]), float(face["time_s"]), {}))
        row = rows[-1][2]
        if face["face_count"]:
            number = sum(name.startswith("box") for name in row)
            row[f"box{number}"] = [round(face[name]) for name in "xywh"]
            row |= {f"{label}{number}": round(face[label], 4) if label in face else None for label in labels}
    return rows


def _sorted(columns: set[str]) -> list[str]:
    """Sort by name and then by number, as fer does."""

    def key(column: str) -> tuple[str, int]:
        found = re.fullmatch(r"(.*?)(\d+)", column)
        assert found is not None
        return found[1], int(found[2])

    return sorted(columns, key=key)


FORMATS = (
    Format(
        "fer",
        "fer",
        "-fer.csv",
        "scripts for the package fer",
        "fer's video table (box0, angry0, …), every analysed frame with frame and timestamp",
        write,
    ),
    Format(
        "fer-strict",
        "fer, strict",
        "-fer-strict.csv",
        "scripts for the package fer",
        "exactly fer's columns: no time, and no row without a face",
        write_strict,
    ),
)
