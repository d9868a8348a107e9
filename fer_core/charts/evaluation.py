"""Altair charts of a comparison: confusions to click, confidence, what "unsure" buys, harder images, one image.

Models are given by title, in one order, so that each has the same colour and the same marker in all charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fer_core.evaluation.corruptions import CONDITIONS, TITLES, UNTOUCHED
from fer_core.labels import COLORS, SERIES

__all__ = ["PEOPLE", "condition", "confusion", "opinions", "reliability", "risk_coverage"]

QUIET = "#7B8794"
"""Grey of words and rules inside charts; it stands out on light and on dark pages."""

PEOPLE = "people"
"""Whose opinion the votes are, in `opinions`."""

MARKERS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
"""Shapes of the models in curves, in their order: who does not tell colours apart tells these apart."""

SPACE = 85
"""Pixels that axis and title take: Streamlit counts them and the legend into a chart's height."""
LINE = 20
"""Pixels of a line of the legend."""
BESIDE = 16
"""Letters that a title may have where two stand beside each other: on a phone no more fit."""
FEW = 0.005
"""Share of the images below which a point of `reliability` stands alone: three images say nothing of a trend."""
MARKED = 0.1
"""Steps of coverage at which a curve of hundreds of points has a marker."""


TILTED = 125
"""Pixels that both titles and the tilted names of a confusion take."""


def _columns(titles: Sequence[str]) -> int:
    return 2 if max(map(len, titles), default=0) <= BESIDE else 1


def _space(titles: Sequence[str]) -> int:
    """Pixels of a chart beside its curves."""
    return SPACE + LINE * -(-len(titles) // _columns(titles))


def _legend(titles: Sequence[str]) -> alt.Legend:
    return alt.Legend(
        orient="top",
        columns=_columns(titles),
        symbolOpacity=1,
        symbolSize=90,
        labelFontSize=13,
        labelLimit=260,
        rowPadding=4,
    )


def _color(titles: Sequence[str]) -> alt.Color:
    own = [title for title in titles if title != PEOPLE]
    colors = [QUIET if t == PEOPLE else SERIES[own.index(t) % len(SERIES)] for t in titles]
    return alt.Color("model:N", title=None, scale=alt.Scale(domain=list(titles), range=colors), legend=_legend(titles))


def _shape(titles: Sequence[str]) -> alt.Shape:
    """Markers of the models; Vega-Lite draws one legend of them and of `_color`, as both tell the same."""
    shapes = [MARKERS[i % len(MARKERS)] for i in range(len(titles))]
    return alt.Shape("model:N", title=None, scale=alt.Scale(domain=list(titles), range=shapes), legend=_legend(titles))


def _layers(height: int, *charts: alt.Chart) -> alt.LayerChart:
    whole = alt.LayerChart(layer=list(charts))
    whole.height = height
    return whole


def confusion(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> alt.LayerChart:
    """Return how often each class was taken for which. A click picks a cell: parameter `cell`, fields truth and said.

    Args:
        matrix: (k, k), a row for each true class.
        names: the k classes.
    """
    table = pd.DataFrame(
        [
            {"truth": truth, "said": said, "images": int(n), "share": n / max(sum(row), 1)}
            for truth, row in zip(names, matrix, strict=True)
            for said, n in zip(names, row, strict=True)
        ]
    )
    cell = alt.selection_point(name="cell", fields=["truth", "said"], toggle=False)
    order = list(names)
    base = alt.Chart(table).encode(
        y=alt.Y("truth:N", title="truth", sort=order),
        x=alt.X("said:N", title="the model says", sort=order, axis=alt.Axis(labelAngle=-45, labelOverlap=False)),
        tooltip=[
            alt.Tooltip("truth:N", title="Truth"),
            alt.Tooltip("said:N", title="Said"),
            alt.Tooltip("images:Q", title="Images", format=","),
            alt.Tooltip("share:Q", title="Share of the truth", format=".1%"),
        ],
    )
    shade = alt.Scale(domain=[0, 1], range=["#FFFFFF", COLORS["sad"]], interpolate="rgb")
    cells = base.mark_rect(cursor="pointer", stroke="#1D2733").encode(
        color=alt.Color("share:Q", scale=shade, legend=None),
        strokeWidth=alt.when(cell, empty=False).then(alt.value(3)).otherwise(alt.value(0)),
    )
    words = base.mark_text(fontSize=11, cursor="pointer").encode(
        text=alt.Text("images:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("#FFFFFF"), alt.value("#1D2733")),
    )
    return _layers(TILTED + 28 * len(order), cells.add_params(cell), words)


def reliability(bins: Mapping[str, Iterable[Mapping[str, Any]]], height: int = 240) -> alt.LayerChart:
    """Return how often each model is right where it is so sure; on the rule both are the same.

    Args:
        bins: title -> what `evaluation.reliability` gave.
        height: of the curves, in pixels.
    """
    table = pd.DataFrame(
        [
            {"model": title, **row, "joined": row["n"] >= FEW * sum(other["n"] for other in own)}
            for title, rows in bins.items()
            for own in [list(rows)]
            for row in own
        ]
    )
    percent = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    scale = alt.Scale(domain=[0, 1])
    rule = (
        alt.Chart(pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]}))
        .mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1.5)
        .encode(x="confidence:Q", y="accuracy:Q")
    )
    base = alt.Chart(table).encode(
        x=alt.X("confidence:Q", title="how sure it is", axis=percent, scale=scale),
        y=alt.Y("accuracy:Q", title="how often it is right", axis=percent, scale=scale),
        color=_color(list(bins)),
    )
    line = base.transform_filter("datum.joined").mark_line(strokeWidth=2)
    points = base.mark_point(filled=True, opacity=0.85).encode(
        shape=_shape(list(bins)),
        size=alt.Size("n:Q", scale=alt.Scale(range=[25, 320]), legend=None),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("confidence:Q", title="How sure, on average", format=".1%"),
            alt.Tooltip("accuracy:Q", title="Right", format=".1%"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    return _layers(height + _space(list(bins)), rule, line, points)


def risk_coverage(curves: Mapping[str, Mapping[str, Sequence[float]]], height: int = 240) -> alt.LayerChart:
    """Return how often each model is wrong when it answers only so many of the images, the surest first.

    Args:
        curves: title -> coverage and risk, of equal length.
        height: of the curves, in pixels.
    """
    table = pd.concat(
        [
            pd.DataFrame(
                {"model": title, "coverage": c["coverage"], "risk": c["risk"], "marked": _marked(c["coverage"])}
            )
            for title, c in curves.items()
        ]
    )
    top = max(0.05, float(np.ceil(20 * table["risk"].max()) / 20))
    base = alt.Chart(table).encode(
        x=alt.X(
            "coverage:Q",
            title="share of the images that it answers",
            axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
            scale=alt.Scale(domain=[0, 1]),
        ),
        y=alt.Y(
            "risk:Q", title="share of these that is wrong", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, top])
        ),
        color=_color(list(curves)),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("coverage:Q", title="Answered", format=".0%"),
            alt.Tooltip("risk:Q", title="Wrong", format=".1%"),
        ],
    )
    points = base.mark_circle(size=60, opacity=0.001)  # a line alone is hard to point at
    signs = base.transform_filter("datum.marked").mark_point(filled=True, size=55, opacity=1)
    signs = signs.encode(shape=_shape(list(curves)))
    return _layers(height + _space(list(curves)), base.mark_line(strokeWidth=2), points, signs)


