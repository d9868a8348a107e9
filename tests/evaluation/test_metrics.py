import numpy as np
import pytest

from fer_core.curation.near_duplicates import duplicated_in
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.votes import majority
from fer_core.evaluation.metrics import (
    calibration_error,
    compute_metrics,
    compute_vote_metrics,
    fit_temperature,
    mcnemar,
    reliability,
    risk_coverage,
    wilson_interval,
    without_duplicates,
)
from fer_core.labels import FERPLUS8, FERPLUS_VOTES

RNG = np.random.default_rng(0)


def test_measure():
    names = ("a", "b", "c")
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]])
    found = compute_metrics(p, np.array([0, 0, 1, 0]), names)
    assert found["n"] == 4 and found["accuracy"] == 0.75
    assert found["per_class"] == {"a": pytest.approx(2 / 3), "b": 1.0, "c": None}
    # F1: a has 2 hits, no false alarm, 1 miss: 0.8; b 1 hit, 1 false alarm: 2/3; c is absent and does not count.
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["nll"] == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.1]).mean())


def test_a_sure_mistake_costs_much_but_not_everything():
    assert 20 < compute_metrics(np.array([[1.0, 0.0]]), np.array([1]), ("a", "b"))["nll"] < 40


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
    assert duplicated_in(asked, known).tolist() == [True, True, True, True, False, False]


def test_blank_images_and_empty_sets():
    blank = np.full((2, 48, 48), 90, np.uint8)
    some = RNG.integers(0, 256, (3, 48, 48), dtype=np.uint8)
    assert duplicated_in(blank, some).tolist() == [False, False]
    assert duplicated_in(some, some[:0]).tolist() == [False] * 3
    assert duplicated_in(some[:0], some).shape == (0,)


def test_clean_drops_what_training_gives_away():
    images = RNG.integers(0, 256, (6, 48, 48), dtype=np.uint8)
    votes = np.zeros((6, len(FERPLUS_VOTES)), np.uint8)
    votes[:, 0] = range(6)

    def dataset(rows: list[int], flip: bool = False) -> Dataset:
        chosen = images[rows, :, ::-1] if flip else images[rows]
        return Dataset(chosen, np.array(rows) % 7, ("a",) * 7, np.array(["x"] * len(rows)), votes[rows])

    left = without_duplicates(dataset([0, 1, 2, 3]), dataset([1, 3, 5], flip=True))
    assert left.labels.tolist() == [0, 2] and left.votes[:, 0].tolist() == [0, 2] and len(left) == 2


def random_answers(n: int = 60, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.dirichlet([0.6] * k, n), rng.integers(0, k, n)


def test_measure_against_plain_loops():
    p, labels = random_answers()
    names = ("a", "b", "c", "d")
    found = compute_metrics(p, labels, names)
    guess = [max(range(4), key=row.__getitem__) for row in p.tolist()]
    pairs = list(zip(labels.tolist(), guess, strict=True))
    f1 = []
    for i, name in enumerate(names):
        hits = pairs.count((i, i))
        true, said = sum(t == i for t, _ in pairs), sum(g == i for _, g in pairs)
        assert found["per_class"][name] == pytest.approx(hits / true)
        assert found["precision"][name] == pytest.approx(hits / said)
        assert found["confusion"][i] == [pairs.count((i, j)) for j in range(4)]
        f1.append(2 * hits / (true + said))
    assert found["macro_f1"] == pytest.approx(sum(f1) / 4)
    assert found["accuracy"] == pytest.approx(sum(t == g for t, g in pairs) / 60)
    assert found["accuracy_interval"] == wilson_interval(sum(t == g for t, g in pairs), 60)
    two = [t in sorted(range(4), key=lambda i: -row[i])[:2] for t, row in zip(labels.tolist(), p.tolist(), strict=True)]
    assert found["top2"] == pytest.approx(sum(two) / 60)


def test_measure_of_what_was_never_said_and_of_one_class():
    found = compute_metrics(np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]]), np.array([0, 0]), ("a", "b", "c"))
    assert found["precision"] == {"a": 1.0, "b": None, "c": None}
    assert found["per_class"] == {"a": 1.0, "b": None, "c": None}
    assert (found["accuracy"], found["macro_f1"], found["top2"]) == (1.0, 1.0, 1.0)


