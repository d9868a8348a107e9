"""Charts of measures: valid, without lines across gaps, with what was found shaded."""

from __future__ import annotations

import json

import altair as alt
import numpy as np
import pytest
import vl_convert
from helpers.measured import blinking, measured_table

from fer_core.charts.measures import PANELS, measure_curves, measure_panel
from fer_core.charts.timeline import MOST_POINTS
from fer_core.labels import SERIES
from fer_core.types import MeasureGap


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("titled", [True, False])
def test_each_panel_is_valid_and_can_be_drawn(panel: str, titled: bool) -> None:
    chart = measure_panel(measured_table(blinking(100, {20: 4})), panel, titled=titled)
    tables = {name: table.to_dict("records") for name, table in chart["datasets"].items()}
    spec = {name: part for name, part in chart.items() if name != "datasets"}
    alt.LayerChart.from_dict(spec)
    assert {layer["data"]["name"] for layer in spec["layer"]} == set(tables)
    drawn = vl_convert.vegalite_to_svg(
        json.loads(json.dumps(spec | {"datasets": tables, "width": 400}, allow_nan=False))
    )
    for curve in PANELS[panel].curves:
        assert curve in drawn
    assert (">Time (s)</text>" in drawn) is titled
    ranges = spec["layer"][1]["encoding"]["color"]["scale"]["range"]
    assert set(ranges) <= set(SERIES) and len(set(ranges)) == len(PANELS[panel].curves)


def test_values_are_those_of_the_table() -> None:
    yaw = [float(i) for i in range(40)]
    curves = measure_curves(measured_table({"head_yaw": yaw}), "head")
    own = curves[curves["curve"] == "Turned to the right"]
    assert own["value"].tolist() == yaw and own["segment"].nunique() == 1
    assert own["time_s"].tolist() == pytest.approx([i / 25 for i in range(40)])


def test_no_line_crosses_what_is_missing() -> None:
    yaw = [0.0] * 20 + [float("nan")] * 3 + [5.0] * 20
    table = measured_table({"head_yaw": yaw}, gaps=[MeasureGap.NO_FACE if np.isnan(y) else 0 for y in yaw])
    own = measure_curves(table, "head").query("curve == 'Turned to the right'")
    assert len(own) == 40 and own.groupby("segment")["time_s"].max().iloc[0] == pytest.approx(19 / 25)
    assert own["segment"].nunique() == 2
    table.loc[table["time_s"] > 1.2, "time_s"] += 5
    assert measure_curves(table, "head").query("curve == 'Turned to the right'")["segment"].nunique() == 3


def test_blinks_are_shaded_in_the_eyes_alone() -> None:
    table = measured_table(blinking(100, {20: 4}))
    shaded = measure_panel(table, "eyes")["datasets"]["events"]
    assert shaded[["start_s", "end_s"]].round(2).to_numpy().tolist() == [[0.8, 0.96]]
    assert measure_panel(table, "head")["datasets"]["events"].empty


def test_the_axis_holds_every_value_and_the_domain_that_is_asked_for() -> None:
    table = measured_table({"head_yaw": [0.0] * 20 + [55.0] * 20})
    chart = measure_panel(table, "head", domain=(0.5, 9.0))
    y = chart["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert y == [-30, 55]
    assert all(layer["encoding"]["x"]["scale"]["domain"] == [0.5, 9.0] for layer in chart["layer"])


def test_long_clips_are_thinned() -> None:
    curves = measure_curves(measured_table({"head_yaw": [0.0] * 4000}), "eyes")
    assert MOST_POINTS / 2 < len(curves) <= MOST_POINTS and curves["segment"].nunique() == 1


def test_a_clip_of_which_nothing_could_be_measured() -> None:
    none = [float("nan")] * 30
    table = measured_table(dict.fromkeys(("head_yaw", "head_pitch", "head_roll"), none))
    chart = measure_panel(table, "head")
    assert chart["datasets"]["curves"].empty and chart["layer"][1]["encoding"]["y"]["scale"]["domain"] == [-30, 30]
