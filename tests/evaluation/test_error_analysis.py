"""Which images are hard, contested or mixed up: held against plain loops and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from fer_core.evaluation.error_analysis import cell_members, disagreements, highest_loss, label_loss, vote_loss

RNG = np.random.default_rng(7)
P = RNG.dirichlet([0.5] * 4, 80)
LABELS = RNG.integers(0, 4, 80)


def test_the_mean_loss_is_that_of_scikit_learn():
    assert label_loss(P, LABELS).mean() == pytest.approx(metrics.log_loss(LABELS, P))


def test_loss_and_hardest_against_a_plain_loop():
    loss = label_loss(P, LABELS)
    by_hand = [-math.log(row[label]) for row, label in zip(P.tolist(), LABELS.tolist(), strict=True)]
    assert loss.tolist() == pytest.approx(by_hand)
    wanted = sorted(range(80), key=lambda i: -by_hand[i])
    assert highest_loss(loss).tolist() == wanted and highest_loss(loss, 5).tolist() == wanted[:5]


def test_a_sure_mistake_has_a_finite_loss():
    assert label_loss(np.array([[1.0, 0.0]]), np.array([1])).tolist() == pytest.approx([-math.log(1e-12)])


def test_hardest_of_several_models_is_by_their_mean():
    assert highest_loss(np.array([[0.0, 3.0, 1.0], [0.0, 0.0, 4.0]])).tolist() == [2, 1, 0]
    assert highest_loss(np.array([1.0, np.nan, 2.0, 1.0])).tolist() == [2, 0, 3]
    assert highest_loss(np.array([np.nan])).tolist() == []


def test_loss_against_votes_by_a_plain_loop():
    p = RNG.dirichlet([0.5] * 8, 30)
    votes = RNG.multinomial(10, [0.1] * 10, 30).astype(np.uint8)
    for found, row, cast in zip(vote_loss(p, votes), p.tolist(), votes.tolist(), strict=True):
        total = sum(cast[:8])
        by_hand = sum(v / total * math.log(v / total / q) for v, q in zip(cast, row, strict=False) if v)
        assert found == pytest.approx(by_hand)


def test_a_model_that_says_what_the_people_say_costs_nothing():
    votes = np.zeros((3, 10), np.uint8)
    votes[0, [0, 3]] = 5, 5  # people disagree, and the model with them
    votes[1, 8:] = 4, 6  # nobody sees an expression
    votes[2, 0] = 10
    p = np.full((3, 8), 1e-9)
    p[0, [0, 3]] = 0.5
    p[2, 1] = 1.0
    found = vote_loss(p, votes)
    assert found[0] == pytest.approx(0, abs=1e-6) and math.isnan(found[1]) and found[2] > 15
    assert highest_loss(found).tolist() == [2, 0]


def test_disagreements_against_a_plain_loop():
    models = [RNG.dirichlet([0.5] * 3, 60) for _ in range(3)]
    contested = []
    for i in range(60):
        answers = [max(range(3), key=m[i].__getitem__) for m in models]
        if len(set(answers)) > 1:
            contested.append((-min(max(m[i]) for m in models), i))
    assert 0 < len(contested) < 60
    assert disagreements(models).tolist() == [i for _, i in sorted(contested)]


def test_one_model_or_none_contests_nothing():
    assert disagreements([P]).tolist() == [] and disagreements([]).tolist() == []


def test_the_members_of_every_cell_against_scikit_learn():
    counts = metrics.confusion_matrix(LABELS, P.argmax(1), labels=range(4))
    seen = []
    for true in range(4):
        for said in range(4):
            found = cell_members(P, LABELS, true, said).tolist()
            assert len(found) == counts[true, said]
            assert all(LABELS[i] == true and P[i].argmax() == said for i in found)
            sure = [P[i, said] for i in found]
            assert sure == sorted(sure, reverse=True)
            seen += found
    assert sorted(seen) == list(range(80))
