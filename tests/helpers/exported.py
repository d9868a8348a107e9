"""A small result to export, and its files: three people by name, gaps, an unsure face, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.fakes import GONE, make_table

from fer_core.analysis.export import ClipResult
from fer_core.exports import write_exports

TAKEN = "2026-05-01T14:03:05.250+02:00"
CLIP: dict[str, Any] = {
    "name": "Jürgen.mp4",
    "complete": True,
    "frames_damaged": 0,
    "width": 640,
    "height": 360,
    "seconds": 2.0,
    "codec": "h264",
}
SETTINGS: dict[str, Any] = {
    "fer_core": "0.0",
    "model": "expression-s",
    "model_sha256": "ab" * 32,
    "detector": "yunet",
    "sample_fps": 10.0,
    "smoothing": {"time_constant": 0.4},
}
PEOPLE: dict[int, list[str | None]] = {
    0: ["happy"] * 10 + [GONE] * 3 + ["sad"] * 7,
    1: [GONE] * 5 + ["neutral"] * 5 + [GONE] * 3 + ["fear"] * 5 + [None] * 2,
}
NAMES = {0: "Jürgen Ö.", 1: "Zoë"}
EPISODES = [
    ("Jürgen Ö.", "happy", 0.0, 1.0),
    ("Zoë", "neutral", 0.5, 1.0),
    ("Jürgen Ö.", "sad", 1.3, 2.0),
    ("Zoë", "fear", 1.3, 1.8),
]
"""What PEOPLE show, by start and then by track."""

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    'a "quoted" name',
    "two\nlines\r\nthree",
    "-->",
    "{\\an8}<b>x</b>",
    "a,b;c\td",
    "nul\x00 bell\x07 esc\x1b \ufffe",
    "half \udce9 letter",
    "NaN",
    "x" * 300,
    "שלום 😀",
    "../../etc/passwd",
]
"""Names that people, or those who attack them, may give."""


def make_result(
    people: Mapping[int, Sequence[str | None]] = PEOPLE,
    names: Mapping[int, str] | None = NAMES,
    clip: Mapping[str, Any] | None = None,
    **how: object,
) -> ClipResult:
    """The result of `people`, with `clip` over the usual facts."""
    return ClipResult(make_table(people, names, **how), CLIP | dict(clip or {}), SETTINGS)


def export(result: ClipResult, folder: Path, name: str) -> Path:
    """The one file of a format."""
    (path,) = write_exports(result, folder, "clip", [name])
    return path
