import numpy as np
import pytest

from fer_core.datasets import Dataset
from fer_core.evaluation import calibration_error, clean, fit_temperature, linked, majority, measure, risk_coverage
from fer_core.labels import FERPLUS_VOTES

RNG = np.random.default_rng(0)


def test_measure():
    names = ("a", "b", "c")
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]])
    found = measure(p, np.array([0, 0, 1, 0]), names)
    assert found["n"] == 4 and found["accuracy"] == 0.75
    assert found["per_class"] == {"a": pytest.approx(2 / 3), "b": 1.0, "c": None}
    # F1: a has 2 hits, no false alarm, 1 miss: 0.8; b 1 hit, 1 false alarm: 2/3; c is absent and does not count.
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["nll"] == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.1]).mean())


def test_a_sure_mistake_costs_much_but_not_everything():
    assert 20 < measure(np.array([[1.0, 0.0]]), np.array([1]), ("a", "b"))["nll"] < 40


def test_calibration():
    right = np.arange(1000) % 10 < 8
    p = np.where(np.array([[True, False]]), 0.8, 0.2).repeat(1000, 0)
    labels = np.where(right, 0, 1)
    assert calibration_error(p, labels) == pytest.approx(0, abs=1e-9)
    boastful = np.array([[0.99, 0.01]]).repeat(1000, 0)
    assert calibration_error(boastful, labels) == pytest.approx(0.19, abs=1e-6)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


@pytest.mark.parametrize("true", [0.5, 1.0, 2.2])
def test_the_temperature_is_found_again(true):
    logits = RNG.normal(0, 2, (20000, 4))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (p.cumsum(1) < RNG.random((20000, 1))).sum(1)
    assert fit_temperature(logits * true, labels) == pytest.approx(true, rel=0.05)


def test_majority():
    rows = [
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], True, 0),
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], False, None),
        ([4, 3, 3, 0, 0, 0, 0, 0, 0, 0], False, None),
        ([0, 0, 0, 0, 0, 0, 0, 9, 1, 0], True, 7),
        ([0, 0, 0, 0, 0, 0, 0, 0, 9, 1], False, None),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], False, None),
        ([0] * 10, False, None),
    ]
    clear, expression = majority(np.array([votes for votes, _, _ in rows], np.uint8))
    assert clear.tolist() == [expected for _, expected, _ in rows]
    assert all(found == wanted for found, (_, _, wanted) in zip(expression, rows, strict=True) if wanted is not None)


def test_majority_of_many_votes_in_a_byte():
    assert majority(np.array([[200, 30] + [0] * 8], np.uint8))[0].tolist() == [True]


def test_risk_falls_with_coverage_where_confidence_means_something():
    p = np.array([[0.9, 0.1], [0.55, 0.45], [0.8, 0.2], [0.6, 0.4]])
    coverage, risk = risk_coverage(p, np.array([0, 1, 0, 0]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == [0, 0, 0, 0.25]


def test_copies_are_found_also_mirrored_brighter_and_compressed():
    images = RNG.integers(0, 256, (40, 6, 6), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    known = images[:30]
    brighter = (images[3].astype(int) // 2 + 60).astype(np.uint8)
    noisy = np.clip(images[5].astype(int) + RNG.integers(-6, 7, (48, 48)), 0, 255).astype(np.uint8)
    asked = np.stack([images[0], images[1, :, ::-1], brighter, noisy, images[35], images[36]])
    assert linked(asked, known).tolist() == [True, True, True, True, False, False]


def test_blank_images_and_empty_sets():
    blank = np.full((2, 48, 48), 90, np.uint8)
    some = RNG.integers(0, 256, (3, 48, 48), dtype=np.uint8)
    assert linked(blank, some).tolist() == [False, False]
    assert linked(some, some[:0]).tolist() == [False] * 3
    assert linked(some[:0], some).shape == (0,)


def test_clean_drops_what_training_gives_away():
    images = RNG.integers(0, 256, (6, 48, 48), dtype=np.uint8)
    votes = np.zeros((6, len(FERPLUS_VOTES)), np.uint8)
    votes[:, 0] = range(6)

    def dataset(rows: list[int], flip: bool = False) -> Dataset:
        chosen = images[rows, :, ::-1] if flip else images[rows]
        return Dataset(chosen, np.array(rows) % 7, ("a",) * 7, np.array(["x"] * len(rows)), votes[rows])

    left = clean(dataset([0, 1, 2, 3]), dataset([1, 3, 5], flip=True))
    assert left.labels.tolist() == [0, 2] and left.votes[:, 0].tolist() == [0, 2] and len(left) == 2
