"""Charts of training from tables of runs: accuracy and loss, recall of each class, learning rate; runs overlaid.

Axes stay as they are while a run grows, so a browser moves the curves on without drawing the chart anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from fer_core.labels import COLORS, SERIES

__all__ = ["FER2013_REFERENCES", "MOST_BATCHES", "Reference", "accuracy", "guessing", "learning_rate", "loss", "recall"]

MOST_BATCHES = 600
"""Points of the curve of batches that are drawn; each is the mean of its neighbours where there are more."""

QUIET = "#7B8794"
"""Grey of words and rules inside charts; it stands out on light and on dark pages."""

PARTS = ("training", "validation")
AXIS, ROW = 100, 25
"""Pixels that the axis with its title takes, and each row of a legend: Streamlit counts them into a chart's height."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An accuracy to compare with, drawn as a rule across the chart; its name stands above the rule, or below."""

    name: str
    accuracy: float
    below: bool = False


FER2013_REFERENCES = (
    Reference("people, about 65 %", 0.65, below=True),
    Reference("reference notebook 65.8 %", 0.658),
    Reference("best published 76.1 %", 0.761),
)
"""What others reach on FER2013's test images: people (Goodfellow et al., 2013: 65 ± 5 %), the reference notebook
(four convolutions, 25 epochs), EmoNeXt-XL with ImageNet-22k (El Boudouri and Bohi, 2023)."""


def guessing(classes: int) -> Reference:
    """Return what naming one of `classes` expressions at random reaches."""
    return Reference(f"guessing {100 / classes:.0f} %", 1 / classes)


def accuracy(
    runs: Mapping[str, pd.DataFrame],
    *,
    batches: pd.DataFrame | None = None,
    per_epoch: int | None = None,
    references: Sequence[Reference] = (),
    epochs: int | None = None,
    height: int = 230,
) -> alt.LayerChart:
    """Return the share of images named right after each epoch, for training and validation.

    Args:
        runs: name -> table with epoch, accuracy, val_accuracy. One run has a colour for each part, several one each.
        batches: table of one run with batch, epoch, accuracy: drawn faintly behind.
        per_epoch: batches of an epoch; as many as the longest epoch so far has if None.
        references: rules across the chart.
        epochs: last epoch of the axis; that of the longest run if None.
        height: of the curves, in pixels.
    """
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("value:Q", title=None, axis=alt.Axis(format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]), scale=scale)
    rules = _rules(references) if references else []
    return _chart(runs, "accuracy", y, ".1%", _means(batches, "accuracy", per_epoch), rules, epochs, height)


def loss(
    runs: Mapping[str, pd.DataFrame],
    *,
    batches: pd.DataFrame | None = None,
    per_epoch: int | None = None,
    epochs: int | None = None,
    height: int = 230,
) -> alt.LayerChart:
    """Loss after each epoch, for training and validation; arguments as for `accuracy`."""
    y = alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=5, format="~g"), scale=alt.Scale(zero=True))
    return _chart(runs, "loss", y, ".3f", _means(batches, "loss", per_epoch), [], epochs, height)


