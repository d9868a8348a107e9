"""Report of a clip as one HTML file that loads nothing, runs nothing, and prints well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fer_core import __version__
from fer_core.analysis.episodes import episodes, summary
from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.charts import timeline as charts
from fer_core.charts.svg import to_svg
from fer_core.exports.bundle import COMMAND
from fer_core.exports.excel import setting_rows
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name, one_line, recorded_at
from fer_core.labels import UNSURE

__all__ = ["FORMATS", "MOST_EPISODES", "MOST_PEOPLE", "write"]

TEMPLATE = Path(__file__).with_name("report.html")
WIDTH = 900
"""Of a chart, in pixels; a narrower page shrinks it."""
MOST_PEOPLE = 12
"""People whose curves are drawn; the tables have all."""
MOST_EPISODES = 200


@dataclass(frozen=True, slots=True)
class Board:
    """A table as it is printed."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its title, and words for those who do not see it."""

    title: str
    svg: Markup
    words: str


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the report: time line, share of each expression, curves and episodes of each person, settings."""
    table = result.table.assign(person=result.table["person"].map(one_line, na_action="ignore"))
    found, people = episodes(table), summary(table)
    longest = _longest(people, MOST_PEOPLE)
    listed = _longest(found, MOST_EPISODES)
    page = {
        "clip": clip_name(result),
        "version": __version__,
        "facts": _facts(result),
        "warnings": _warnings(result),
        "people": _people(people, label_names(table)),
        "overview": _overview(table, found, people) if len(people) else None,
        "charts": [_curves(table, row) for _, row in longest.iterrows()],
        "more_people": len(people) > len(longest),
        "episodes": _episodes(listed),
        "more_episodes": len(found) if len(found) > len(listed) else 0,
        "settings": [(f"{of}: {name}", "not known" if value is None else value) for of, name, value in _rows(result)],
        "command": COMMAND,
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    yield environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(page).strip().encode(errors="replace")


def _longest(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows that last longest, in their own order."""
    return table.sort_values("seconds", ascending=False, kind="stable").head(most).sort_index()


def _rows(result: ClipResult) -> list[tuple[str, str, Any]]:
    return [(of.capitalize(), name.replace("_", " "), value) for of, name, value in setting_rows(result)]


def _facts(result: ClipResult) -> str:
    clip, table = result.clip, result.table
    parts = [f"{table['frame'].nunique():,} frames analysed"]
    if clip.get("seconds"):
        parts.insert(0, f"{_clock(float(clip['seconds']))} long")
    if clip.get("width") and clip.get("height"):
        parts.append(f"{clip['width']} × {clip['height']} pixels")
    start = recorded_at(result)
    if start is not None:
        parts.append(f"taken on {start:%Y-%m-%d} at {start:%H:%M:%S}")
    return ", ".join(parts) + "."


def _warnings(result: ClipResult) -> list[str]:
    found = []
    if result.clip.get("complete") is False:
        found.append("The analysis was stopped early: this report holds what was done by then.")
    damaged = result.clip.get("frames_damaged")
    if damaged:
        found.append(f"{damaged:,} damaged frames could not be decoded and were skipped.")
    return found


def _people(people: pd.DataFrame, labels: tuple[str, ...]) -> Board:
    names = [*labels, UNSURE]
    rows = [
        [
            row["person"],
            f"{row['seconds']:.1f} s",
            *(f"{row[name]:.0%}" for name in names),
            str(row["episodes"]),
            _strongest(row),
        ]
        for _, row in people.iterrows()
    ]
    return Board(["Person", "Seen", *(name.capitalize() for name in names), "Episodes", "Strongest moment"], rows)


def _strongest(row: pd.Series) -> str:
    if pd.isna(row["strongest_s"]):
        return "–"
    return f"{row['strongest_label']} at {_clock(row['strongest_s'])} ({row['strongest_confidence']:.0%})"


def _episodes(found: pd.DataFrame) -> Board:
    rows = [
        [
            row["person"],
            row["label"],
            _clock(row["start_s"]),
            _clock(row["end_s"]),
            f"{row['seconds']:.1f} s",
            f"{row['confidence']:.0%}",
        ]
        for _, row in found.iterrows()
    ]
    return Board(["Person", "Expression", "From", "To", "Length", "Strongest"], rows)


def _overview(table: pd.DataFrame, found: pd.DataFrame, people: pd.DataFrame) -> Drawing:
    spec = charts.ribbon(table, found, zoom=False, domain=_domain(table))
    words = f"A bar for each of {len(people)} people with {len(found)} episodes; the table below has the shares."
    return Drawing("Who showed what, when", _svg(spec), words)


def _curves(table: pd.DataFrame, row: pd.Series) -> Drawing:
    own = table[table["person"] == row["person"]]
    spec = charts.timeline(own, domain=_domain(table))
    spec["layer"] = spec["layer"][:1]  # the curves; the rest answers to the pointer, and takes megabytes
    spec.pop("params", None)
    shown = sorted(label_names(table), key=lambda name: -row[name])[:3]
    words = ", ".join(f"{name} {row[name]:.0%}" for name in shown if row[name] >= 0.005)
    return Drawing(str(row["person"]), _svg(spec), f"{row['person']}: {words or 'unsure throughout'}")


def _svg(spec: dict[str, Any]) -> Markup:
    """Return a chart whose paths have two decimals in place of sixteen: a third of the bytes; names are escaped."""
    drawn = to_svg(spec, WIDTH)
    return Markup(re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn))


def _domain(table: pd.DataFrame) -> tuple[float, float]:
    first, last = float(table["time_s"].min()), float(table["time_s"].max())
    return first, max(last, first + 0.1)


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    words = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{words}" if hours else words.removeprefix("0")


FORMATS = (
    Format(
        "report",
        "Report",
        "-report.html",
        "any browser; prints on A4",
        "Time line, shares, curves and episodes of each person, with the settings, as one file",
        write,
    ),
)
