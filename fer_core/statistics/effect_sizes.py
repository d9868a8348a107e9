"""Effect sizes: how large a difference is, whatever the number of participants."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["cohens_dz", "epsilon_squared", "hedges_g", "kendalls_w", "rank_biserial", "size_word"]


def cohens_dz(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean of paired differences in units of their standard deviation (Cohen, 1988; Lakens, 2013).

    Args:
        first: float (n,).
        second: float (n,), of the same participants.

    Returns:
        Positive where the first is larger; 0 without any difference, infinite where all differences are the same.
    """
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return _standardized(float(differences.mean()), float(differences.std(ddof=1)))


def hedges_g(first: np.ndarray, second: np.ndarray) -> float:
    """Return the difference of two independent means in units of their pooled standard deviation.

    With Hedges' correction for small samples, in its exact form with the gamma function (Hedges, 1981).

    Args:
        first: float (n,).
        second: float (m,), of other participants.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    freedom = len(a) + len(b) - 2
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    correction = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return _standardized(float(a.mean() - b.mean()), pooled) * correction


def _standardized(difference: float, deviation: float) -> float:
    # Means of equal decimal numbers differ in the last digit: that is no deviation.
    if deviation > 1e-12 * max(1.0, abs(difference)):
        return difference / deviation
    return 0.0 if abs(difference) < 1e-12 else math.copysign(math.inf, difference)


def rank_biserial(first: np.ndarray, second: np.ndarray, *, paired: bool) -> float:
    """Return the rank-biserial correlation, -1 to 1: how consistently the first is the larger one.

    Paired: matched-pairs form, of the signed ranks of the differences without zeros (Kerby, 2014). Unpaired: share of
    pairs of participants in which the first is larger, minus the share in which the second is (Cureton, 1956; the same
    as Cliff's delta).

    Args:
        first: float (n,).
        second: float (n,) of the same participants, or (m,) of others.
        paired: whether they are the same participants.
    """
    from scipy.stats import rankdata

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not paired:
        return float(np.sign(a[:, None] - b[None, :]).mean())
    differences = (a - b)[a != b]
    if not len(differences):
        return 0.0
    ranks = rankdata(np.abs(differences))
    return float((ranks * np.sign(differences)).sum() / ranks.sum())


def kendalls_w(friedman: float, participants: int, conditions: int) -> float:
    """Return Kendall's coefficient of concordance of Friedman's statistic, 0 to 1: 1 if all have the same order."""
    return friedman / (participants * (conditions - 1))


def epsilon_squared(kruskal: float, participants: int) -> float:
    """Return the share of the variance of ranks that conditions explain, 0 to 1 (Kelley, 1935; Tomczak, 2014).

    Args:
        kruskal: Kruskal and Wallis' H.
        participants: in all conditions together.
    """
    return kruskal / (participants - 1)


def size_word(effect: float) -> str:
    """Return Cohen's word (1988) for a standardized difference: from 0.2 small, from 0.5 medium, from 0.8 large."""
    steps = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))
    return next((word for least, word in steps if abs(effect) >= least), "very small")
