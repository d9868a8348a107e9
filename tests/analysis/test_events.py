"""Events, stretches to leave out, and tables cut by event."""

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.episodes import episodes
from fer_core.analysis.events import Event, TimeRange, average_curves, cut_by_event, exclude, to_grid
from fer_core.errors import OptionError


def table(seconds: int = 10, frame_rate: float = 10.0) -> pd.DataFrame:
    """One person who is neutral, and happy from the third second on."""
    count = int(seconds * frame_rate)
    return make_table({0: ["neutral" if i < 3 * frame_rate else "happy" for i in range(count)]}, frame_rate=frame_rate)


def test_frames_round_each_event_with_their_relative_time():
    cut = cut_by_event(table(), [Event(6.0, "b"), Event(3.0, "a")], before_s=2, after_s=5)
    first = cut[cut["event_index"] == 0]
    assert set(first["event"]) == {"a"}
    assert first["relative_s"].iloc[[0, -1]].tolist() == pytest.approx([-2.0, 5.0])
    assert first["time_s"].to_numpy() == pytest.approx(first["relative_s"].to_numpy() + 3)
    assert len(first) == 71
    second = cut[cut["event_index"] == 1]
    assert second["relative_s"].max() == pytest.approx(3.9)  # the clip ends there
    assert set(second["event_s"]) == {6.0}


def test_a_frame_near_two_events_stands_there_twice():
    cut = cut_by_event(table(), [Event(3, "x"), Event(4, "x")], 1, 1)
    assert (cut["time_s"] == 3.5).sum() == 2
    assert cut.index.is_unique


def test_events_outside_and_none_give_an_empty_cut_with_all_columns():
    for events in ([], [Event(500, "late")]):
        cut = cut_by_event(table(), events)
        assert cut.empty
        assert {"event", "event_index", "event_s", "relative_s", "happy"} <= set(cut.columns)


@pytest.mark.parametrize("how", [{"before_s": -1}, {"after_s": float("nan")}, {"before_s": 0, "after_s": 0}])
def test_windows_that_make_no_sense_are_refused(how):
    with pytest.raises(OptionError, match=r"before_s|after_s"):
        cut_by_event(table(), [Event(1, "a")], **how)


@pytest.mark.parametrize("values", [(-1, "a"), (float("inf"), "a"), (1, " "), (1, "a", -2)])
def test_events_that_make_no_sense_are_refused(values):
    with pytest.raises(OptionError):
        Event(*values)


def test_stretches_are_left_out_up_to_their_end():
    left = exclude(table(), [TimeRange(1, 2, "pause"), TimeRange(1.5, 3.0), TimeRange(9, 99)])
    assert left["time_s"].between(1, 2.99).sum() == 0
    assert 3.0 in left["time_s"].tolist()
    assert left["time_s"].max() == pytest.approx(8.9)
    assert len(left) == 70
    assert list(left.index) == list(range(70))
    assert list(episodes(left)["label"]) == ["neutral", "happy"]
    with pytest.raises(OptionError, match="end after its start"):
        TimeRange(2, 2)


def test_grid_takes_means_within_steps_and_keeps_gaps():
    shown = ["neutral"] * 10 + [GONE] * 10 + ["happy"] * 10
    cut = cut_by_event(make_table({0: shown}), [Event(1.0, "a")], 1, 2)
    cut.loc[cut["relative_s"].between(-0.6, -0.3), "happy_smoothed"] = [0.1, 0.2, 0.3, 0.4]
    grid = to_grid(cut, 0.5)
    assert grid["relative_s"].tolist() == [-1.0, -0.5, 0.0, 1.0, 1.5, 2.0]  # nobody from 0.25 to 0.75
    by_hand = cut[(cut["relative_s"] >= -0.75) & (cut["relative_s"] < -0.25)]["happy_smoothed"].mean()
    assert grid.loc[grid["relative_s"] == -0.5, "happy"].item() == pytest.approx(by_hand)
    assert list(grid.columns)[:4] == ["event", "event_index", "person", "relative_s"]


def test_grid_of_other_columns():
    cut = cut_by_event(table().assign(valence=0.25), [Event(3.0, "a")], 1, 1)
    grid = to_grid(cut, 0.5, by=["event"], values=["valence"])
    assert list(grid.columns) == ["event", "relative_s", "valence"]
    assert grid["valence"].to_numpy() == pytest.approx(np.full(5, 0.25))
    with pytest.raises(OptionError, match="above 0"):
        to_grid(cut, 0)


def test_average_is_over_occurrences_not_frames():
    long_then_short = table()
    long_then_short.loc[(long_then_short["time_s"] > 5.6), "face_count"] = 0  # the second occurrence is hardly seen
    cut = cut_by_event(long_then_short, [Event(1.0, "a"), Event(5.5, "a")], 0, 1)
    mean = average_curves(cut, 1.0)
    at = mean[(mean["expression"] == "happy") & (mean["relative_s"] == 0)].iloc[0]
    assert at["curves"] == 2
    assert at["mean"] == pytest.approx((0.2 / 6 + 0.8) / 2, abs=1e-6)
    later = mean[(mean["expression"] == "happy") & (mean["relative_s"] == 1)].iloc[0]
    assert (later["curves"], later["mean"]) == (1, pytest.approx(0.2 / 6, abs=1e-6))