def test_a_class_that_the_model_cannot_name_is_a_mistake_but_not_an_infinite_one():
    p, labels = np.array([[0.7, 0.3, 0.0], [0.6, 0.4, 0.0]]), np.array([0, 2])
    found = compute_metrics(p, labels, ("a", "b", "c"), answers=("a", "b"))
    assert found["accuracy"] == 0.5 and found["per_class"]["c"] == 0.0
    assert found["nll"] == pytest.approx(-np.log(0.7))
    assert compute_metrics(p[1:], labels[1:], ("a", "b", "c"), answers=("a", "b"))["nll"] is None


def test_measure_of_nothing():
    with pytest.raises(ValueError, match="at least one image"):
        compute_metrics(np.zeros((0, 2)), np.zeros(0, int), ("a", "b"))


@pytest.mark.parametrize("right, n", [(0, 5), (5, 5), (7, 10), (2474, 3589)])
def test_the_interval_is_wilsons(right, n):
    z, share = 1.959963984540054, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    assert wilson_interval(right, n) == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_mcnemar_by_hand():
    first = np.array([True] * 8 + [False] * 2 + [True] * 5 + [False] * 5)
    second = np.array([False] * 8 + [True] * 2 + [True] * 5 + [False] * 5)
    found = mcnemar(first, second)
    assert (found["only_first"], found["only_second"]) == (8, 2)
    # Two-sided: twice the chance of at most 2 heads in 10 throws, (1 + 10 + 45) / 1024.
    assert found["p"] == pytest.approx(2 * 56 / 1024)
    assert mcnemar(second, first) == {"only_first": 2, "only_second": 8, "p": pytest.approx(2 * 56 / 1024)}
    assert mcnemar(first, first) == {"only_first": 0, "only_second": 0, "p": 1.0}


def test_reliability_against_a_plain_loop():
    p, labels = random_answers()
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(p.tolist(), labels.tolist(), strict=True):
        sure = max(row)
        bins.setdefault(min(int(sure * 15), 14), []).append((sure, row.index(sure) == label))
    found = reliability(p, labels)
    assert [b["n"] for b in found] == [len(bins[i]) for i in sorted(bins)]
    for b, i in zip(found, sorted(bins), strict=True):
        assert (b["from"], b["to"]) == (i / 15, (i + 1) / 15)
        assert b["confidence"] == pytest.approx(sum(s for s, _ in bins[i]) / len(bins[i]))
        assert b["accuracy"] == pytest.approx(sum(r for _, r in bins[i]) / len(bins[i]))
    gaps = sum(abs(sum(s for s, _ in b) - sum(r for _, r in b)) for b in bins.values())
    assert calibration_error(p, labels) == pytest.approx(gaps / 60)


def test_against_votes_by_hand():
    p = np.full((3, 8), 0.04)
    p[0, 1] = p[1, 0] = p[2, 5] = 0.72
    votes = np.zeros((3, 10), np.uint8)
    votes[0, [0, 1]] = 2, 6
    votes[1, [0, 1, 8]] = 1, 4, 5  # five for "unknown" do not count
    votes[2, 9] = 10  # not a face
    found = compute_vote_metrics(p, votes)
    assert found["n"] == 2
    assert found["agreement"] == pytest.approx((6 / 8 + 1 / 5) / 2)
    assert found["ceiling"] == pytest.approx((6 / 8 + 4 / 5) / 2)
    first = -(0.25 * np.log(0.04) + 0.75 * np.log(0.72))
    second = -(0.2 * np.log(0.72) + 0.8 * np.log(0.04))
    assert found["cross_entropy"] == pytest.approx((first + second) / 2)
    entropies = [-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)), -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))]
    assert found["entropy"] == pytest.approx(sum(entropies) / 2)


def test_against_votes_that_all_agree_or_are_not_there():
    votes = np.zeros((2, len(FERPLUS_VOTES)), np.uint8)
    p = np.eye(len(FERPLUS8))[:2]
    assert compute_vote_metrics(p, votes) == {"n": 0}
    votes[[0, 1], [0, 1]] = 10
    found = compute_vote_metrics(p, votes)
    assert (found["agreement"], found["ceiling"]) == (1.0, 1.0)
    assert found["cross_entropy"] == pytest.approx(0) and found["entropy"] == pytest.approx(0)


def test_risk_coverage_against_a_plain_loop():
    p, labels = random_answers()
    coverage, risk = risk_coverage(p, labels)
    rows = sorted(zip(p.tolist(), labels.tolist(), strict=True), key=lambda pair: -max(pair[0]))
    wrong = 0
    for i, (row, label) in enumerate(rows):
        wrong += row.index(max(row)) != label
        assert coverage[i] == pytest.approx((i + 1) / 60) and risk[i] == pytest.approx(wrong / (i + 1))