def recall(epochs: pd.DataFrame, *, last: int | None = None, height: int = 230) -> alt.LayerChart:
    """Return the share of each expression's validation images that were named right, one line a class.

    Args:
        epochs: table with epoch and recall, a mapping of class name to share for each epoch.
        last: last epoch of the axis; that of the table if None.
        height: of the curves, in pixels.
    """
    rows = [
        {"epoch": epoch, "expression": str(name), "value": _number(share)}
        for epoch, shares in zip(epochs["epoch"], epochs["recall"], strict=True)
        if isinstance(shares, Mapping)
        for name, share in shares.items()
    ]
    table = pd.DataFrame(rows, columns=["epoch", "expression", "value"])
    names = list(dict.fromkeys(table["expression"])) or list(COLORS)[:7]
    colors = [COLORS.get(name, SERIES[i % len(SERIES)]) for i, name in enumerate(names)]
    legend = alt.Legend(orient="top", columns=4, symbolType="stroke", symbolStrokeWidth=4, labelFontSize=13)
    base = alt.Chart(table).encode(
        x=_epoch_axis(last or _last([epochs])),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format="%", values=[0, 0.5, 1]), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("expression:N", title=None, legend=legend, scale=alt.Scale(domain=names, range=colors)),
        tooltip=[
            alt.Tooltip("expression:N", title="Expression"),
            alt.Tooltip("epoch:Q", title="Epoch"),
            alt.Tooltip("value:Q", title="Recall", format=".0%"),
        ],
    )
    return _layers([base.mark_line(strokeWidth=2.2), base.mark_circle(size=30, opacity=1)], height, -(-len(names) // 4))


def learning_rate(epochs: pd.DataFrame, *, last: int | None = None, height: int = 110) -> alt.LayerChart:
    """Learning rate of each epoch as steps, on a scale of powers; arguments as for `recall`."""
    table = pd.DataFrame({"epoch": epochs["epoch"], "value": [_number(v) for v in epochs["learning_rate"]]})
    table = table[table["value"].notna() & (table["value"] > 0)]
    base = alt.Chart(table).encode(
        x=_epoch_axis(last or _last([epochs])),
        y=alt.Y(
            "value:Q", title=None, scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=3, grid=False)
        ),
        tooltip=[alt.Tooltip("epoch:Q", title="Epoch"), alt.Tooltip("value:Q", title="Learning rate", format=".2e")],
    )
    line = base.mark_line(interpolate="step-before", strokeWidth=2.2, color=SERIES[0])
    return _layers([line, base.mark_circle(size=30, color=SERIES[0], opacity=1)], height, 0)


def _chart(
    runs: Mapping[str, pd.DataFrame],
    measure: str,
    y: alt.Y,
    number: str,
    batches: pd.DataFrame | None,
    rules: list[alt.Chart],
    epochs: int | None,
    height: int,
) -> alt.LayerChart:
    table = _long(runs, measure)
    x = _epoch_axis(epochs or _last(runs.values()))
    several = len(runs) > 1
    stroke: dict[str, Any] = {"symbolType": "stroke", "symbolStrokeWidth": 3, "labelFontSize": 13}
    dashes = alt.Scale(domain=list(PARTS), range=[[4, 3], [1, 0]])
    if several:
        colors = alt.Scale(domain=list(runs), range=[SERIES[i % len(SERIES)] for i in range(len(runs))])
        legend = alt.Legend(orient="top", columns=2, labelLimit=150, **stroke)
        color = alt.Color("run:N", title=None, scale=colors, legend=legend)
    else:
        colors = alt.Scale(domain=list(PARTS), range=[SERIES[1], SERIES[0]])
        color = alt.Color("part:N", title=None, scale=colors, legend=alt.Legend(orient="top", **stroke))
    # With several runs not beside the other legend: together they would be wider than a phone.
    where = alt.Legend(orient="bottom" if several else "top", **stroke)
    dash = alt.StrokeDash("part:N", title=None, scale=dashes, legend=where)
    layers: list[alt.Chart] = list(rules)
    if batches is not None and not several:
        faint = alt.Chart(batches).mark_line(strokeWidth=1, opacity=0.35, color=SERIES[1])
        layers.append(faint.encode(x=x, y=y))
    base = alt.Chart(table).encode(x=x, y=y, color=color, detail="part:N")
    layers.append(base.mark_line(strokeWidth=2.4).encode(strokeDash=dash))
    tips = [
        *([alt.Tooltip("run:N", title="Run")] if several else []),
        alt.Tooltip("part:N", title="Images"),
        alt.Tooltip("epoch:Q", title="Epoch"),
        alt.Tooltip("value:Q", title=measure.capitalize(), format=number),
    ]
    layers.append(base.mark_circle(size=34, opacity=1).encode(tooltip=tips))
    return _layers(layers, height, 2 + -(-len(runs) // 2) if several else 1)


def _long(runs: Mapping[str, pd.DataFrame], measure: str) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"run": name, "part": part, "epoch": table["epoch"], "value": [_number(v) for v in table[column]]})
        for name, table in runs.items()
        for part, column in zip(PARTS, (measure, f"val_{measure}"), strict=True)
        if column in table
    ]
    empty = pd.DataFrame({"run": [], "part": [], "epoch": [], "value": []})
    joined = [part for part in parts if len(part)]
    return pd.concat(joined, ignore_index=True) if joined else empty


def _means(batches: pd.DataFrame | None, measure: str, per_epoch: int | None) -> pd.DataFrame | None:
    """Where in the epochs a batch lies, and its value; neighbours are joined where there are too many to draw."""
    if batches is None:
        return None
    if not len(batches) or measure not in batches:
        return pd.DataFrame({"epoch": [], "value": []})
    table = batches[["epoch", "batch"]].assign(value=[_number(v) for v in batches[measure]])
    # An epoch that is under way has as many batches as the longest before it: its points must not spread out.
    table["epoch"] = table["epoch"] - 1 + table["batch"] / max(1, per_epoch or 0, int(table["batch"].max()))
    every = -(-len(table) // MOST_BATCHES)
    if every > 1:
        table = table.groupby(pd.RangeIndex(len(table)) // every)[["epoch", "value"]].mean()
    return table[["epoch", "value"]]


def _rules(references: Sequence[Reference]) -> list[alt.Chart]:
    table = pd.DataFrame([{"name": r.name, "value": r.accuracy, "below": r.below} for r in references])
    y = alt.Y("value:Q")
    rules = [alt.Chart(table).mark_rule(strokeDash=[2, 3], color=QUIET).encode(y=y)]
    for below in (False, True):
        part = table[table["below"] == below]
        if len(part):
            words = alt.Chart(part).mark_text(
                align="right", dx=-2, dy=9 if below else -7, fontSize=11, color=QUIET, clip=True
            )
            rules.append(words.encode(x=alt.value("width"), y=y, text="name:N"))
    return rules


def _epoch_axis(last: int) -> alt.X:
    values = alt.Axis(format="d", tickMinStep=1, tickCount=10, grid=False)
    return alt.X("epoch:Q", title="Epoch", scale=alt.Scale(domain=[0, max(1, last)], nice=False), axis=values)


def _last(tables: Iterable[pd.DataFrame]) -> int:
    found = [int(table["epoch"].max()) for table in tables if len(table)]
    return max(found, default=1)


def _number(value: object) -> float | None:
    """Return a finite number, else None: what is not a number leaves a gap."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _layers(layers: list[alt.Chart], height: int, legend_rows: int) -> alt.LayerChart:
    chart = alt.LayerChart(layer=layers)
    chart.height = height + AXIS + ROW * legend_rows
    return chart
