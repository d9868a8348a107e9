"""Comparison of two conditions by participants, and the correction for several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_core.statistics.effect_sizes import cohens_dz, hedges_g, rank_biserial
from fer_core.statistics.permutation import TestResult, test_two

__all__ = ["PairComparison", "compare_pair", "correct_pairs", "holm_correction"]


@dataclass(frozen=True, slots=True)
class PairComparison:
    """How two conditions differ.

    Attributes:
        first, second: names of the conditions; positive figures mean that the first is larger.
        difference: of the means.
        low, high: bounds of the 95 % bootstrap interval of the difference over participants; missing with fewer
            participants than a test needs.
        effect: standardized difference: Cohen's d_z where paired, Hedges' g where not.
        rank_biserial: -1 to 1.
        test: None where there are too few participants.
        p_holm: p-value corrected for the number of comparisons (Holm, 1979).
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    effect: float
    rank_biserial: float
    test: TestResult | None
    p_holm: float | None = None


def compare_pair(
    first: str, second: str, a: np.ndarray, b: np.ndarray, *, paired: bool, claim: bool, seed: int
) -> PairComparison:
    """Compare two conditions.

    Args:
        first: name of the first condition.
        second: name of the second condition.
        a: float (n,), a value for each participant in the first one.
        b: float (n,) of the same participants, or (m,) of others.
        paired: whether they are the same participants.
        claim: there are enough participants for a test and an interval.
        seed: makes what is drawn at random the same each time.
    """
    enough = min(len(a), len(b)) >= 2
    low, high = _interval(a, b, paired, seed) if claim else (float("nan"), float("nan"))
    missing = float("nan")
    return PairComparison(
        first=first,
        second=second,
        difference=float(a.mean() - b.mean()) if min(len(a), len(b)) else missing,
        low=low,
        high=high,
        effect=missing if not enough else cohens_dz(a, b) if paired else hedges_g(a, b),
        rank_biserial=rank_biserial(a, b, paired=paired) if enough else missing,
        test=test_two(a, b, paired=paired, seed=seed) if claim else None,
    )


def _interval(a: np.ndarray, b: np.ndarray, paired: bool, seed: int) -> tuple[float, float]:
    """95 % interval of the difference of means: bias-corrected bootstrap (BCa; Efron, 1987) over participants."""
    from scipy.stats import bootstrap

    def difference(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(x.mean(axis) - y.mean(axis))

    gap = float(a.mean() - b.mean())
    if np.ptp(a - b if paired else np.concatenate([a - a.mean(), b - b.mean()])) < 1e-12:
        return gap, gap  # no spread: BCa is not defined, and every sample gives the same
    found = bootstrap(
        (a, b),
        difference,
        paired=paired,
        vectorized=True,
        n_resamples=5000,
        batch=1000,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def correct_pairs(pairs: Sequence[PairComparison]) -> tuple[PairComparison, ...]:
    """Return the pairs with p-values corrected for their number; a single one needs no correction."""
    if len(pairs) == 1 or any(pair.test is None for pair in pairs):
        return tuple(pairs)
    p_values = [pair.test.p_value for pair in pairs if pair.test is not None]
    return tuple(replace(pair, p_holm=p) for pair, p in zip(pairs, holm_correction(p_values), strict=True))


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected by Holm's method (1979; via statsmodels)."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]]
