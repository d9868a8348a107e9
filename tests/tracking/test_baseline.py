"""A clip measured against a person's own neutral face."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_results, make_table

from fer_core.analysis.episodes import episodes, summary
from fer_core.analysis.table import ResultTable, columns
from fer_core.errors import OptionError
from fer_core.labels import FER7, UNSURE
from fer_core.tracking.baseline import adjusted_table, apply_baseline, measure_baseline, propose_baseline
from fer_core.tracking.neutral import Baseline, adjust
from fer_core.tracking.smoothing import ExpressionFilter, Smoothing
from fer_core.types import FaceQuality

SAD, NEUTRAL, ANGRY = FER7.index("sad"), FER7.index("neutral"), FER7.index("angry")


def reading(**shares: float) -> np.ndarray:
    """(7,), the given shares, and the rest shared evenly."""
    rest = (1 - sum(shares.values())) / (len(FER7) - len(shares))
    return np.array([shares.get(name, rest) for name in FER7])


def resting_sad_then_angry(people: int = 1) -> pd.DataFrame:
    """Faces that read as sad at rest for two seconds, then for one as sad with some anger, at 10 frames a second."""
    table = make_table({track: ["sad"] * 30 for track in range(people)})
    for row, when in enumerate(table["time_s"]):
        values = reading(sad=0.6, neutral=0.3, angry=0.01) if when < 2 else reading(sad=0.5, neutral=0.15, angry=0.3)
        table.loc[row, list(FER7)] = values
        table.loc[row, [f"{name}_smoothed" for name in FER7]] = values
    return table


def test_rule_is_that_of_the_measurement():
    rest, now = reading(sad=0.6, neutral=0.3), reading(angry=0.3, sad=0.5)
    own = Baseline.of(rest[None], FER7, "Ann", np.zeros(1))
    logits = np.log(now) - np.log(rest)
    logits[NEUTRAL] += 1.5
    expected = np.exp(logits) / np.exp(logits).sum()
    assert adjust(now, own) == pytest.approx(expected)
    assert FER7[int(adjust(now, own).argmax())] == "angry"
    at_rest = adjust(rest, own)
    assert at_rest[NEUTRAL] == pytest.approx(np.exp(1.5) / (np.exp(1.5) + 6))
    assert own.reads_as == "sad"


def test_mean_is_that_of_log_probabilities():
    two = np.array([reading(sad=0.8, neutral=0.1), reading(sad=0.2, neutral=0.5)])
    own = Baseline.of(two, FER7, "Ann", np.array([1.0, 2.0]))
    assert own.z == pytest.approx(np.log(two).mean(0))
    assert (own.start_s, own.end_s, own.frames) == (1.0, 2.0, 2)


def test_tiny_probabilities_do_not_count():
    rest = np.full(7, 1e-9)
    rest[NEUTRAL] = 1 - 6e-9
    own = Baseline.of(rest[None], FER7, "Ann", np.zeros(1))
    slightly = rest.copy()
    slightly[ANGRY] = 9e-7
    assert adjust(slightly, own) == pytest.approx(adjust(rest, own), abs=1e-4)


def test_face_that_reads_as_sad_at_rest_is_neutral_after_it_and_anger_is_seen():
    table = resting_sad_then_angry()
    own = measure_baseline(table, "Person 1", 0.0, 1.5, clip="talk.mp4")
    assert (own.person, own.frames, own.clip) == ("Person 1", 16, "talk.mp4")
    done = apply_baseline(table, [own])
    assert set(done.loc[done["time_s"] < 2, "label_adjusted"]) == {"neutral"}
    assert set(done.loc[done["time_s"] > 2.5, "label_adjusted"]) == {"angry"}
    pd.testing.assert_frame_equal(done[table.columns], table)  # nothing has to be undone
    sums = done[[f"{name}_smoothed_adjusted" for name in FER7]].sum(axis=1)
    assert sums.to_numpy() == pytest.approx(np.ones(30))
    last = done.iloc[-1]
    assert last["confidence_adjusted"] == pytest.approx(last["angry_smoothed_adjusted"])


def test_raw_and_smoothed_are_adjusted_each_for_itself():
    table = resting_sad_then_angry()
    table.loc[5, list(FER7)] = reading(angry=0.9)
    done = apply_baseline(table, [measure_baseline(table, "Person 1", 1.0, 1.5)])
    assert done.loc[5, "angry_adjusted"] > 0.9
    assert done.loc[5, "angry_smoothed_adjusted"] < 0.35


@pytest.mark.parametrize("smoothing", [Smoothing(), Smoothing(time_constant=0), Smoothing(time_constant=2)])
def test_to_adjust_the_smoothed_is_the_same_as_to_smooth_the_adjusted(smoothing):
    rng = np.random.default_rng(1)
    table = make_table({0: ["sad"] * 40, 1: ["happy"] * 40})
    table[list(FER7)] = rng.dirichlet(np.full(7, 3.0), len(table))
    table["quality"] = np.where(rng.uniform(size=len(table)) < 0.2, "dark", "good")
    filters = {0: ExpressionFilter(smoothing), 1: ExpressionFilter(smoothing)}
    for row in table.index:
        at = table.loc[row]
        values, _ = filters[at["track_id"]].update(
            at["time_s"], at[list(FER7)].to_numpy(float), at["quality"] == "good", 1.0
        )
        table.loc[row, [f"{name}_smoothed" for name in FER7]] = values
    own = measure_baseline(table, "Person 1", 0, 2)
    done = apply_baseline(table, {"Person 1": own, "Person 2": own}, smoothing=smoothing)
    expected = adjust(table[[f"{name}_smoothed" for name in FER7]].to_numpy(), own)
    assert done[[f"{name}_smoothed_adjusted" for name in FER7]].to_numpy() == pytest.approx(expected, abs=1e-5)


def test_label_waits_for_its_hold_as_in_the_analysis():
    table = resting_sad_then_angry()
    own = measure_baseline(table, "Person 1", 0.0, 1.5)
    blip = table.copy()
    mixed = reading(sad=0.5, neutral=0.24, angry=0.06)
    shares = adjust(mixed, own)
    assert 0 < shares[ANGRY] - shares[NEUTRAL] < 0.15  # leads, but too little to be shown at once
    blip.loc[8:9, list(FER7)] = mixed
    at_once, usual = Smoothing(0.0, 0.0, 0.0), Smoothing(0.0)
    assert set(apply_baseline(blip, [own], smoothing=usual).loc[:19, "label_adjusted"]) == {"neutral"}
    assert set(apply_baseline(blip, [own], smoothing=at_once).loc[8:9, "label_adjusted"]) == {"angry"}


def test_quality_and_confidence_make_a_face_unsure():
    table = resting_sad_then_angry()
    own = measure_baseline(table, "Person 1", 0.0, 1.5)
    table.loc[3, "quality"] = "blurred"
    done = apply_baseline(table, [own], confidence_threshold=0.0)
    assert list(done.loc[2:4, "label_adjusted"]) == ["neutral", UNSURE, "neutral"]
    assert set(apply_baseline(table, [own], confidence_threshold=0.99)["label_adjusted"]) == {UNSURE}


def test_people_without_a_baseline_have_no_adjusted_values():
    table = resting_sad_then_angry(people=2)
    done = apply_baseline(table, {"Person 2": measure_baseline(table, "Person 1", 0, 1)})
    other = done["person"] == "Person 1"
    assert done.loc[other, "label_adjusted"].isna().all()
    assert done.loc[other, "sad_adjusted"].isna().all()
    assert done.loc[other, "confidence_adjusted"].isna().all()
    assert done.loc[~other, "label_adjusted"].notna().all()


def test_adjusted_table_gives_episodes_of_the_adjusted_and_own_values_to_others():
    table = resting_sad_then_angry(people=2)
    done = apply_baseline(table, [measure_baseline(table, "Person 1", 0, 1.5)])
    view = adjusted_table(done)
    assert list(view.columns) == columns(FER7)
    found = episodes(view)
    assert list(found[found["person"] == "Person 1"]["label"]) == ["neutral", "angry"]
    assert list(found[found["person"] == "Person 2"]["label"]) == ["sad"]
    assert summary(view).set_index("person").loc["Person 1", "sad"] == 0
    pd.testing.assert_frame_equal(adjusted_table(table), table)


def test_no_baselines_take_adjusted_columns_away():
    table = resting_sad_then_angry()
    done = apply_baseline(table, [measure_baseline(table, "Person 1", 0, 1)])
    pd.testing.assert_frame_equal(apply_baseline(done, []), table)


def test_rows_without_a_face_stay_empty():
    recorder = ResultTable(FER7)
    for result in make_results({0: ["sad"] * 5 + [GONE] * 3 + ["sad"] * 5}):
        recorder.add(result)
    table = recorder.table()
    done = apply_baseline(table, [measure_baseline(table, "Person 1", 0, 1)])
    assert done.loc[5:7, "label_adjusted"].isna().all()
    assert done["label_adjusted"].notna().sum() == 10


def test_a_single_moment_takes_the_nearest_frame_and_bad_frames_are_left_out():
    table = resting_sad_then_angry()
    own = measure_baseline(table, "Person 1", 2.04, 2.04)
    assert (own.frames, own.start_s) == (1, pytest.approx(2.0))
    assert own.z[ANGRY] == pytest.approx(np.log(0.3))
    table.loc[0:10, "quality"] = FaceQuality.DARK.words
    assert measure_baseline(table, "Person 1", 0, 1.5).frames == 5


@pytest.mark.parametrize(
    ("person", "start", "end", "words"),
    [
        ("Bob", 0, 1, "it has Person 1"),
        ("Person 1", 50, 60, "cannot be seen well between 50 s and 60 s"),
        ("Person 1", 50, 50, "cannot be seen well"),
        ("Person 1", 2, 1, "before it starts"),
    ],
)
def test_stretches_that_cannot_be_measured_are_refused(person, start, end, words):
    with pytest.raises(OptionError, match=words):
        measure_baseline(resting_sad_then_angry(), person, start, end)


def test_baselines_of_another_model_are_refused():
    table = resting_sad_then_angry()
    other = Baseline(("neutral", "happy"), (-0.1, -2.0), "Person 1", 0, 1, 5)
    with pytest.raises(OptionError, match="names neutral, happy"):
        apply_baseline(table, [other])
    with pytest.raises(OptionError, match="'neutral'"):
        Baseline(("happy", "sad"), (-0.1, -2.0), "Ann", 0, 1, 5)


def test_proposal_is_the_steadiest_of_the_most_neutral_seconds():
    table = make_table({0: ["sad"] * 100})
    rng = np.random.default_rng(3)
    for row, when in enumerate(table["time_s"]):
        values = reading(sad=0.6, neutral=0.05)
        if 3 <= when <= 4.4:  # neutral-like, but restless
            values = reading(sad=0.4, neutral=0.45 + rng.uniform(-0.1, 0.1))
        if 6 <= when <= 7.4:  # neutral-like and steady
            values = reading(sad=0.5, neutral=0.4)
        table.loc[row, list(FER7)] = values
    proposed = propose_baseline(table, "Person 1", clip="a.mp4")
    assert proposed is not None
    assert proposed.start_s >= 6
    assert proposed.end_s <= 7.4 + 1e-9
    assert proposed.end_s - proposed.start_s == pytest.approx(1.0)
    assert "label_adjusted" not in table


def test_no_proposal_from_a_face_that_never_looks_neutral():
    table = make_table({0: ["happy"] * 40})
    table[list(FER7)] = reading(happy=0.9, neutral=0.09)
    assert propose_baseline(table, "Person 1") is None
    table[list(FER7)] = reading(happy=0.85, neutral=0.11)
    assert propose_baseline(table, "Person 1").reads_as == "happy"


def test_no_proposal_from_glimpses():
    seen = (["neutral"] * 5 + [GONE] * 10) * 4
    assert propose_baseline(make_table({0: seen}), "Person 1") is None


def test_json_round_trip():
    own = measure_baseline(resting_sad_then_angry(), "Person 1", 0, 1, clip="ä.mp4")
    assert Baseline.from_dict(json.loads(json.dumps(own.to_dict()))) == own
    with pytest.raises(OptionError, match="Measure the neutral face again"):
        Baseline.from_dict({"labels": ["neutral"]})
    with pytest.raises(OptionError, match="Measure the neutral face again"):
        Baseline.from_dict({**own.to_dict(), "z": [0.0, float("nan")]})
