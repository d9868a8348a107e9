"""Comparison of conditions: participants are the unit, and too few of them give no claim."""

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import make_table
from scipy import stats

from fer_core.errors import OptionError
from fer_core.statistics.conditions import MIN_PAIRED, MIN_PER_CONDITION, compare_conditions, compare_expressions, holm
from fer_core.statistics.participants import participant_values

RNG = np.random.default_rng(2)


def values(*, paired: bool = True, **samples: list[float] | np.ndarray) -> pd.DataFrame:
    rows = []
    for condition, sample in samples.items():
        for i, value in enumerate(sample):
            rows.append((f"P{i}" if paired else f"{condition}{i}", condition, value))
    return pd.DataFrame(rows, columns=["participant", "condition", "value"])


def test_paired_is_found_out_and_agrees_with_independent_computations():
    film, pause = RNG.normal(0.6, 0.1, 10), RNG.normal(0.4, 0.1, 10)
    found = compare_conditions(values(film=film, pause=pause), measure="share of happy")
    assert found.paired
    assert found.participants == (10, 10)
    assert found.means == pytest.approx((film.mean(), pause.mean()))
    assert found.deviations == pytest.approx((film.std(ddof=1), pause.std(ddof=1)))
    pair = found.pairs[0]
    assert pair.difference == pytest.approx((film - pause).mean())
    assert pair.effect == pytest.approx(stats.ttest_rel(film, pause).statistic / np.sqrt(10))
    middle = stats.t.interval(0.95, 9, pair.difference, stats.sem(film - pause))
    assert (pair.low, pair.high) == pytest.approx(middle, abs=0.03)
    assert found.test == pair.test
    assert found.test.p_value < 0.05
    assert pair.p_holm is None
    assert "can be told from chance (exact sign-flip permutation test, p = 0.00" in found.sentence
    assert "d_z = " in found.sentence
    assert "large effect" in found.sentence
    assert "10 participants, who took part in all conditions" in found.sentence
    assert "participants are independent of each other" in found.sentence


def test_unpaired_is_found_out():
    found = compare_conditions(values(paired=False, film=RNG.normal(1, 1, 6), pause=RNG.normal(1, 1, 5)))
    assert not found.paired
    assert found.participants == (6, 5)
    assert "6 participants in 'film' and 5 participants in 'pause'" in found.sentence
    assert "cannot be told from chance" in found.sentence
    assert "Hedges' g" in found.sentence
    with pytest.raises(OptionError, match="same person as several"):
        compare_conditions(values(a=[1, 2], b=[2, 3]), paired=False)


def test_too_few_participants_get_figures_but_no_claim():
    assert (MIN_PAIRED, MIN_PER_CONDITION) == (6, 4)  # the fewest for which p can fall below 0.05
    huge = values(a=np.arange(5) + 100.0, b=np.arange(5) / 7)
    found = compare_conditions(huge)
    assert found.test is None
    assert found.pairs[0].difference > 99
    assert np.isnan(found.pairs[0].low)
    assert "Nothing is claimed" in found.sentence
    assert "p =" not in found.sentence
    assert "chance (" not in found.sentence
    assert compare_conditions(values(a=np.arange(6) + 9.0, b=np.arange(6) / 7)).test.p_value == pytest.approx(2 / 64)
    few = compare_conditions(values(paired=False, a=np.arange(9.0), b=50 + np.arange(3.0)))
    assert few.test is None
    assert "there are 3 participants in 'b'" in few.refusal
    enough = compare_conditions(values(paired=False, a=np.arange(4.0), b=50 + np.arange(4.0)))
    assert enough.test.p_value == pytest.approx(2 / 70)
    one = compare_conditions(values(paired=False, a=[1.0], b=[2.0]))
    assert one.test is None
    assert np.isnan(one.pairs[0].effect)


def test_participants_without_a_condition_are_left_out_and_named():
    table = values(a=RNG.normal(0, 1, 8), b=RNG.normal(0, 1, 8))
    table = table[~((table["participant"] == "P3") & (table["condition"] == "b"))]
    table.loc[table["participant"] == "P5", "value"] = [1.0, np.nan]
    found = compare_conditions(table)
    assert found.left_out == ("P3", "P5")
    assert found.participants == (6, 6)
    assert "Left out, because a condition is missing: P3, P5." in found.sentence


