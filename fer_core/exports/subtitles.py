"""Subtitles of the expressions: WebVTT (https://www.w3.org/TR/webvtt1/) and SubRip."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.exports.format import Format
from fer_core.exports.tables import spans

__all__ = ["FORMATS", "cues", "write_srt", "write_vtt"]

PLAIN = str.maketrans({"<": "(", ">": ")", "{": "(", "}": ")"})
"""SubRip has no way to write these as text: players take them for markup."""


def write_vtt(result: ClipResult) -> Iterator[bytes]:
    """Write WebVTT, which browsers show over a video."""
    lines = ["WEBVTT", ""]
    for start, end, said in cues(spans(result)):
        texts = [html.escape(f"{person}: {label}", quote=False) for person, label in said]
        lines += [f"{_time(start, '.')} --> {_time(end, '.')}", *texts, ""]
    yield "\n".join(lines).encode()


def write_srt(result: ClipResult) -> Iterator[bytes]:
    """Write SubRip, which players and editing programs take."""
    lines = []
    for number, (start, end, said) in enumerate(cues(spans(result)), 1):
        texts = [f"{person}: {label}".translate(PLAIN) for person, label in said]
        lines += [str(number), f"{_time(start, ',')} --> {_time(end, ',')}", *texts, ""]
    yield "\n".join(lines).encode()


def cues(found: pd.DataFrame) -> list[tuple[int, int, tuple[tuple[str, str], ...]]]:
    """Return cues that never overlap, since many players show one at a time.

    Args:
        found: episodes as `spans` gives them.

    Returns:
        Start and end in milliseconds, and who shows what meanwhile, in the order in which people appear.
    """
    rows = [(round(r.start_s * 1000), round(r.end_s * 1000), r.person, r.label) for r in found.itertuples(index=False)]
    order = {person: i for i, person in enumerate(dict.fromkeys(row[2] for row in rows))}
    edges = sorted({time for row in rows for time in row[:2]})
    made: list[tuple[int, int, tuple[tuple[str, str], ...]]] = []
    current: list[tuple[int, int, str, str]] = []
    waiting = iter(rows)
    following = next(waiting, None)
    for start, end in pairwise(edges):
        current = [row for row in current if row[1] > start]
        while following is not None and following[0] <= start:
            current.append(following)
            following = next(waiting, None)
        said = tuple((row[2], row[3]) for row in sorted(current, key=lambda row: order[row[2]]))
        if said:
            made.append((start, end, said))
    return made


def _time(milliseconds: int, point: str) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"


FORMATS = (
    Format(
        "vtt",
        "Subtitles (WebVTT)",
        ".vtt",
        "browsers, VLC",
        "Episodes: who shows what, as subtitles",
        write_vtt,
    ),
    Format(
        "srt",
        "Subtitles (SubRip)",
        ".srt",
        "VLC, Premiere, DaVinci Resolve, YouTube",
        "Episodes: who shows what, as subtitles",
        write_srt,
    ),
)
