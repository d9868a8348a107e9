"""Looks of figures for papers: letters, lines and colors at the size of a print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import altair as alt
import pandas as pd

from fer_core.errors import OptionError
from fer_core.labels import COLORS, SERIES

__all__ = [
    "GRID",
    "INK",
    "POINTS_PER_MM",
    "RAMP",
    "RULE",
    "cell_words",
    "check_table",
    "color_of",
    "ink_on",
    "inline",
    "probability_axis",
    "styled",
]

POINTS_PER_MM = 72 / 25.4

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, RULE, GRID = "#222222", "#5A6270", "#E4E6EA"
RAMP = ["#FFFFFF", COLORS["sad"]]
"""From nothing to all, in one hue, so that it also prints in gray."""


def inline(table: pd.DataFrame) -> alt.InlineData:
    """Return a table as data of a chart, however long it is; Altair's own way stops at 5000 rows."""
    return alt.InlineData(values=json.loads(table.to_json(orient="records")))


def probability_axis(field: str, title: str) -> alt.Y:
    """Return the vertical axis of a probability, 0 to 1."""
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f")
    return alt.Y(f"{field}:Q", title=title, axis=axis, scale=alt.Scale(domain=[0, 1]))


def color_of(field: str, names: Sequence[str], symbol: str = "stroke") -> alt.Color:
    """Return the colors of a column: those of the labels for expressions, and those of series for all else."""
    if field == "expression":
        tones = [COLORS.get(name, SERIES[i % len(SERIES)]) for i, name in enumerate(names)]
    else:
        tones = [SERIES[i % len(SERIES)] for i in range(len(names))]
    legend = alt.Legend(orient="bottom", columns=4, symbolType=symbol, symbolOpacity=1)
    return alt.Color(f"{field}:N", title=None, scale=alt.Scale(domain=list(names), range=tones), legend=legend)


def cell_words(rows: pd.DataFrame, x: alt.X, y: alt.Y, font_pt: float) -> list[alt.Chart]:
    """Return the column `_words` as a layer for each ink of `_ink`.

    Beside another color scale Vega-Lite takes no colors from a column.
    """
    return [
        alt.Chart(inline(part)).mark_text(fontSize=font_pt * 0.9, color=str(ink)).encode(x=x, y=y, text="_words:N")
        for ink, part in rows.groupby("_ink", sort=True)
    ]


def ink_on(color: str) -> str:
    """Return black or white, whichever can be read on the color (relative luminance of WCAG 2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def check_table(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise OptionError where a column is missing or nothing is left to draw."""
    if missing := [name for name in names if name not in table.columns]:
        raise OptionError(f"The table has no column {missing[0]!r}; it has: {', '.join(map(str, table.columns))}.")
    if table.empty:
        raise OptionError("There is nothing to draw: the table has no rows that were chosen.")


Figure = TypeVar("Figure", alt.LayerChart, alt.ConcatChart)


def styled(chart: Figure, title: str, height_mm: float | None, font_pt: float, offset: float | None = None) -> Figure:
    """Return the chart with its title, letters and lines as on paper."""
    if not 4.0 <= font_pt <= 24.0:
        raise OptionError(f"'font_pt' must lie between 4 and 24 points; received {font_pt}. Journals ask for 7 to 9.")
    if height_mm is not None:
        chart = chart.properties(height=height_mm * POINTS_PER_MM)
    gap = font_pt * 0.6 if offset is None else offset
    heading = alt.TitleParams(title, fontSize=font_pt * 1.15, anchor="start", color=INK, offset=gap)
    whole: Figure = chart.properties(title=heading, background="white").configure(**_config(font_pt))
    return whole


def _config(font_pt: float) -> Mapping[str, Any]:
    axis = {
        "labelFontSize": font_pt,
        "titleFontSize": font_pt,
        "titleFontWeight": "normal",
        "titleColor": INK,
        "labelColor": INK,
        "tickColor": RULE,
        "domainColor": RULE,
        "gridColor": GRID,
        "tickSize": 3,
        "titlePadding": 4,
        "labelOverlap": True,
    }
    legend = {
        "labelFontSize": font_pt,
        "titleFontSize": font_pt,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "symbolSize": font_pt**2,
        "symbolStrokeWidth": 2,
        "columnPadding": font_pt,
        "rowPadding": 1,
        "offset": 4,
        "labelLimit": 0,
        "titleLimit": 0,
    }
    return {"font": FONT, "axis": axis, "legend": legend, "view": {"stroke": None}, "padding": 2}
