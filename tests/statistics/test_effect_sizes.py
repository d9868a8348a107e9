"""Effect sizes against independent computations."""

import math

import numpy as np
import pytest
from scipy import stats

from fer_core.statistics.effect_sizes import (
    cohens_dz,
    epsilon_squared,
    hedges_g,
    kendalls_w,
    rank_biserial,
    size_word,
)

RNG = np.random.default_rng(7)
A, B = RNG.normal(1.0, 1, 9), RNG.normal(0.3, 2, 9)


def test_dz_is_t_over_root_n():
    assert cohens_dz(A, B) == pytest.approx(stats.ttest_rel(A, B).statistic / math.sqrt(9))
    assert cohens_dz(B, A) == -cohens_dz(A, B)


def test_g_is_t_times_root_of_sizes_with_correction():
    c = B[:5]
    d = stats.ttest_ind(A, c).statistic * math.sqrt(1 / 9 + 1 / 5)
    assert hedges_g(A, c) == pytest.approx(d * (1 - 3 / (4 * 12 - 1)), rel=1e-3)  # Hedges' own approximation
    assert hedges_g(A, c) < d


def test_without_spread():
    assert cohens_dz(A, A) == 0
    assert cohens_dz(A + 0.1, A) == math.inf
    assert hedges_g(np.zeros(3), np.ones(3)) == -math.inf


def test_rank_biserial_by_u_and_by_hand():
    c = B[:5]
    u = stats.mannwhitneyu(A, c).statistic
    assert rank_biserial(A, c, paired=False) == pytest.approx(2 * u / (9 * 5) - 1)
    first, second = np.array([5, 3, 4, 9, 1.0]), np.array([1, 4, 4, 2, 3.0])
    # differences 4, -1, 0, 7, -2; ranks without the zero 3, 1, 4, 2
    assert rank_biserial(first, second, paired=True) == pytest.approx((3 + 4 - 1 - 2) / 10)
    assert rank_biserial(first, first, paired=True) == 0


def test_agreement_and_explained_ranks():
    same_order = np.array([[1, 2, 3], [4, 5, 9], [0, 7, 8], [2, 3, 4.0]])
    assert kendalls_w(stats.friedmanchisquare(*same_order.T).statistic, 4, 3) == pytest.approx(1)
    h = stats.kruskal([1, 2, 3], [4, 5, 6], [7, 8, 9]).statistic
    ranks = np.arange(1, 10)
    explained = 3 * ((np.array([2, 5, 8]) - 5) ** 2).sum() / ((ranks - 5) ** 2).sum()
    assert epsilon_squared(h, 9) == pytest.approx(explained)


def test_words_are_cohens():
    assert [size_word(x) for x in (0.19, 0.2, -0.5, 0.8, math.inf)] == [
        "very small",
        "small",
        "medium",
        "large",
        "large",
    ]
