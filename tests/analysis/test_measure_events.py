"""Blinks, turned heads and open mouths: found where they are, not where they are not, and never counted by guess."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import make_table
from helpers.measured import blinking, measured_table

from fer_core.analysis.measure_events import (
    EVENTS,
    RELATIVE,
    blinks_measurable,
    measure_events,
    measure_summary,
    relative_to_neutral,
)
from fer_core.types import MeasureGap


def found(table: pd.DataFrame, event: str) -> list[tuple[float, float]]:
    events = measure_events(table)
    assert set(events["event"]) <= set(EVENTS)
    own = events[events["event"] == event]
    return [(round(a, 3), round(b, 3)) for a, b in zip(own["start_s"], own["end_s"], strict=True)]


def test_blinks_are_counted_and_timed() -> None:
    table = measured_table(blinking(250, {20: 4, 100: 2, 200: 6}))
    assert found(table, "blink") == [(0.8, 0.96), (4.0, 4.08), (8.0, 8.24)]
    events = measure_events(table)
    assert events["value"].tolist() == pytest.approx([0.5] * 3) and set(events["person"]) == {"Person 1"}
    summary = measure_summary(table).iloc[0]
    assert summary["blinks"] == 3 and summary["blinks_per_minute"] == pytest.approx(18)
    assert summary["blinks_note"] == ""


def test_half_closed_eyes_do_not_blink_and_long_closed_ones_neither() -> None:
    assert found(measured_table(blinking(100, {20: 5}, shut=0.25)), "blink") == []
    table = measured_table(blinking(100, {20: 20}))
    assert found(table, "blink") == [] and found(table, "eyes closed") == [(0.8, 1.6)]
    assert measure_summary(table)["eyes_closed"].iloc[0] == pytest.approx(0.2)


def test_narrow_eyes_blink_as_wide_ones_do() -> None:
    assert len(found(measured_table(blinking(100, {20: 4}, opened=0.2, shut=0.1)), "blink")) == 1
    assert found(measured_table(blinking(100, {}, opened=0.16)), "blink") == []


def test_a_flutter_at_the_threshold_is_one_blink() -> None:
    course = [0.3] * 50
    course[20:26] = [0.2, 0.25, 0.2, 0.25, 0.2, 0.25]
    assert found(measured_table({"eye_open_left": course, "eye_open_right": course}), "blink") == [(0.8, 1.04)]


def test_one_eye_alone_is_enough() -> None:
    courses = blinking(100, {30: 4})
    courses["eye_open_right"] = [float("nan")] * 100
    assert found(measured_table(courses), "blink") == [(1.2, 1.36)]


@pytest.mark.parametrize(("rate", "measurable"), [(15, True), (14.9, True), (12, False), (5, False)])
def test_blinks_need_15_frames_a_second(rate: float, measurable: bool) -> None:
    table = measured_table(blinking(100, {20: 3}), frame_rate=rate)
    assert blinks_measurable(table) is measurable
    assert len(found(table, "blink")) == int(measurable)
    summary = measure_summary(table).iloc[0]
    if not measurable:
        assert pd.isna(summary["blinks"]) and np.isnan(summary["blinks_per_minute"])
        assert summary["blinks_note"] == "not measurable: fewer than 15 frames a second"


def test_where_no_eyes_are_seen_the_summary_says_why() -> None:
    none = [float("nan")] * 50
    table = measured_table({"eye_open_left": none, "eye_open_right": none}, gaps=[MeasureGap.EYES_COVERED] * 50)
    summary = measure_summary(table).iloc[0]
    assert pd.isna(summary["blinks"]) and summary["blinks_note"] == "not measurable: eyes covered"


def test_a_rate_counts_only_the_time_in_which_eyes_are_seen() -> None:
    courses = blinking(250, {20: 4})
    for side in courses.values():
        side[125:] = [float("nan")] * 125
    assert measure_summary(measured_table(courses))["blinks_per_minute"].iloc[0] == pytest.approx(12)


def test_turned_away_by_degrees_and_by_profile() -> None:
    yaw = [0.0] * 100
    yaw[20:40] = [-40.0] * 20
    yaw[60:80] = [float("nan")] * 20
    gaps = [MeasureGap.PROFILE if 60 <= i < 80 else 0 for i in range(100)]
    table = measured_table({"head_yaw": yaw}, gaps=gaps)
    assert found(table, "turned away") == [(0.8, 1.6), (2.4, 3.2)]
    assert measure_events(table)["value"].tolist() == pytest.approx([40, np.nan], nan_ok=True)
    assert measure_summary(table)["turned_away"].iloc[0] == pytest.approx(0.4)
    assert measure_summary(table)["measured"].iloc[0] == pytest.approx(0.8)
    assert found(measured_table({"head_yaw": [0.0] * 20 + [40.0] * 5 + [0.0] * 20}), "turned away") == []
    lost = [MeasureGap.SMALL if 60 <= i < 80 else 0 for i in range(100)]
    assert len(found(measured_table({"head_yaw": yaw}, gaps=lost), "turned away")) == 1  # missing is not turned


def test_mouth_open() -> None:
    opened = [0.02] * 30 + [0.2] * 15 + [0.02] * 30
    table = measured_table({"mouth_open": opened})
    assert found(table, "mouth open") == [(1.2, 1.8)]
    assert measure_events(table)["value"].iloc[0] == pytest.approx(0.2)


def test_a_pause_of_the_clip_ends_an_event() -> None:
    table = measured_table({"mouth_open": [0.2] * 40})
    late = table["time_s"] >= 0.8
    table.loc[late, "time_s"] += 10
    assert found(table, "mouth open") == [(0.0, 0.8), (10.8, 11.6)]


def test_people_are_apart_and_a_renamed_track_is_one_person() -> None:
    one = measured_table(blinking(100, {20: 4}))
    other = measured_table(blinking(100, {50: 4, 70: 4}, opened=0.22, shut=0.1), track=1)
    both = pd.concat([one, other]).sort_values(["time_s", "track_id"], kind="stable")
    summary = measure_summary(both).set_index("person")
    assert summary["blinks"].to_dict() == {"Person 1": 1, "Person 2": 2}
    same = measure_summary(both.assign(person="Ada"))
    assert same["person"].tolist() == ["Ada"]


def test_relative_to_neutral() -> None:
    labels = ["neutral"] * 40 + ["happy"] * 20
    width = [0.5] * 40 + [0.7] * 20
    table = measured_table({"mouth_width": width}, labels=labels)
    change = relative_to_neutral(table)
    assert list(change) == list(RELATIVE)
    assert change["mouth_width"].iloc[0] == pytest.approx(0) and change["mouth_width"].iloc[-1] == pytest.approx(0.2)
    few = measured_table({"mouth_width": width}, labels=["neutral"] * 10 + ["happy"] * 50)
    assert relative_to_neutral(few).isna().all(axis=None)


def test_without_measures_nothing_is_found() -> None:
    table = make_table({0: ["happy"] * 30})
    assert measure_events(table).empty and measure_summary(table).empty
    assert not blinks_measurable(table)
    assert "blinks" in measure_summary(table)
