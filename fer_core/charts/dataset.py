"""Charts of a dataset from tables: counts, histograms, labels against people. A click or a drag in each selects."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from fer_core.labels import COLORS, FERPLUS_TO_FER7, SERIES, UNSURE

__all__ = ["colors_of", "count_chart", "histogram_chart", "map_chart", "people_chart", "vote_color"]

SPACE = 90
"""Pixels that axis, title and legend take: Streamlit counts them into a chart's height."""

OTHER = "#7B8794"
"""Colour of labels beyond those for which there are colours that can be told apart."""


def _expression(name: str) -> str:
    return FERPLUS_TO_FER7.get(name.lower(), name.lower())


def colors_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each label: that of the expression of its name, else one that no other label has, else grey."""
    own = {name: COLORS[_expression(name)] for name in names if _expression(name) in COLORS and name != UNSURE}
    free = iter([color for color in SERIES if color not in own.values()])
    return {name: own[name] if name in own else next(free, OTHER) for name in names}


def vote_color(vote: str) -> str:
    """Return the colour of one of FER+'s votes; light grey for what is no expression."""
    return COLORS.get(_expression(vote), COLORS[UNSURE])


def count_chart(table: pd.DataFrame) -> alt.Chart:
    """Bars of `gallery.counts`; a click picks one: parameter `bar`, fields label and split."""
    bar = alt.selection_point(name="bar", fields=["label", "split"], toggle=False)
    labels, splits = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["split"]))
    colors = alt.Scale(domain=splits, range=[SERIES[i % len(SERIES)] for i in range(len(splits))])
    chart: alt.Chart = (
        alt.Chart(table.assign(order=table["split"].map(splits.index)), height=SPACE + 26 * len(labels))
        .mark_bar(cursor="pointer")
        .encode(
            y=alt.Y("label:N", title=None, sort=labels),
            x=alt.X("images:Q", title=None, axis=alt.Axis(tickCount=6)),
            color=alt.Color("split:N", title=None, scale=colors, legend=alt.Legend(orient="top", columns=3)),
            order=alt.Order("order:Q"),
            opacity=alt.condition(bar, alt.value(1.0), alt.value(0.35)),
            tooltip=["label", "split", alt.Tooltip("images:Q", format=",")],
        )
        .add_params(bar)
    )
    return chart


def histogram_chart(table: pd.DataFrame, title: str) -> alt.LayerChart:
    """Bars of `measures.histogram`; a click anywhere above a bin picks it: parameter `bin`, field bin."""
    picked = alt.selection_point(name="bin", fields=["bin"], toggle=False)
    base = alt.Chart(table.assign(top=max(int(table["images"].max()), 1))).encode(
        x=alt.X("low:Q", bin="binned", title=title, scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=5)),
        x2="high:Q",
        tooltip=[
            alt.Tooltip("low:Q", title="from", format=".1f"),
            alt.Tooltip("high:Q", title="to", format=".1f"),
            alt.Tooltip("images:Q", format=","),
        ],
    )
    bars = base.mark_bar(color=SERIES[0], binSpacing=1).encode(
        y=alt.Y("images:Q", title=None, axis=alt.Axis(tickCount=4)),
        opacity=alt.condition(picked, alt.value(1.0), alt.value(0.35)),
    )
    # The bars of the extremes are too low to hit: what is clicked reaches to the top.
    target = base.mark_bar(color=SERIES[0], opacity=0.0, cursor="pointer", binSpacing=0).encode(
        y=alt.Y("top:Q", title=None)
    )
    return alt.LayerChart(layer=[bars, target.add_params(picked)], height=SPACE + 70)


def map_chart(table: pd.DataFrame, names: Sequence[str]) -> alt.Chart:
    """Images as points, coloured by label; a box that is dragged picks an area: parameter `brush`, channels x and y.

    Args:
        table: columns x and y, -1 to 1, label and row.
        names: all labels, in the order of the legend.
    """
    brush = alt.selection_interval(name="brush", encodings=["x", "y"])
    colors = colors_of(names)
    nothing = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    ends = {axis: (float(table[axis].min()) - 0.03, float(table[axis].max()) + 0.03) for axis in ("x", "y")}
    chart: alt.Chart = (
        alt.Chart(table, height=SPACE + 400)
        .mark_circle(size=14, cursor="crosshair")
        .encode(
            x=alt.X("x:Q", title=None, scale=alt.Scale(domain=ends["x"]), axis=nothing),
            y=alt.Y("y:Q", title=None, scale=alt.Scale(domain=ends["y"]), axis=nothing),
            color=alt.Color(
                "label:N",
                title=None,
                scale=alt.Scale(domain=list(colors), range=list(colors.values())),
                legend=alt.Legend(orient="top", columns=4, symbolOpacity=1, symbolSize=80),
            ),
            opacity=alt.condition(brush, alt.value(0.75), alt.value(0.12)),
            tooltip=["label", "row"],
        )
        .add_params(brush)
    )
    return chart


def people_chart(table: pd.DataFrame) -> alt.LayerChart:
    """`gallery.people_say` as a table whose cells are darker the larger their share of the label.

    A click picks a cell: parameter `cell`, fields label and people.
    """
    picked = alt.selection_point(name="cell", fields=["label", "people"], toggle=False, empty=False)
    labels, people = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["people"]))
    cells = alt.Chart(table).encode(
        y=alt.Y("label:N", title="label in the file", sort=labels),
        x=alt.X("people:N", title="what most people saw", sort=people, axis=alt.Axis(labelAngle=-45)),
        tooltip=["label", "people", alt.Tooltip("images:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
    )
    shade = alt.Scale(domain=[0, 1], range=["#FFFFFF", COLORS["sad"]], interpolate="rgb")
    words = cells.mark_text(fontSize=11, cursor="pointer").encode(
        text=alt.Text("images:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("#FFFFFF"), alt.value("#1D2733")),
    )
    rects = cells.mark_rect(cursor="pointer", stroke=COLORS["angry"]).encode(
        color=alt.Color("share:Q", scale=shade, legend=None),
        strokeWidth=alt.condition(picked, alt.value(3), alt.value(0)),
    )
    return alt.LayerChart(layer=[rects.add_params(picked), words], height=SPACE + 60 + 28 * len(labels))
