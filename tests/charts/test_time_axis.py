"""Axes read in clock times, on clips of seconds, minutes and hours."""

from __future__ import annotations

import re

import altair as alt
import pandas as pd
import pytest
import vl_convert

from fer_core.charts.time_axis import CLOCK_LABEL, time_ticks


@pytest.mark.parametrize(
    "last, words",
    [
        (5.0, ["0:00", "0:01", "0:02", "0:03", "0:04", "0:05"]),
        (
            180.0,
            ["0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30", "1:45", "2:00", "2:15", "2:30", "2:45", "3:00"],
        ),
        (7200.0, ["0:00", "10:00", "20:00", "30:00", "40:00", "50:00", "1:00:00", "1:10:00", "1:20:00", "2:00:00"]),
    ],
)
def test_the_words_of_an_axis(last: float, words: list[str]) -> None:
    axis = alt.Axis(labelExpr=CLOCK_LABEL, values=time_ticks(0.0, last), labelOverlap=False)
    x = alt.X("t:Q", axis=axis, scale=alt.Scale(domain=[0, last], nice=False))
    chart = alt.Chart(pd.DataFrame({"t": [0.0, last]})).mark_point().encode(x=x).properties(width=1200)
    drawn = re.findall(r">(\d+:[\d:]+)<", vl_convert.vegalite_to_svg(chart.to_json()))
    assert [word for word in words if word in drawn] == words
    assert len(drawn) == len(time_ticks(0.0, last))


def test_the_last_minute_of_a_camera_counts_down_to_now() -> None:
    axis = alt.Axis(labelExpr=CLOCK_LABEL, values=time_ticks(-60.0, 0.0), labelOverlap=False)
    x = alt.X("t:Q", axis=axis, scale=alt.Scale(domain=[-60, 0], nice=False))
    chart = alt.Chart(pd.DataFrame({"t": [-60.0, 0.0]})).mark_point().encode(x=x).properties(width=1200)
    drawn = re.findall(r">(-?\d[\d:-]+)<", vl_convert.vegalite_to_svg(chart.to_json()))
    assert drawn == ["-1:00", *(f"-0:{s}" for s in (55, 50, 45, 40, 35, 30, 25, 20, 15, 10)), "-0:05", "0:00"]


@pytest.mark.parametrize("first, last", [(0.0, 0.4), (3.2, 8.9), (100.0, 160.0), (0.0, 36_000.0), (0.0, 400_000.0)])
def test_ticks_are_few_whole_and_inside(first: float, last: float) -> None:
    ticks = time_ticks(first, last)
    assert len(ticks) <= 13 and all(first <= tick <= last for tick in ticks)
    assert len(ticks) >= 1 or last - first < 1
