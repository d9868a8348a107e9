"""Mean curves round events with intervals over participants."""

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.events import Event, cut_by_event
from fer_core.errors import OptionError
from fer_core.statistics.mean_curves import MIN_BOOTSTRAP, mean_curves

HEIGHTS = (0.313, 0.402, 0.471, 0.618, 0.709, 0.944)


def cut(heights: tuple[float, ...] = HEIGHTS, frame_rate: int = 10, repeats: int = 1) -> pd.DataFrame:
    """Each participant is neutral before an event, and happy as much as their height after it; 1 s each."""
    parts = []
    for i, height in enumerate(heights):
        table = make_table({0: ["neutral"] * 3 * frame_rate}, frame_rate=frame_rate)
        table["happy_smoothed"] = np.where(table["time_s"] >= 1, height, 0.1)
        events = [Event(1.0, "film")] * repeats
        parts.append(cut_by_event(table, events, 1, 1).assign(participant=f"P{i}", clip=f"{i}.mp4"))
    return pd.concat(parts, ignore_index=True)


def happy(found: pd.DataFrame, at: float) -> pd.Series:
    return found[(found["expression"] == "happy") & (found["relative_s"] == at)].iloc[0]


def test_mean_and_interval_are_those_of_participants():
    found = happy(mean_curves(cut(), 0.5, n_resamples=4000), 0.5)
    assert found["mean"] == pytest.approx(np.mean(HEIGHTS))
    assert found["participants"] == 6
    rng = np.random.default_rng(5)
    draws = np.array([rng.choice(HEIGHTS, 6).mean() for _ in range(20_000)])
    assert found["low"] == pytest.approx(np.quantile(draws, 0.025), abs=0.01)
    assert found["high"] == pytest.approx(np.quantile(draws, 0.975), abs=0.01)
    before = happy(mean_curves(cut(), 0.5), -1.0)
    assert (before["mean"], before["low"], before["high"]) == pytest.approx((0.1, 0.1, 0.1))


def test_more_frames_or_repetitions_do_not_narrow_the_interval():
    plain = mean_curves(cut(), 0.5)
    for more in (cut(frame_rate=40), cut(repeats=3)):
        found = mean_curves(more, 0.5)
        at, other = happy(plain, 1.0), happy(found, 1.0)
        assert (other["low"], other["high"]) == pytest.approx((at["low"], at["high"]), abs=1e-9)


def test_few_participants_have_a_mean_but_no_interval():
    few = mean_curves(cut(HEIGHTS[: MIN_BOOTSTRAP - 1]), 0.5)
    assert few[["low", "high"]].isna().all().all()
    assert few["mean"].notna().all()
    assert mean_curves(cut(HEIGHTS[:MIN_BOOTSTRAP]), 0.5)[["low", "high"]].notna().all().all()


def test_steps_count_those_who_were_in_sight():
    table = cut()
    away = (table["participant"] == "P5") & (table["relative_s"] > 0.25)
    table.loc[away, "face_count"] = 0
    found = mean_curves(table, 0.5)
    later = happy(found, 0.5)
    assert later["participants"] == 5
    assert later["mean"] == pytest.approx(np.mean(HEIGHTS[:5]))
    assert later["low"] > 0.3 - 1e-9
    assert happy(found, -0.5)["participants"] == 6


def test_occurrences_are_averaged_within_a_participant_first():
    table = make_table({0: ["neutral"] * 40 + [GONE] * 3})
    table["happy_smoothed"] = np.where(table["time_s"] >= 2, 0.8, 0.2)
    both = cut_by_event(table, [Event(1.0, "a"), Event(3.0, "a")], 0, 0.9).assign(participant="P0")
    one = cut_by_event(table, [Event(1.0, "a")], 0, 0.9).assign(participant="P1")
    found = happy(mean_curves(pd.concat([both, one], ignore_index=True), 1.0), 0.0)
    assert found["mean"] == pytest.approx((0.5 + 0.2) / 2)


def test_conditions_and_other_columns_are_kept_apart():
    table = cut().assign(valence=0.25)
    table["condition"] = np.where(table["participant"].isin(["P0", "P1"]), "x", "y")
    found = mean_curves(table, 0.5, by=["condition", "event"], values=["valence"])
    assert list(found.columns[:4]) == ["condition", "event", "relative_s", "expression"]
    assert set(found["expression"]) == {"valence"}
    assert found.groupby("condition")["participants"].max().to_dict() == {"x": 2, "y": 4}
    assert len(mean_curves(table, 0.5, by=[])["relative_s"].unique()) == 5


def test_what_is_missing_or_senseless_is_refused():
    with pytest.raises(OptionError, match="'participant'"):
        mean_curves(cut().drop(columns="participant"))
    with pytest.raises(OptionError, match="level"):
        mean_curves(cut(), level=95)
    empty = mean_curves(cut().head(0))
    assert empty.empty
    assert "low" in empty
