"""How good a model is: accuracy, recall, calibration, and what "unsure" buys; of probabilities."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from fer_core.curation.near_duplicates import duplicated_in
from fer_core.datasets.dataset import Dataset
from fer_core.labels import FERPLUS8

__all__ = [
    "LEAST",
    "calibration_error",
    "compute_metrics",
    "compute_vote_metrics",
    "fit_temperature",
    "mcnemar",
    "reliability",
    "risk_coverage",
    "wilson_interval",
    "without_duplicates",
]

LEAST = 1e-12
"""Probability from which on a sure mistake costs no more: it is the worst, but not infinitely bad."""


def compute_metrics(
    probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...], *, answers: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the figures of a classifier against labels; from scikit-learn where it has them.

    Args:
        probabilities: (n, k), rows sum to 1.
        labels: (n,), indices of the true classes.
        names: the k class names.
        answers: the classes that the classifier can name at all; all if None. Images of another class count as
            mistakes, but not for the log-likelihood, which would be infinite.

    Returns:
        n, accuracy, accuracy_interval (95 %), balanced_recall and macro_f1 (over classes with an image), nll, ece,
        top2, per_class (recall by name), precision (by name), confusion (k x k, a row for each true class). None stands
        where there is nothing to measure: the recall of a class without images, the precision of one never said.

    Raises:
        ValueError: there are no images.

    Example:
        >>> import numpy as np
        >>> answers = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> compute_metrics(answers, np.array([0, 1]), ("happy", "sad"))["accuracy"]
        1.0
    """
    from sklearn import metrics  # a second of start-up

    if len(labels) == 0:
        raise ValueError("measure needs at least one image")
    guess, k = probabilities.argmax(1), len(names)
    confusion = metrics.confusion_matrix(labels, guess, labels=range(k))
    true, said = confusion.sum(1), confusion.sum(0)
    recall = metrics.recall_score(labels, guess, labels=range(k), average=None, zero_division=0)
    precision = metrics.precision_score(labels, guess, labels=range(k), average=None, zero_division=0)
    named = np.isin(names, list(names if answers is None else answers))[labels]
    given = np.maximum(probabilities[named], LEAST)
    right = int((guess == labels).sum())
    return {
        "n": len(labels),
        "accuracy": right / len(labels),
        "accuracy_interval": wilson_interval(right, len(labels)),
        "balanced_recall": float(recall[true > 0].mean()),
        "macro_f1": float(
            metrics.f1_score(labels, guess, labels=np.flatnonzero(true), average="macro", zero_division=0)
        ),
        "nll": float(metrics.log_loss(labels[named], given, labels=range(k))) if named.any() else None,
        "ece": calibration_error(probabilities, labels),
        # scikit-learn's own takes the last of equals first, where argmax takes the first: a model could then be right
        # more often at once than within two guesses.
        "top2": float((np.argsort(-probabilities, axis=1, kind="stable")[:, :2] == labels[:, None]).any(1).mean()),
        "per_class": {n: float(r) if t else None for n, r, t in zip(names, recall, true, strict=True)},
        "precision": {n: float(p) if s else None for n, p, s in zip(names, precision, said, strict=True)},
        "confusion": confusion.tolist(),
    }


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927): where it would lie if other pictures of the same kind were taken."""
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(right: np.ndarray, other: np.ndarray) -> dict[str, float | int]:
    """Return whether two classifiers differ on the same images (McNemar's exact test, 1947).

    Args:
        right: bool (n,), which images the first got right.
        other: bool (n,), the same of the second.

    Returns:
        only_first and only_second: images that one alone got right; p: how likely a difference at least as large is
        if both were equally good.
    """
    from scipy.stats import binomtest

    first, second = int((right & ~other).sum()), int((other & ~right).sum())
    p = float(binomtest(first, first + second).pvalue) if first + second else 1.0
    return {"only_first": first, "only_second": second, "p": p}


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict[str, float]]:
    """Return how often it was right where it was so sure, in bins of equal width: n, mean confidence, accuracy."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "from": b / bins,
            "to": (b + 1) / bins,
            "n": int((place == b).sum()),
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
        }
        for b in range(bins)
        if (place == b).any()
    ]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error in equal-width bins of confidence (Guo et al., 2017)."""
    found = reliability(probabilities, labels, bins)
    return float(sum(abs(b["accuracy"] - b["confidence"]) * b["n"] for b in found) / len(labels))


def compute_vote_metrics(probabilities: np.ndarray, votes: np.ndarray) -> dict[str, float | int]:
    """Return a classifier against all ten people rather than their majority.

    Args:
        probabilities: (n, 8), in the order of `labels.FERPLUS8`.
        votes: (n, 10), FER+ votes; those for unknown and not a face are left out.

    Returns:
        n: images with a vote for one of the eight expressions; agreement: the share of people who see what it says;
        ceiling: the best agreement possible, of always saying what most see; cross_entropy with the votes' shares, and
        entropy, the least that it can be.
    """
    kept = votes[:, : len(FERPLUS8)].astype(np.float64)
    known = kept.sum(1) > 0
    if not known.any():
        return {"n": 0}
    share = kept[known] / kept[known].sum(1, keepdims=True)
    given = np.maximum(probabilities[known], 1e-12)
    return {
        "n": int(known.sum()),
        "agreement": float(share[np.arange(len(share)), given.argmax(1)].mean()),
        "ceiling": float(share.max(1).mean()),
        "cross_entropy": float(-(share * np.log(given)).sum(1).mean()),
        "entropy": float(-(share * np.log(np.where(share > 0, share, 1))).sum(1).mean()),
    }


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature with the least negative log-likelihood, to three digits (Guo et al., 2017)."""

    def nll(t: float) -> float:
        scaled = logits / t
        top = scaled.max(1, keepdims=True)
        log_sum = np.log(np.exp(scaled - top).sum(1)) + top[:, 0]
        return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())

    grid = np.geomspace(0.3, 4.0, 60)
    best = min(grid, key=nll)
    return round(float(min(np.linspace(best * 0.95, best * 1.05, 101), key=nll)), 3)


def risk_coverage(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Error among those answered, against the share answered, when the least confident are left out first.

    Returns:
        coverage and risk, each (n,), from the most confident single image to all.
    """
    order = np.argsort(-probabilities.max(1), kind="stable")
    wrong = (probabilities.argmax(1) != labels)[order]
    count = np.arange(1, len(labels) + 1)
    return count / len(labels), np.cumsum(wrong) / count


def without_duplicates(test: Dataset, training: Dataset) -> Dataset:
    """Return the test images without those that the training images give away."""
    keep = ~duplicated_in(test.images, training.images)
    return Dataset(test.images[keep], test.labels[keep], test.names, test.splits[keep], test.votes[keep])