def _marked(coverage: Sequence[float]) -> np.ndarray:
    """Return which points have a marker: those nearest to each step, so that curves of few images have theirs too."""
    steps = np.arange(1, 1 / MARKED + 1) * MARKED
    nearest = np.abs(np.asarray(coverage)[:, None] - steps).argmin(0)
    return np.isin(np.arange(len(coverage)), nearest)


def condition(rows: Mapping[str, Iterable[Mapping[str, Any]]], name: str, height: int = 190) -> alt.LayerChart:
    """How often each model is right the more its images are made worse; the rule stands where they are as they were.

    Args:
        rows: title -> the rows of an `Evaluation.conditions`, of one kind of truth.
        name: which condition, see `degradation.CONDITIONS`.
        height: of the curves, in pixels.
    """
    table = pd.DataFrame(
        [{"model": title, **row} for title, own in rows.items() for row in own if row["condition"] == name]
    )
    x = alt.X("amount:Q", title=TITLES[name], scale=alt.Scale(zero=False, nice=False), axis=_amounts(name))
    base = alt.Chart(table).encode(
        x=x,
        y=alt.Y("accuracy:Q", title="how often it is right", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=_color(list(rows)),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("amount:Q", title=TITLES[name], format="~g"),
            alt.Tooltip("accuracy:Q", title="Right", format=".1%"),
            alt.Tooltip("n:Q", title="Images"),
        ],
    )
    points = base.mark_point(filled=True, size=55, opacity=1).encode(shape=_shape(list(rows)))
    rule = (
        alt.Chart(pd.DataFrame({"amount": [UNTOUCHED[name]]}))
        .mark_rule(color=QUIET, strokeDash=[4, 4], strokeWidth=1.5)
        .encode(x=x)
    )
    return _layers(height + _space(list(rows)), rule, base.mark_line(strokeWidth=2), points)


def _amounts(name: str) -> alt.Axis:
    """Ticks where something was measured, as they are: a format would round them to the step between ticks."""
    written = "replace(toString(datum.value), '-', '\u2212')"
    return alt.Axis(values=list(CONDITIONS[name]), labelExpr=written, labelOverlap="greedy")


def opinions(shares: Mapping[str, Sequence[float]], names: Sequence[str]) -> alt.Chart:
    """Return what each model, and people, say of one image: bars side by side.

    Args:
        shares: title, or PEOPLE -> the share or probability of each class.
        names: the classes.
    """
    titles, order = list(shares), list(names)
    table = pd.DataFrame(
        [
            {"model": title, "expression": name, "share": float(share)}
            for title, own in shares.items()
            for name, share in zip(names, own, strict=True)
        ]
    )
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y("expression:N", title=None, sort=order, axis=alt.Axis(labelOverlap=False)),
            yOffset=alt.YOffset("model:N", sort=titles),
            x=alt.X("share:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1])),
            color=_color(titles),
            tooltip=[
                alt.Tooltip("model:N", title="Who"),
                alt.Tooltip("expression:N", title="Says"),
                alt.Tooltip("share:Q", title="How sure", format=".1%"),
            ],
        )
        .properties(height=_space(titles) + len(order) * (10 + 9 * len(titles)))
    )
    return chart