def test_three_paired_conditions_have_an_omnibus_test_and_corrected_pairs():
    base = RNG.normal(0, 1, 9)
    table = values(a=base, b=base + 0.1 * RNG.normal(0, 1, 9), c=base + 3 + 0.1 * RNG.normal(0, 1, 9))
    found = compare_conditions(table)
    assert found.omnibus.name == "Friedman test"
    wide = table.pivot(index="participant", columns="condition", values="value")
    assert found.omnibus.statistic == pytest.approx(stats.friedmanchisquare(*wide.to_numpy().T).statistic)
    assert found.effect == pytest.approx(found.omnibus.statistic / (9 * 2))
    raw = [pair.test.p_value for pair in found.pairs]
    assert sorted(raw)[:2] == pytest.approx([2 / 512, 2 / 512])
    corrected = {(p.first, p.second): p.p_holm for p in found.pairs}
    assert corrected["a", "c"] == pytest.approx(3 * 2 / 512)
    assert corrected["b", "c"] == pytest.approx(3 * 2 / 512)  # not below the one before
    assert corrected["a", "b"] == pytest.approx(raw[0])
    assert "It lies between 'a' and 'c'" in found.sentence
    assert "'b' and 'c'" in found.sentence
    assert "'a' and 'b'" not in found.sentence


def test_three_unpaired_conditions():
    same = [RNG.normal(0, 1, 6) for _ in range(3)]
    found = compare_conditions(values(paired=False, a=same[0], b=same[1], c=same[2]))
    assert found.omnibus.name == "Kruskal-Wallis test"
    assert found.effect == pytest.approx(stats.kruskal(*same).statistic / 17)
    assert "so no two of them are compared further" in found.sentence


def test_values_that_cannot_be_compared_are_refused():
    with pytest.raises(OptionError, match="no column 'value'"):
        compare_conditions(pd.DataFrame({"participant": [], "condition": []}))
    with pytest.raises(OptionError, match="two conditions; there are 1"):
        compare_conditions(values(a=[1, 2, 3]))
    twice = pd.concat([values(a=[1, 2], b=[1, 2]), values(a=[5])])
    with pytest.raises(OptionError, match="P0 has several values"):
        compare_conditions(twice)


def study(participants: int = 7) -> pd.DataFrame:
    """Everybody is happy for 60 % of the film and 20 % of the pause; a participant's second clip is much longer."""
    parts = []
    for i in range(participants):
        for condition, happy in (("film", 6), ("pause", 2)):
            for clip, frames in (("1", 10), ("2", 40)):
                shown = ["happy"] * (happy + i % 2) + ["neutral"] * (frames - happy - i % 2)
                made = make_table({0: shown})
                parts.append(made.assign(participant=f"P{i}", condition=condition, clip=f"{condition}{i}{clip}"))
    return pd.concat(parts, ignore_index=True)


def test_values_are_means_of_clips_not_of_frames():
    found = participant_values(study(), "share", "happy")
    assert len(found) == 14
    assert set(found["units"]) == {2}
    first = found[(found["participant"] == "P0") & (found["condition"] == "film")]["value"].item()
    assert first == pytest.approx((6 / 10 + 6 / 40) / 2)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("mean", ((0.6 * 0.8 + 0.4 * 0.2 / 6) + (0.15 * 0.8 + 0.85 * 0.2 / 6)) / 2),
        ("episodes_per_minute", (60 + 15) / 2),
        ("mean_episode_s", 0.6),
        ("latency_s", 0.0),
        ("valence", ((0.6 * (0.8 - 0.2 / 6)) + (0.15 * (0.8 - 0.2 / 6))) / 2),
    ],
)
def test_measures_by_hand(measure, expected):
    found = participant_values(study(1), measure, None if measure == "valence" else "happy")
    value = found[found["condition"] == "film"]["value"].item()
    assert value == pytest.approx(expected, abs=1e-6)


def test_unknown_measures_and_expressions_are_refused():
    with pytest.raises(OptionError, match="no measure 'anger'"):
        participant_values(study(1), "anger", "happy")
    with pytest.raises(OptionError, match="no expression 'joy'"):
        participant_values(study(1), "share", "joy")
    with pytest.raises(OptionError, match="no column 'participant'"):
        participant_values(make_table({0: ["happy"]}))


def test_several_expressions_are_corrected_for_their_number():
    found = compare_expressions(study(), ["happy", "neutral"])
    assert [c.test.p_value for c in found] == pytest.approx([2 / 128, 2 / 128])
    assert [c.p_holm for c in found] == pytest.approx([4 / 128, 4 / 128])
    assert "Share of time with the expression happy" in found[0].sentence
    assert "corrected for several comparisons p = 0.031" in found[0].sentence
    with pytest.raises(OptionError, match="no single expression"):
        compare_expressions(study(1), ["happy"], "valence")
    refused = compare_expressions(study(3), ["happy"])
    assert refused[0].p_holm is None


def test_a_corrected_p_value_decides_the_words():
    table = values(a=np.arange(6) + 9.0, b=np.arange(6) / 7)
    found = holm([compare_conditions(table)] * 2)
    assert found[0].p_holm == pytest.approx(4 / 64)
    assert "cannot be told from chance" in found[0].sentence
