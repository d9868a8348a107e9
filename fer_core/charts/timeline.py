"""Charts from tables, as Vega-Lite. Colours come from `labels` alone; every chart has words beside colour.

Altair writes each kind once: it takes a tenth of a second to write and check a chart, and the page of a camera draws
four of them every second. After that only the data, the axis and the height are put in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from fer_core.analysis.episodes import curves
from fer_core.analysis.table import label_names
from fer_core.charts.time_axis import CLOCK_LABEL, time_ticks
from fer_core.labels import COLORS, UNSURE

__all__ = ["MOST_POINTS", "Spec", "ribbon", "shares", "timeline", "written"]

Spec = dict[str, Any]
"""A chart in Vega-Lite, for `st.vega_lite_chart`; its "datasets" are tables by name."""

MOST_POINTS = 1500
"""Points of a curve that are drawn; a browser becomes slow with more, and a screen cannot show them."""

QUIET = "#7B8794"
"""Grey of words and rules inside charts; it stands out on light and on dark pages."""

AXIS, TITLE, LEGEND = 50, 28, 70
"""Pixels that the time axis, its title and the legend take: Streamlit counts them into a chart's height."""


def _scale(labels: Sequence[str], named: Callable[[str], str] = str) -> dict[str, Any]:
    return {"domain": [named(name) for name in labels], "range": [COLORS.get(x, COLORS[UNSURE]) for x in labels]}


