"""Faces side by side on a page, drawn from one sprite image, and the charts of a dataset."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from fer_core.gallery import sprite
from fer_core.imageset import Dataset
from fer_core.labels import COLOURS, SERIES, UNSURE

__all__ = ["captions", "count_chart", "people_chart", "tiles"]

COLUMNS = 10
"""Faces a row of the sprite; how many stand in a row on the page depends on its width."""

SPACE = 90
"""Pixels that axis, title and legend take: Streamlit counts them into a chart's height."""

STYLE = """
<style>
.{name} {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({width}px, 1fr)); gap: 8px 6px; }}
.{name} figure {{ margin: 0; min-width: 0; max-width: 132px; }}
.{name} figure > div {{ aspect-ratio: 1; border-radius: 4px; border-bottom: 4px solid; background-repeat: no-repeat;
  background-origin: padding-box; background-clip: padding-box;
  background-size: {across}00% {down}00%; background-image: url(data:image/png;base64,{picture}); }}
.{name} figcaption {{ font-size: 0.75rem; line-height: 1.25; overflow-wrap: anywhere; }}
</style>
"""


def captions(data: Dataset, which: Sequence[int] | np.ndarray, *, split: bool = False) -> list[str]:
    """For each image its label and row, and its split where asked for."""
    return [
        f"{data.names[data.labels[i]]}{f' · {data.splits[i]}' if split else ''} · row {data.rows[i]}" for i in which
    ]


def tiles(images: np.ndarray, words: Sequence[str], labels: Sequence[str], width: int = 76) -> None:
    """Draw faces in a grid that wraps, with words below each; the line below a face has its label's colour."""
    if not len(images):
        return
    picture = base64.b64encode(sprite(images, COLUMNS)).decode()
    down = -(-len(images) // COLUMNS)
    name = "faces-" + hashlib.blake2b(picture.encode(), digest_size=6).hexdigest()
    parts = [STYLE.format(name=name, width=width, across=COLUMNS, down=down, picture=picture), f'<div class="{name}">']
    for i, (text, label) in enumerate(zip(words, labels, strict=True)):
        x, y = 100 * (i % COLUMNS) / (COLUMNS - 1), 100 * (i // COLUMNS) / max(down - 1, 1)
        place = f"background-position: {x:.4f}% {y:.4f}%; border-color: {COLOURS.get(label, COLOURS[UNSURE])}"
        parts.append(
            f'<figure><div role="img" aria-label="Face: {escape(text)}" style="{place}"></div>'
            f"<figcaption>{escape(text)}</figcaption></figure>"
        )
    st.html("".join(parts) + "</div>")


def count_chart(table: pd.DataFrame) -> alt.Chart:
    """Bars of `gallery.counts`; a click picks one: parameter `bar`, fields label and split."""
    bar = alt.selection_point(name="bar", fields=["label", "split"], toggle=False)
    labels, splits = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["split"]))
    colours = alt.Scale(domain=splits, range=[SERIES[i % len(SERIES)] for i in range(len(splits))])
    return (
        alt.Chart(table, height=SPACE + 26 * len(labels))
        .mark_bar(cursor="pointer")
        .encode(
            y=alt.Y("label:N", title=None, sort=labels),
            x=alt.X("images:Q", title=None, axis=alt.Axis(tickCount=6)),
            color=alt.Color("split:N", title=None, scale=colours, legend=alt.Legend(orient="top", columns=3)),
            order=alt.Order("order:Q"),
            opacity=alt.condition(bar, alt.value(1.0), alt.value(0.35)),
            tooltip=["label", "split", alt.Tooltip("images:Q", format=",")],
        )
        .transform_calculate(order=f"indexof({splits!r}, datum.split)")
        .add_params(bar)
    )


def people_chart(table: pd.DataFrame) -> alt.LayerChart:
    """`gallery.people_say` as a table whose cells are darker the larger their share of the label."""
    labels, people = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["people"]))
    cells = alt.Chart(table).encode(
        y=alt.Y("label:N", title="label in the file", sort=labels),
        x=alt.X("people:N", title="what most people saw", sort=people, axis=alt.Axis(labelAngle=-45)),
        tooltip=["label", "people", alt.Tooltip("images:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
    )
    shade = alt.Scale(domain=[0, 1], range=["#FFFFFF", COLOURS["sad"]], interpolate="rgb")
    words = cells.mark_text(fontSize=11).encode(
        text=alt.Text("images:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("#FFFFFF"), alt.value("#1D2733")),
    )
    return alt.layer(cells.mark_rect().encode(color=alt.Color("share:Q", scale=shade, legend=None)), words).properties(
        height=SPACE + 60 + 28 * len(labels)
    )
