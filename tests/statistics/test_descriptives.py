"""Shares, means, episodes and transitions per clip, person, event, participant and condition."""

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.events import Event, cut_by_event
from fer_core.errors import OptionError
from fer_core.labels import FER7, UNSURE
from fer_core.statistics.descriptives import describe, transition_matrix, transitions
from fer_core.statistics.units import measure_units

N, H, S = ["neutral"], ["happy"], ["sad"]


def row(found: pd.DataFrame, **where: object) -> pd.Series:
    """The only row with those values."""
    mask = np.logical_and.reduce([found[name] == value for name, value in where.items()])
    assert mask.sum() == 1
    return found[mask].iloc[0]


def test_shares_means_episodes_and_latency_by_hand():
    table = make_table({0: N * 20 + H * 10 + N * 10 + H * 20, 1: S * 60})
    found = describe(table)
    happy = row(found, person="Person 1", expression="happy")
    assert happy["seconds"] == pytest.approx(6.0)
    assert happy["share"] == pytest.approx(0.5)
    assert happy["mean"] == pytest.approx(0.5 * 0.8 + 0.5 * 0.2 / 6)
    assert happy["episodes"] == 2
    assert happy["episodes_per_minute"] == pytest.approx(20)
    assert happy["mean_episode_s"] == pytest.approx(1.5)
    assert happy["longest_episode_s"] == pytest.approx(2.0)
    assert happy["latency_s"] == pytest.approx(2.0)
    nothing = row(found, person="Person 2", expression="happy")
    assert (nothing["share"], nothing["episodes"], nothing["latency_units"]) == (0, 0, 0)
    assert nothing[["mean_episode_s", "longest_episode_s", "latency_s"]].isna().all()
    shares = found.groupby("person")["share"].sum()
    assert shares.to_numpy() == pytest.approx([1, 1])
    assert list(found["expression"][:8]) == [*FER7, UNSURE]


def test_unsure_has_a_share_but_no_mean():
    found = row(describe(make_table({0: N * 5 + [None] * 5})), expression=UNSURE)
    assert found["share"] == pytest.approx(0.5)
    assert np.isnan(found["mean"])


def test_time_counts_not_frames():
    times = [*np.arange(10) / 10, *(1 + np.arange(10) / 5)]
    table = make_table({0: H * 10 + S * 10}, times=times)
    found = describe(table)
    assert row(found, expression="sad")["share"] == pytest.approx(2 / 3, abs=0.03)


def two_clips() -> pd.DataFrame:
    short = make_table({0: H * 10}).assign(clip="a", participant="P1", condition="film")
    long = make_table({0: S * 20 + H * 10}).assign(clip="b", participant="P1", condition="film")
    other = make_table({0: N * 20}).assign(clip="c", participant="P2", condition="pause")
    return pd.concat([short, long, other], ignore_index=True)


def test_clips_are_kept_apart_in_time_and_put_together_by_time_in_sight():
    found = describe(two_clips(), ["participant"])
    happy = row(found, participant="P1", expression="happy")
    assert happy["units"] == 2
    assert happy["seconds"] == pytest.approx(4.0)
    assert happy["share"] == pytest.approx(0.5)
    assert happy["episodes"] == 2  # not one, though the second clip begins at 0 s again
    assert happy["latency_s"] == pytest.approx((0 + 2) / 2)
    assert row(describe(two_clips(), ["condition"]), condition="pause", expression="neutral")["share"] == 1


def test_latency_counts_from_the_event_and_only_onsets_after_it():
    table = make_table({0: H * 25 + N * 15 + H * 20})
    cut = cut_by_event(table, [Event(2.0, "a"), Event(3.0, "b")], 1, 2.5)
    units = measure_units(cut)
    assert row(units, event="a", expression="happy")["latency_s"] == pytest.approx(2.0)
    assert row(units, event="a", expression="neutral")["latency_s"] == pytest.approx(0.5)
    assert row(units, event="b", expression="happy")["latency_s"] == pytest.approx(1.0)
    assert "relative_s" in cut


def test_people_who_leave_are_not_counted_while_away():
    table = make_table({0: H * 10 + [GONE] * 20, 1: N * 30})
    happy = row(describe(table), person="Person 1", expression="happy")
    assert happy["seconds"] == pytest.approx(1.0)
    assert happy["share"] == 1
    assert happy["longest_episode_s"] == pytest.approx(1.0)


def test_episode_counts_where_its_strongest_moment_lies():
    table = make_table({0: H * 20}, confidence=[0.6] * 12 + [0.9] * 8)
    table["condition"] = np.where(table["time_s"] < 0.95, "before", "after")
    found = describe(table, ["condition"])
    assert row(found, condition="after", expression="happy")["episodes"] == 1
    assert row(found, condition="before", expression="happy")["episodes"] == 0


def test_transitions_are_between_episodes_of_one_person_in_one_clip():
    table = make_table({0: N * 10 + H * 10 + [None] * 3 + S * 10 + H * 10 + [GONE] * 20 + N * 10 + H * 10})
    found = transitions(table)
    pairs = {(r["from"], r["to"]): (r["count"], r["share"]) for r in found.to_dict("records")}
    assert pairs == {("neutral", "happy"): (2, 1.0), ("happy", "sad"): (1, 1.0), ("sad", "happy"): (1, 1.0)}
    wide = transition_matrix(table)
    assert list(wide.index) == list(wide.columns) == list(FER7)
    assert wide.loc["neutral", "happy"] == 2
    assert wide.to_numpy().sum() == 4
    assert np.trace(wide.to_numpy()) == 0
    assert transition_matrix(table, max_gap_s=3.0).loc["happy", "neutral"] == 1
    shares = transition_matrix(table, share=True, max_gap_s=3.0)
    assert shares.loc["happy"].sum() == pytest.approx(1)
    assert transitions(two_clips(), ["clip"])["clip"].tolist() == ["b"]


def test_missing_columns_are_named():
    table = make_table({0: N * 5})
    for ask in (describe, transitions):
        with pytest.raises(OptionError, match="no column 'participant'"):
            ask(table, ["participant"])


def test_nobody_in_sight_gives_empty_tables_with_columns():
    table = make_table({0: [GONE] * 5})
    assert describe(table).empty
    assert {"share", "latency_s"} <= set(describe(table).columns)
    assert transitions(table).empty
    assert transition_matrix(table).to_numpy().sum() == 0
