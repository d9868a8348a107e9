"""Permutation tests against lists of all permutations."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from fer_core.statistics.permutation import test_many as many
from fer_core.statistics.permutation import test_two as two

RNG = np.random.default_rng(11)


def test_paired_is_the_list_of_all_signs():
    a, b = RNG.normal(0.6, 1, 8), RNG.normal(0, 1, 8)
    d = a - b
    all_means = [abs((np.array(signs) * d).mean()) for signs in product([1, -1], repeat=8)]
    expected = np.mean(np.array(all_means) >= abs(d.mean()) - 1e-12)
    found = two(a, b, paired=True)
    assert found.p_value == pytest.approx(expected)
    assert found.exact
    assert found.statistic == pytest.approx(d.mean())
    assert "sign-flip" in found.name


def test_unpaired_is_the_list_of_all_labels():
    a, b = RNG.normal(1.2, 1, 5), RNG.normal(0, 1, 4)
    everybody = np.concatenate([a, b])
    gaps = []
    for chosen in combinations(range(9), 5):
        mask = np.isin(np.arange(9), chosen)
        gaps.append(everybody[mask].mean() - everybody[~mask].mean())
    observed = a.mean() - b.mean()
    more, less = np.mean(np.array(gaps) >= observed - 1e-12), np.mean(np.array(gaps) <= observed + 1e-12)
    found = two(a, b, paired=False)
    assert found.p_value == pytest.approx(min(1, 2 * min(more, less)))
    assert found.exact


def test_friedman_is_the_list_of_all_orders_within_participants():
    table = RNG.normal([0, 0.8, 1.0], 1, (4, 3)).round(1)
    table[0, 1] = table[0, 0]  # a tie
    observed = stats.friedmanchisquare(*table.T).statistic
    at_least = []
    for orders in product(permutations(range(3)), repeat=4):
        moved = np.array([row[list(order)] for row, order in zip(table, orders, strict=True)])
        at_least.append(stats.friedmanchisquare(*moved.T).statistic >= observed - 1e-9)
    found = many(list(table.T), paired=True)
    assert found.statistic == pytest.approx(observed)
    assert found.p_value == pytest.approx(np.mean(at_least))
    assert found.exact


def test_kruskal_is_the_list_of_all_groupings():
    a, b, c = RNG.normal(0, 1, 3), RNG.normal(1, 1, 2), RNG.normal(2, 1, 3)
    everybody = np.concatenate([a, b, c])
    observed = stats.kruskal(a, b, c).statistic
    at_least = []
    for first in combinations(range(8), 3):
        rest = [i for i in range(8) if i not in first]
        for second in combinations(rest, 2):
            third = [i for i in rest if i not in second]
            h = stats.kruskal(everybody[list(first)], everybody[list(second)], everybody[third]).statistic
            at_least.append(h >= observed - 1e-9)
    found = many([a, b, c], paired=False)
    assert found.statistic == pytest.approx(observed)
    assert found.p_value == pytest.approx(np.mean(at_least))


def test_many_participants_are_sampled_at_random_but_the_same_each_time():
    a, b = RNG.normal(0.4, 1, 20), RNG.normal(0, 1, 20)
    found = two(a, b, paired=True)
    assert not found.exact
    assert found == two(a, b, paired=True)
    assert found.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.02)


@pytest.mark.parametrize("paired", [True, False])
def test_no_difference_at_all_has_p_1(paired):
    same = np.full(6, 0.3)
    assert two(same, same, paired=paired).p_value == 1
    assert many([same, same, same], paired=paired).p_value == 1