def written(chart: alt.TopLevelMixin) -> Spec:
    """A chart of Altair as a page draws it; to write one takes as long as the rest of a small page, so keep it."""
    spec = chart.to_dict()
    spec.pop("config", None)  # the page has its own looks
    return spec


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Return every n-th frame, so that no person's curve has more than MOST_POINTS points."""
    times = table["time_s"].drop_duplicates()
    every = -(-len(times) // MOST_POINTS)
    return table if every <= 1 else table[table["time_s"].isin(set(times.iloc[::every]))]


def timeline(
    table: pd.DataFrame,
    *,
    area: bool = False,
    domain: tuple[float, float] | None = None,
    height: int = 140,
    legend: bool = True,
    titled: bool = True,
) -> Spec:
    """Return one person's expressions over time, with gaps where they were not seen; hovering shows all values.

    A click picks a moment: parameter `moment`, field time_s.

    Args:
        table: rows of one person from the native long table; rows without a face are welcome.
        area: stacked areas in place of lines.
        domain: first and last second of the axis; those of the table if None.
        height: of the curves, in pixels.
        legend: draw the names of the colours.
        titled: say that the axis is time; needed once in a column of charts.
    """
    labels = label_names(table)
    thin = _thinned(table)
    first, last = domain or (float(table["time_s"].min()), float(table["time_s"].max()))
    spec = deepcopy(_timeline(labels, area, legend, titled))
    for layer in spec["layer"]:
        layer["encoding"]["x"]["scale"]["domain"] = [first, max(last, first + 0.1)]
        layer["encoding"]["x"]["axis"]["values"] = time_ticks(first, last)
    spec["height"] = height + AXIS + (TITLE if titled else 0) + (LEGEND if legend else 0)
    spec["datasets"] = {"curves": curves(thin), "values": _values(thin, labels)}
    return spec


@lru_cache(maxsize=64)
def _timeline(labels: tuple[str, ...], area: bool, legend: bool, titled: bool) -> Spec:
    x = alt.X(
        "time_s:Q",
        title="Time" if titled else None,
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(labelExpr=CLOCK_LABEL, values=[]),
    )
    # A stroke has the color of a line, but none where the mark is an area.
    symbol = "square" if area else "stroke"
    names = alt.Legend(orient="top", columns=4, symbolType=symbol, symbolStrokeWidth=4, labelFontSize=13)
    scale = alt.Scale(**_scale(labels))
    color = alt.Color("expression:N", scale=scale, title=None, legend=names if legend else None)
    y = alt.Y(
        "probability:Q", title=None, axis=alt.Axis(format="%", values=[0, 0.5, 1]), scale=alt.Scale(domain=[0, 1])
    )
    base = alt.Chart(alt.NamedData(name="curves"))
    if area:
        # A stack per moment and track: at the seam of two tracks of one person both would add up to more than 1.
        curve = base.mark_area().encode(x=x, y=y.stack("normalize"), color=color, detail="segment:N")
    else:
        curve = base.mark_line(strokeWidth=2.2, interpolate="monotone", clip=True).encode(
            x=x, y=y, color=color, detail="segment:N"
        )
    hover = alt.selection_point(
        name="hover", on="pointerover", clear="pointerout", nearest=True, fields=["time_s"], empty=False
    )
    moment = alt.selection_point(name="moment", on="click", nearest=True, fields=["time_s"], empty=False)
    tips = [
        alt.Tooltip("time_s:Q", title="Time (s)", format=".2f"),
        alt.Tooltip("label:N", title="Shows"),
        *(alt.Tooltip(f"{name}:Q", title=name.capitalize(), format=".0%") for name in labels),
        alt.Tooltip("quality:N", title="Picture"),
    ]
    rules = (
        alt.Chart(alt.NamedData(name="values"))
        .mark_rule(strokeWidth=1.5, color=QUIET)
        .encode(
            x=x,
            opacity=alt.when(hover).then(alt.value(0.9)).when(moment).then(alt.value(0.6)).otherwise(alt.value(0)),
            tooltip=tips,
        )
        .add_params(hover, moment)
    )
    return written(alt.LayerChart(layer=[curve, rules]))


def _values(table: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    faces = table[table["face_count"] > 0]
    data = {name: faces[f"{name}_smoothed"] for name in labels}
    return pd.DataFrame({**{c: faces[c] for c in ("time_s", "person", "label", "quality")}, **data})


def ribbon(
    table: pd.DataFrame,
    episodes: pd.DataFrame,
    *,
    zoom: bool = True,
    domain: tuple[float, float] | None = None,
) -> Spec:
    """Who showed what when, one bar a person: the whole clip at a glance. A drag picks a stretch: parameter `zoom`.

    Args:
        table: the native long table.
        episodes: of the table; stretches called "unsure" are drawn thinner.
        zoom: let a stretch be picked.
        domain: first and last second of the axis; from 0 to the end of the table if None.
    """
    first, end = domain or (0.0, float(table["time_s"].max()) or 1.0)
    order = list(dict.fromkeys(table["person"].dropna()))
    seen = [name for name in (*label_names(table), UNSURE) if name in set(episodes["label"])]
    spec = deepcopy(_ribbon(zoom))
    spec["encoding"]["color"]["scale"] = _scale(seen)
    spec["encoding"]["x"]["scale"]["domain"] = [first, end]
    spec["encoding"]["x"]["axis"]["values"] = time_ticks(first, end)
    spec["encoding"]["y"]["sort"] = order
    spec["height"] = 30 * max(1, len(order)) + AXIS + TITLE + LEGEND
    spec["datasets"] = {"episodes": episodes}
    return spec


@lru_cache(maxsize=2)
def _ribbon(zoom: bool) -> Spec:
    chart = (
        alt.Chart(alt.NamedData(name="episodes"))
        .mark_bar(cornerRadius=3, clip=True)
        .encode(
            size=alt.when(alt.datum.label == UNSURE).then(alt.value(6)).otherwise(alt.value(22)),
            x=alt.X(
                "start_s:Q",
                title="Time",
                scale=alt.Scale(domain=[0, 1], nice=False),
                axis=alt.Axis(labelExpr=CLOCK_LABEL, values=[]),
            ),
            x2="end_s:Q",
            y=alt.Y("person:N", title=None),
            color=alt.Color("label:N", title=None, legend=alt.Legend(orient="top", columns=4)),
            tooltip=[
                alt.Tooltip("person:N", title="Who"),
                alt.Tooltip("label:N", title="Shows"),
                alt.Tooltip("start_s:Q", title="From (s)", format=".1f"),
                alt.Tooltip("end_s:Q", title="To (s)", format=".1f"),
                alt.Tooltip("confidence:Q", title="Strongest", format=".0%"),
            ],
        )
    )
    return written(chart.add_params(alt.selection_interval(name="zoom", encodings=["x"])) if zoom else chart)


def shares(row: pd.Series, labels: tuple[str, ...]) -> Spec:
    """Return one person's share of time for each expression shown, as bars with their percentage."""
    names = sorted((name for name in (*labels, UNSURE) if row[name] >= 0.005), key=lambda name: -row[name])
    data = pd.DataFrame({"expression": [n.capitalize() for n in names], "share": [float(row[n]) for n in names]})
    spec = deepcopy(_shares())
    spec["layer"][0]["encoding"]["color"]["scale"] = _scale(names, str.capitalize)
    spec["height"] = 24 * len(names) + 12
    spec["datasets"] = {"shares": data}
    return spec


@lru_cache(maxsize=1)
def _shares() -> Spec:
    base = alt.Chart(alt.NamedData(name="shares")).encode(
        y=alt.Y(
            "expression:N",
            sort=None,  # the rows are in order; Vega cannot sort by another channel in layers, and warns
            title=None,
            axis=alt.Axis(ticks=False, domain=False, labelFontSize=13, labelOverlap=False),
        ),
        x=alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, 1.15])),
        tooltip=[
            alt.Tooltip("expression:N", title="Expression"),
            alt.Tooltip("share:Q", title="Share of time", format=".0%"),
        ],
    )
    bars = base.mark_bar(height=16, cornerRadiusEnd=3).encode(color=alt.Color("expression:N", legend=None))
    words = base.mark_text(align="left", dx=5, fontSize=12, color=QUIET).encode(text=alt.Text("share:Q", format=".0%"))
    return written(bars + words)
