"""CSV files: tidy ones for R, pandas and the like, and one for Excel with German settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.exports.codebook import codebook
from fer_core.exports.format import Format
from fer_core.exports.tables import episode_table, frame_table, people_table, rounded
from fer_core.utils.csv_safety import safe_table

__all__ = ["FORMATS", "write_codebook", "write_episodes", "write_frames", "write_german", "write_people"]

ROWS = 2000
"""Rows that are formatted at a time, so that a long clip needs little more memory than a short one."""
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
"""Excel takes a CSV without it for Windows-1252, and shows "JÃ¼rgen"."""


def write_frames(result: ClipResult) -> Iterator[bytes]:
    """Write a row for each face and frame; comma, decimal point, UTF-8 without BOM, missing values empty."""
    return _parts(frame_table(result))


def write_episodes(result: ClipResult) -> Iterator[bytes]:
    """Write a row for each episode."""
    return _parts(episode_table(result))


def write_people(result: ClipResult) -> Iterator[bytes]:
    """Write a row for each person."""
    return _parts(people_table(result))


def write_codebook(result: ClipResult) -> Iterator[bytes]:
    """Write what each column of the tables means."""
    return _parts(codebook(result))


def write_german(result: ClipResult) -> Iterator[bytes]:
    """Write the frames as Excel with German settings opens them: semicolon, decimal comma, BOM, Windows line ends."""
    yield BOM
    yield from _parts(frame_table(result), clock=_german_clock, sep=";", decimal=",", lineterminator="\r\n")


def _parts(table: pd.DataFrame, clock: Callable[[pd.Timestamp], str] | None = None, **how: Any) -> Iterator[bytes]:
    options = {"index": False, "lineterminator": "\n", **how}
    for start in range(0, max(1, len(table)), ROWS):
        part = rounded(table.iloc[start : start + ROWS])
        for name in part.select_dtypes("datetimetz"):
            part[name] = part[name].astype(object).map(clock or _iso_clock, na_action="ignore")
        yield safe_table(part).to_csv(header=start == 0, **options).encode()


def _iso_clock(time: pd.Timestamp) -> str:
    return str(time.isoformat(timespec="milliseconds"))


def _german_clock(time: pd.Timestamp) -> str:
    return f"{time:%d.%m.%Y %H:%M:%S},{time.microsecond // 1000:03d}"


FORMATS = (
    Format(
        "csv",
        "CSV",
        "-frames.csv",
        "R, pandas, JASP, jamovi, Excel in English",
        "Frames: a row for each face and frame. Comma, decimal point, UTF-8, missing values empty",
        write_frames,
    ),
    Format(
        "episodes",
        "Episodes (CSV)",
        "-episodes.csv",
        "R, pandas, JASP, jamovi, Excel in English",
        "A row for each stretch in which a person shows the same expression",
        write_episodes,
    ),
    Format(
        "people",
        "People (CSV)",
        "-people.csv",
        "R, pandas, JASP, jamovi, Excel in English",
        "A row for each person: time seen, share of each expression, strongest moment",
        write_people,
    ),
    Format(
        "codebook",
        "Codebook (CSV)",
        "-codebook.csv",
        "any",
        "What each column of frames, episodes and people means, with unit and values",
        write_codebook,
    ),
    Format(
        "csv-excel",
        "CSV for German Excel",
        "-excel.csv",
        "Excel and LibreOffice with German settings",
        "Frames. Semicolon, decimal comma, UTF-8 with BOM, Windows line ends",
        write_german,
    ),
)
