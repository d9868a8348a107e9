"""Permutation tests for few participants: exact where all permutations can be listed (Pitman, 1937; via SciPy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, factorial, prod

import numpy as np

__all__ = ["RESAMPLES", "TestResult", "test_many", "test_two"]

RESAMPLES = 20_000
"""Permutations that are tried at most; where there are no more than these, all are, and the test is exact."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test gave.

    Attributes:
        name: of the test, in words.
        statistic: its figure: a difference of means, Friedman's Q, or Kruskal and Wallis' H.
        p_value: share of the permutations with a figure at least as extreme.
        exact: all permutations were tried, not a random part of them.
    """

    __test__ = False  # no test of pytest

    name: str
    statistic: float
    p_value: float
    exact: bool


def test_two(first: np.ndarray, second: np.ndarray, *, paired: bool, seed: int = 0) -> TestResult:
    """Test whether two conditions have the same mean.

    Paired: the signs of the differences are flipped. Unpaired: participants are given to the two conditions anew.

    Args:
        first: float (n,), a value for each participant.
        second: float (n,) of the same participants, or (m,) of others.
        paired: whether they are the same participants.
        seed: makes a random part of the permutations the same each time.
    """

    def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(a.mean(axis) - b.mean(axis))

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    count = 2 ** len(a) if paired else comb(len(a) + len(b), len(a))
    kind = "sign-flip permutation test" if paired else "label permutation test"
    found = _permute((a, b), difference, "samples" if paired else "independent", "two-sided", seed)
    return TestResult(kind, float(difference(a, b)), found, count <= RESAMPLES)


def test_many(samples: Sequence[np.ndarray], *, paired: bool, seed: int = 0) -> TestResult:
    """Test whether three or more conditions differ at all.

    Paired: Friedman's test of ranks within each participant. Unpaired: Kruskal and Wallis' test of ranks over all. The
    p-value is that of their permutation form, as their usual approximation by chi squared needs many participants.

    Args:
        samples: one float array for each condition.
        paired: whether the values of each place are of the same participant.
        seed: makes a random part of the permutations the same each time.
    """
    from scipy.stats import friedmanchisquare, kruskal, rankdata

    data = tuple(np.asarray(sample, np.float64) for sample in samples)
    sizes = [len(sample) for sample in data]
    if all(np.ptp(row) == 0 for row in _exchanged(data, paired)):
        return TestResult("Friedman test" if paired else "Kruskal-Wallis test", 0.0, 1.0, True)

    def within(*parts: np.ndarray, axis: int = -1) -> np.ndarray:
        ranks = rankdata(np.stack(parts), axis=0)
        return np.asarray((ranks.sum(-1) ** 2).sum(0))

    def between(*parts: np.ndarray, axis: int = -1) -> np.ndarray:
        ranks = np.split(rankdata(np.concatenate(parts, axis=-1), axis=-1), np.cumsum(sizes)[:-1], axis=-1)
        return np.asarray(sum(part.sum(-1) ** 2 / part.shape[-1] for part in ranks))

    if paired:
        count = factorial(len(data)) ** sizes[0]
        p_value = _permute(data, within, "samples", "greater", seed)
        return TestResult("Friedman test", float(friedmanchisquare(*data).statistic), p_value, count <= RESAMPLES)
    count = factorial(sum(sizes)) // prod(factorial(size) for size in sizes)
    p_value = _permute(data, between, "independent", "greater", seed)
    return TestResult("Kruskal-Wallis test", float(kruskal(*data).statistic), p_value, count <= RESAMPLES)


def _exchanged(data: tuple[np.ndarray, ...], paired: bool) -> np.ndarray:
    """Return the values that permutations exchange, a row for each set."""
    return np.stack(data, axis=1) if paired else np.concatenate(data)[None]


def _permute(data: tuple[np.ndarray, ...], statistic: object, kind: str, alternative: str, seed: int) -> float:
    from scipy.stats import permutation_test  # half a second of start-up

    found = permutation_test(
        data,
        statistic,
        permutation_type=kind,
        vectorized=True,
        alternative=alternative,
        n_resamples=RESAMPLES,
        batch=2000,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)
