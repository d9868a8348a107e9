"""How good a model is: accuracy, recall, calibration, and what "unsure" buys. Plain NumPy on probabilities."""

from __future__ import annotations

import numpy as np

from .datasets import Dataset
from .labels import FERPLUS8

__all__ = ["calibration_error", "clean", "fit_temperature", "linked", "majority", "measure", "risk_coverage"]


def measure(probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, object]:
    """Figures of a classifier against labels.

    Args:
        probabilities: (n, k), rows sum to 1.
        labels: (n,), indices of the true classes.
        names: the k class names.

    Returns:
        n, accuracy, macro_f1, nll, ece, and per_class: recall by name (None where a class has no image).
    """
    guess, k = probabilities.argmax(1), len(names)
    confusion = np.zeros((k, k), np.int64)
    np.add.at(confusion, (labels, guess), 1)
    hits, true, said = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    present = true > 0
    f1 = 2 * hits / np.maximum(true + said, 1)
    chosen = probabilities[np.arange(len(labels)), labels]
    return {
        "n": len(labels),
        "accuracy": float((guess == labels).mean()),
        "macro_f1": float(f1[present].mean()),
        "nll": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        "ece": calibration_error(probabilities, labels),
        "per_class": {n: float(h / t) if t else None for n, h, t in zip(names, hits, true, strict=True)},
    }


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error in equal-width bins of confidence (Guo et al., 2017)."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(right[place == b].mean() - confidence[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


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


def majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What most people saw: (clear, expression).

    Args:
        votes: (n, 10), FER+ votes.

    Returns:
        clear: bool (n,), more than half of the votes are for one of the eight expressions.
        expression: int (n,), index into `labels.FERPLUS8`; meaningful where clear.
    """
    clear = (votes.max(1) > votes.sum(1) / 2) & (votes.argmax(1) < len(FERPLUS8))
    return clear, votes.argmax(1)


def risk_coverage(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Error among those answered, against the share answered, when the least confident are left out first.

    Returns:
        coverage and risk, each (n,), from the most confident single image to all.
    """
    order = np.argsort(-probabilities.max(1), kind="stable")
    wrong = (probabilities.argmax(1) != labels)[order]
    count = np.arange(1, len(labels) + 1)
    return count / len(labels), np.cumsum(wrong) / count


def linked(images: np.ndarray, others: np.ndarray, likeness: float = 0.98) -> np.ndarray:
    """Which images have a copy or a near copy, also mirrored, among others.

    Compared are 16x16 thumbnails of mean 0 and length 1; their inner product is the likeness.

    Args:
        images, others: uint8 (n, 48, 48) and (m, 48, 48).
        likeness: from which on two images are the same picture.

    Returns:
        bool (n,).
    """

    def thumbnails(stack: np.ndarray) -> np.ndarray:
        small = stack.reshape(-1, 16, 3, 16, 3).mean((2, 4), dtype=np.float32).reshape(-1, 256)
        small -= small.mean(1, keepdims=True)
        return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)

    known, found = thumbnails(others), np.zeros(len(images), bool)
    if len(known) == 0:
        return found
    for view in (images, images[:, :, ::-1]):
        own = thumbnails(view)
        for i in range(0, len(own), 512):
            found[i : i + 512] |= (own[i : i + 512] @ known.T).max(1) >= likeness
    return found


def clean(test: Dataset, training: Dataset) -> Dataset:
    """The test images without those that the training images give away."""
    keep = ~linked(test.images, training.images)
    return Dataset(test.images[keep], test.labels[keep], test.names, test.splits[keep], test.votes[keep])
