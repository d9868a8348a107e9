"""Comparison of two or more conditions by participants: effect sizes, permutation tests, and a sentence that says it.

Frames are never taken for independent: what is compared is one value for each participant and condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import pandas as pd

from fer_core.errors import OptionError
from fer_core.statistics.effect_sizes import epsilon_squared, kendalls_w
from fer_core.statistics.pairwise import PairComparison, compare_pair, correct_pairs, holm_correction
from fer_core.statistics.participants import MEASURES, check_measure, values_of_units
from fer_core.statistics.permutation import TestResult, test_many
from fer_core.statistics.units import check_columns, measure_units

__all__ = [
    "MIN_PAIRED",
    "MIN_PER_CONDITION",
    "ConditionComparison",
    "compare_conditions",
    "compare_expressions",
    "holm",
]

MIN_PAIRED = 6
"""Participants that a paired test needs: with five, even a difference that all share has p = 2 / 2^5 = 0.06."""

MIN_PER_CONDITION = 4
"""Participants that an unpaired test needs in each condition: with three each, p is never below 2 / 20 = 0.10."""


@dataclass(frozen=True, slots=True)
class ConditionComparison:
    """How conditions differ in one measure.

    Attributes:
        measure: what is compared, in words.
        conditions: their names.
        paired: the same participants took part in all of them.
        participants: how many there are in each condition.
        means, deviations: of the participants' values in each condition; standard deviations of the sample.
        pairs: each two conditions; one where there are two.
        omnibus: whether they differ at all; None with two conditions, or too few participants.
        effect: Kendall's W or epsilon squared of the omnibus test; missing with two conditions.
        left_out: participants without a value in each condition of a paired comparison.
        refusal: why nothing is claimed; empty where something can be.
        p_holm: p-value corrected for several measures that were compared at once; see `holm`.
    """

    measure: str
    conditions: tuple[str, ...]
    paired: bool
    participants: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    pairs: tuple[PairComparison, ...]
    omnibus: TestResult | None = None
    effect: float = float("nan")
    left_out: tuple[str, ...] = ()
    refusal: str = ""
    p_holm: float | None = field(default=None, kw_only=True)

    @property
    def test(self) -> TestResult | None:
        """The test that the comparison stands by: the omnibus test, or that of the only pair."""
        return self.omnibus if len(self.conditions) > 2 else self.pairs[0].test

    @property
    def sentence(self) -> str:
        """What was found, in plain words, with the assumptions."""
        from fer_core.statistics.wording import comparison_sentence

        return comparison_sentence(self)


def compare_conditions(
    values: pd.DataFrame, *, measure: str = "value", paired: bool | None = None, seed: int = 0
) -> ConditionComparison:
    """Compare conditions by the values of participants.

    Args:
        values: columns participant, condition, value: one row for each participant and condition; see
            `participant_values`. Rows without a value are left out.
        measure: what the values are, for the sentence.
        paired: the same participants took part in all conditions; found out if None.
        seed: makes what is drawn at random the same each time.

    Raises:
        OptionError: there are not two conditions with values, a participant stands twice in one condition, or
            participants took part in several conditions though the comparison is to be unpaired.

    Example:
        >>> rows = [(f"P{i}", c, v + i / 10) for i in range(8) for c, v in (("film", 0.6), ("pause", 0.5))]
        >>> found = compare_conditions(pd.DataFrame(rows, columns=["participant", "condition", "value"]))
        >>> found.paired, round(found.pairs[0].difference, 6), found.test.p_value
        (True, 0.1, 0.0078125)
    """
    known = _checked(values)
    taken = known.groupby("participant")["condition"].nunique()
    names = tuple(str(name) for name in dict.fromkeys(known["condition"]))
    if paired is None:
        paired = bool((taken > 1).any())
    if not paired and (taken > 1).any():
        raise OptionError(
            f"{taken.idxmax()} took part in several conditions, so an unpaired comparison would count the same person "
            "as several. Compare paired."
        )
    wide = known.pivot(index="participant", columns="condition", values="value")[list(names)]
    whole = wide.dropna() if paired else wide
    left_out = tuple(str(name) for name in wide.index.difference(whole.index)) if paired else ()
    samples = [whole[name].dropna().to_numpy(np.float64) for name in names]
    refusal = _refusal(samples, names, paired)
    pairs = [
        compare_pair(names[i], names[j], samples[i], samples[j], paired=paired, claim=not refusal, seed=seed)
        for i, j in combinations(range(len(names)), 2)
    ]
    omnibus, effect = None, float("nan")
    if len(names) > 2 and not refusal:
        omnibus = test_many(samples, paired=paired, seed=seed)
        n = len(whole) if paired else sum(map(len, samples))
        effect = kendalls_w(omnibus.statistic, n, len(names)) if paired else epsilon_squared(omnibus.statistic, n)
    return ConditionComparison(
        measure=measure,
        conditions=names,
        paired=paired,
        participants=tuple(len(sample) for sample in samples),
        means=tuple(float(sample.mean()) if len(sample) else float("nan") for sample in samples),
        deviations=tuple(float(sample.std(ddof=1)) if len(sample) > 1 else float("nan") for sample in samples),
        pairs=correct_pairs(pairs),
        omnibus=omnibus,
        effect=effect,
        left_out=left_out,
        refusal=refusal,
    )


def compare_expressions(
    table: pd.DataFrame,
    expressions: Sequence[str],
    measure: str = "share",
    *,
    condition: str = "condition",
    paired: bool | None = None,
    min_seconds: float = 0.3,
    seed: int = 0,
) -> list[ConditionComparison]:
    """Compare conditions in several expressions, corrected for their number; see `participant_values`.

    Args:
        table: native long table with columns participant and that of the condition.
        expressions: which ones.
        measure: one of `MEASURES`, except valence, which is of no single expression.
        condition: the column whose values are compared.
        paired: see `compare_conditions`.
        min_seconds: shorter episodes do not count.
        seed: makes what is drawn at random the same each time.
    """
    check_measure(measure)
    if measure == "valence":
        raise OptionError("Valence is of no single expression. Compare the values of participants in it alone.")
    check_columns(table, ["participant", condition])
    units = measure_units(table, ["participant", condition], min_seconds=min_seconds)
    found = []
    for name in expressions:
        values = values_of_units(units, measure, name, condition=condition)
        words = MEASURES[measure].format(name=name)
        found.append(compare_conditions(values, measure=words, paired=paired, seed=seed))
    return holm(found)


def holm(comparisons: Sequence[ConditionComparison]) -> list[ConditionComparison]:
    """Return the comparisons with p-values corrected for their number (Holm, 1979; via statsmodels)."""
    tests = [comparison.test for comparison in comparisons]
    corrected = iter(holm_correction([test.p_value for test in tests if test is not None]))
    return [
        comparison if test is None else replace(comparison, p_holm=next(corrected))
        for comparison, test in zip(comparisons, tests, strict=True)
    ]


def _checked(values: pd.DataFrame) -> pd.DataFrame:
    check_columns(values, ["participant", "condition", "value"])
    known = values.dropna(subset=["participant", "condition", "value"])
    if twice := known[known.duplicated(["participant", "condition"])]["participant"].tolist():
        raise OptionError(f"{twice[0]} has several values in one condition. Give one value each, such as their mean.")
    if known["condition"].nunique() < 2:
        raise OptionError(
            f"A comparison needs values in two conditions; there are {known['condition'].nunique()}. "
            "Give each clip or event its condition, and choose a measure that is defined in both."
        )
    return known


def _refusal(samples: Sequence[np.ndarray], names: Sequence[str], paired: bool) -> str:
    if paired and len(samples[0]) < MIN_PAIRED:
        return (
            f"{len(samples[0])} participants took part in all conditions; a paired test needs {MIN_PAIRED}, because "
            "with fewer no difference, however large, could be told from chance"
        )
    for sample, name in zip(samples, names, strict=True):
        if not paired and len(sample) < MIN_PER_CONDITION:
            return (
                f"there are {len(sample)} participants in {name!r}; an unpaired test needs {MIN_PER_CONDITION} in each "
                "condition, because with fewer no difference, however large, could be told from chance"
            )
    return ""
