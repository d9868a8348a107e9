"""Curves of head, gaze, eyes and mouth under the timeline, as Vega-Lite, with what was found in them shaded."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import pandas as pd

from fer_core.analysis.episodes import frame_interval
from fer_core.analysis.measure_events import eye_opening, measure_events
from fer_core.charts.timeline import AXIS, LEGEND, MOST_POINTS, QUIET, TITLE, Spec, written
from fer_core.labels import SERIES

__all__ = ["PANELS", "Panel", "measure_curves", "measure_panel"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of measures.

    Attributes:
        title: of its axis, with the unit.
        curves: what the legend calls each curve, to a column of the table or to "eye_open", the mean of both eyes.
        events: events that are shaded.
        least: the axis shows at least so far.
    """

    title: str
    curves: dict[str, str]
    events: tuple[str, ...]
    least: tuple[float, float]


PANELS = {
    "head": Panel(
        "Head (degrees)",
        {"Turned to the right": "head_yaw", "Raised": "head_pitch", "Tilted": "head_roll"},
        ("turned away",),
        (-30, 30),
    ),
    "gaze": Panel("Gaze (degrees)", {"To the right": "gaze_x", "Up": "gaze_y"}, (), (-20, 20)),
    "eyes": Panel("Eye opening", {"Both eyes": "eye_open"}, ("blink", "eyes closed"), (0, 0.4)),
    "mouth": Panel("Lips apart", {"Gap by eye distance": "mouth_open"}, ("mouth open",), (0, 0.3)),
}
"""Charts by name. Right is the picture's right."""


def measure_curves(table: pd.DataFrame, panel: str) -> pd.DataFrame:
    """Return one person's measures in long form: columns time_s, curve, value, segment; no missing values.

    `segment` changes where the value is missing, or the person out of sight, so that no line is drawn across a gap.

    Args:
        table: rows of one person from the native table, with measures.
        panel: a name of `PANELS`.
    """
    faces = table[table["face_count"] > 0].sort_values("time_s", kind="stable")
    faces = faces.iloc[:: max(1, -(-len(faces) // MOST_POINTS))]
    faces = faces.assign(eye_open=eye_opening(faces))
    limit = max(2.5 * frame_interval(faces), 0.25)
    parts = []
    for curve, column in PANELS[panel].curves.items():
        part = faces[["time_s", "track_id"]].assign(curve=curve, value=faces[column])
        missing = part["value"].isna()
        broken = missing | (part["time_s"].diff() > limit) | (part["track_id"] != part["track_id"].shift())
        part = part.assign(segment=broken.fillna(True).astype(int).cumsum())
        parts.append(part.loc[~missing, ["time_s", "curve", "value", "segment"]])
    return pd.concat(parts, ignore_index=True)


def measure_panel(
    table: pd.DataFrame,
    panel: str,
    *,
    domain: tuple[float, float] | None = None,
    height: int = 90,
    titled: bool = True,
) -> Spec:
    """Return the chart of one person's measures over time; hovering shows them.

    Args:
        table: rows of one person from the native table, with measures; rows without a face are welcome.
        panel: a name of `PANELS`.
        domain: first and last second of the axis; those of the table if None.
        height: of the curves, in pixels.
        titled: say that the axis is time; needed once in a column of charts.
    """
    curves, events = measure_curves(table, panel), measure_events(table)
    first, last = domain or (float(table["time_s"].min()), float(table["time_s"].max()))
    low, high = PANELS[panel].least
    if len(curves):
        low, high = min(low, float(curves["value"].min())), max(high, float(curves["value"].max()))
    spec = deepcopy(_panel(panel, titled))
    for layer in spec["layer"]:
        layer["encoding"]["x"]["scale"]["domain"] = [first, max(last, first + 0.1)]
        if "y" in layer["encoding"]:
            layer["encoding"]["y"]["scale"]["domain"] = [low, high]
    spec["height"] = height + AXIS + LEGEND // 2 + (TITLE if titled else 0)
    shaded = events[events["event"].isin(PANELS[panel].events)]
    spec["datasets"] = {"curves": curves, "events": shaded[["event", "start_s", "end_s"]]}
    return spec


@lru_cache(maxsize=16)
def _panel(name: str, titled: bool) -> Spec:
    panel = PANELS[name]
    shades = (
        alt.Chart(alt.NamedData(name="events"))
        .mark_rect(color=QUIET, opacity=0.3, clip=True)
        .encode(
            x=_time("start_s:Q", titled=titled),
            x2="end_s:Q",
            tooltip=[
                alt.Tooltip("event:N", title="Found"),
                alt.Tooltip("start_s:Q", title="From (s)", format=".2f"),
                alt.Tooltip("end_s:Q", title="To (s)", format=".2f"),
            ],
        )
    )
    legend = alt.Legend(orient="top", symbolType="stroke", symbolStrokeWidth=4, labelFontSize=13)
    scale = alt.Scale(domain=list(panel.curves), range=list(SERIES[: len(panel.curves)]))
    lines = (
        alt.Chart(alt.NamedData(name="curves"))
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=_time("time_s:Q", titled=titled),
            y=alt.Y("value:Q", title=panel.title, axis=alt.Axis(tickCount=4), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("curve:N", title=None, scale=scale, legend=legend),
            strokeDash=alt.StrokeDash("curve:N", legend=None, scale=alt.Scale(domain=list(panel.curves))),
            detail="segment:N",
            tooltip=[
                alt.Tooltip("time_s:Q", title="Time (s)", format=".2f"),
                alt.Tooltip("curve:N", title="Measure"),
                alt.Tooltip("value:Q", title="Value", format=".2f"),
            ],
        )
    )
    return written(alt.LayerChart(layer=[shades, lines]))


def _time(field: str, *, titled: bool) -> alt.X:
    scale = alt.Scale(domain=[0, 1], nice=False)
    return alt.X(field, title="Time (s)" if titled else None, scale=scale, axis=alt.Axis(format="~g", tickCount=12))
