"""Figures for papers: timelines, mean curves, shares, and a heat map, as Altair charts at the size of a print.

One pixel of these charts is one point of print (1/72 inch), so `font_pt` is the size of letters on paper. Colors are
those of `fer_core.labels`, which people who do not see red or green can tell apart. `save_figure` of
`fer_core.charts.figure_files` writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from fer_core.analysis.episodes import curves
from fer_core.analysis.events import Event
from fer_core.analysis.table import label_names
from fer_core.charts.figure_style import (
    GRID,
    INK,
    POINTS_PER_MM,
    RAMP,
    RULE,
    cell_words,
    check_table,
    color_of,
    ink_on,
    inline,
    probability_axis,
    styled,
)
from fer_core.errors import OptionError
from fer_core.labels import COLORS, UNSURE

__all__ = ["heat_map_figure", "mean_curves_figure", "shares_figure", "timeline_figure"]

_MOST_POINTS = 1000  # of a curve in a timeline: more than a print can show, and files stay small
_DASHES = ([1, 0], [5, 2], [2, 2], [7, 2, 2, 2], [1, 2])


def timeline_figure(
    table: pd.DataFrame,
    person: str,
    *,
    events: Sequence[Event] = (),
    title: str | None = None,
    height_mm: float = 40.0,
    font_pt: float = 8.0,
) -> alt.LayerChart:
    """Draw the smoothed probabilities of one person over the clip, with events as rules.

    Args:
        table: native long table of a clip.
        person: whose, as called in the table.
        events: drawn as rules with their labels; stretches are shaded.
        title: above the figure; names the person if None.
        height_mm: of the curves, in millimeters of print.
        font_pt: size of letters in points.

    Raises:
        OptionError: there is no such person.
    """
    own = table[table["person"] == person]
    if own.empty:
        known = ", ".join(table["person"].dropna().unique()) or "nobody"
        raise OptionError(f"There is nobody called {person!r} in this table; it has {known}. Choose one of them.")
    every = -(-len(own) // _MOST_POINTS)
    first, last = float(table["time_s"].min()), float(table["time_s"].max())
    scale = alt.Scale(domain=[first, max(last, first + 0.1)], nice=False)
    x = alt.X("time_s:Q", title="Time (s)", scale=scale, axis=alt.Axis(format="~g"))
    lines = (
        alt.Chart(inline(curves(own.iloc[::every])))
        .mark_line(strokeWidth=1.2, clip=True)
        .encode(
            x=x,
            y=probability_axis("probability", "Smoothed probability"),
            color=color_of("expression", label_names(table)),
            detail="segment:N",
        )
    )
    marks = _event_marks(events, scale, font_pt)
    chart = alt.LayerChart(layer=[*marks, lines])
    heading = f"{person}: expressions over time" if title is None else title
    return styled(chart, heading, height_mm, font_pt, offset=font_pt * 1.5 if events else None)


def mean_curves_figure(
    table: pd.DataFrame,
    *,
    panel: str = "event",
    color: str = "expression",
    expressions: Sequence[str] | None = None,
    columns: int = 2,
    title: str = "Mean curves",
    y_title: str = "Mean probability",
    height_mm: float = 30.0,
    font_pt: float = 8.0,
) -> alt.ConcatChart:
    """Draw mean curves round events with the bands of their intervals, in panels side by side.

    Args:
        table: what `statistics.mean_curves.mean_curves` gives.
        panel: column whose values have a panel each.
        color: column whose values have a line each; lines of conditions are also dashed differently.
        expressions: which ones to draw; all if None.
        columns: panels in a row.
        title: above the figure.
        y_title: name of the vertical axis.
        height_mm: of each panel, in millimeters of print.
        font_pt: size of letters in points.

    Raises:
        OptionError: a column is missing, nothing is left to draw, or a line would be of several curves at once.
    """
    shown = table if expressions is None else table[table["expression"].isin(expressions)]
    check_table(shown, [panel, color, "relative_s", "mean", "low", "high"])
    if shown.duplicated([panel, color, "relative_s"]).any():
        raise OptionError(
            f"Panels by {panel!r} and lines by {color!r} leave several curves for one line. Choose one expression, or "
            "one event, or other columns."
        )
    names = [str(name) for name in dict.fromkeys(shown[color])]
    drawn = shown.assign(**{color: shown[color].astype(str)})
    panels = [
        _mean_panel(drawn[drawn[panel] == value], str(value), color, names, y_title, height_mm, font_pt)
        for value in dict.fromkeys(shown[panel])
    ]
    chart: alt.ConcatChart = alt.concat(*panels, columns=columns, spacing=font_pt * 1.5).resolve_scale(
        x="shared", y="shared"
    )
    return styled(chart, title, None, font_pt)


def _mean_panel(
    rows: pd.DataFrame, name: str, color: str, names: Sequence[str], y_title: str, height_mm: float, font_pt: float
) -> alt.LayerChart:
    axis = alt.Axis(format="~g", tickCount=5)
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("relative_s:Q", title="Time from event (s)", axis=axis, scale=alt.Scale(nice=False)),
        color=color_of(color, names),
    )
    line = base.mark_line(strokeWidth=1.4).encode(y=alt.Y("mean:Q", title=y_title))
    if color != "expression":
        dashes = alt.Scale(domain=names, range=[_DASHES[i % len(_DASHES)] for i in range(len(names))])
        line = line.encode(strokeDash=alt.StrokeDash(f"{color}:N", title=None, scale=dashes))
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=y_title), y2="high:Q")
    zero = alt.Chart(inline(pd.DataFrame({"relative_s": [0.0]}))).mark_rule(
        color=RULE, strokeDash=[2, 2], strokeWidth=0.8
    )
    layers = [zero.encode(x="relative_s:Q"), band, line]
    heading = alt.TitleParams(name, fontSize=font_pt, fontWeight="normal", anchor="start", offset=3)
    return alt.LayerChart(layer=layers, height=height_mm * POINTS_PER_MM, title=heading)


def shares_figure(
    described: pd.DataFrame,
    *,
    by: str = "condition",
    title: str = "Share of time with each expression",
    bar_mm: float = 7.0,
    font_pt: float = 8.0,
) -> alt.LayerChart:
    """Draw how the time in sight is shared between expressions, a bar for each condition.

    Args:
        described: what `statistics.descriptives.describe` gives for one column, such as condition.
        by: that column.
        title: above the figure.
        bar_mm: height of a bar with its gap, in millimeters of print.
        font_pt: size of letters in points.

    Raises:
        OptionError: a column is missing.
    """
    check_table(described, [by, "expression", "share"])
    order = list(dict.fromkeys(described["expression"]))
    rows = described[described["share"] > 0].copy()
    ends = rows.groupby(by, sort=False)["share"].cumsum()
    rows = rows.assign(_from=ends - rows["share"], _to=ends, _middle=ends - rows["share"] / 2)
    rows["_words"] = [f"{share:.0%}" if share >= 0.06 else "" for share in rows["share"]]
    rows["_ink"] = [ink_on(COLORS.get(name, COLORS[UNSURE])) for name in rows["expression"]]
    rows[by] = rows[by].astype(str)
    bare = alt.Axis(domain=False, ticks=False, labelOverlap=False)
    y = alt.Y(f"{by}:N", title=None, sort=None, axis=bare, scale=alt.Scale(paddingInner=0.25, paddingOuter=0.1))
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], grid=False)
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(stroke="white", strokeWidth=0.6)
        .encode(
            x=alt.X("_from:Q", title="Share of time in sight", axis=axis, scale=alt.Scale(domain=[0, 1])),
            x2="_to:Q",
            y=y,
            color=color_of("expression", [name for name in order if name in set(rows["expression"])], symbol="square"),
        )
    )
    words = cell_words(rows, alt.X("_middle:Q"), y, font_pt)
    height = bar_mm * rows[by].nunique()
    return styled(alt.LayerChart(layer=[bars, *words]), title, height, font_pt)


def heat_map_figure(
    described: pd.DataFrame,
    *,
    by: str = "event",
    value: str = "mean",
    title: str = "Expressions by event",
    row_mm: float = 7.0,
    font_pt: float = 8.0,
) -> alt.LayerChart:
    """Draw a figure for each expression and event as a table of colored cells, with the numbers in them.

    Args:
        described: what `statistics.descriptives.describe` gives for one column, such as event.
        by: that column.
        value: "mean" (probability) or "share" (of time).
        title: above the figure.
        row_mm: height of a row, in millimeters of print.
        font_pt: size of letters in points.

    Raises:
        OptionError: a column is missing, or the value is another one.
    """
    words = {"mean": "Mean probability", "share": "Share of time"}
    if value not in words:
        raise OptionError(f"'value' must be one of {', '.join(words)}; received {value!r}.")
    check_table(described, [by, "expression", value])
    rows = described.dropna(subset=[value]).copy()
    rows[by] = rows[by].astype(str)
    rows["_words"] = [f"{number:.2f}" for number in rows[value]]
    top = float(rows[value].max()) if len(rows) else 1.0
    rows["_ink"] = ["white" if number > 0.55 * top else INK for number in rows[value]]
    bare: dict[str, Any] = {"domain": False, "ticks": False, "labelOverlap": False}
    x = alt.X("expression:N", title="Expression", sort=None, axis=alt.Axis(labelAngle=-40, **bare))
    y = alt.Y(f"{by}:N", title=by.capitalize(), sort=None, axis=alt.Axis(**bare))
    legend = alt.Legend(orient="right", gradientLength=max(30.0, row_mm * rows[by].nunique() * POINTS_PER_MM - 20))
    cells = (
        alt.Chart(inline(rows))
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                f"{value}:Q",
                title=words[value],
                scale=alt.Scale(range=RAMP, domain=[0, top or 1.0], interpolate="rgb"),
                legend=legend,
            ),
        )
    )
    numbers = cell_words(rows, x, y, font_pt)
    return styled(alt.LayerChart(layer=[cells, *numbers]), title, row_mm * rows[by].nunique(), font_pt)


def _event_marks(events: Sequence[Event], scale: alt.Scale, font_pt: float) -> list[alt.Chart]:
    if not events:
        return []
    rows = pd.DataFrame([{"time_s": e.time_s, "end_s": e.end_s, "label": e.label} for e in events])
    x = alt.X("time_s:Q", scale=scale)
    shade = (
        alt.Chart(inline(rows[rows["end_s"] > rows["time_s"]]))
        .mark_rect(color=GRID, clip=True)
        .encode(x=x, x2="end_s:Q")
    )
    rule = alt.Chart(inline(rows)).mark_rule(color=RULE, strokeDash=[2, 2], strokeWidth=0.8, clip=True).encode(x=x)
    words = alt.Chart(inline(rows)).mark_text(
        align="left", baseline="bottom", dx=1, dy=-1, fontSize=font_pt * 0.9, color=RULE
    )
    return [shade, rule, words.encode(x=x, y=alt.value(0), text="label:N")]
