"""Where models fail: images that cost the most, images they disagree on, images behind a cell of a confusion matrix.

All take and give arrays; an image is its place among the images of the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_core.evaluation.metrics import LEAST
from fer_core.labels import FERPLUS8

__all__ = ["cell_members", "disagreements", "highest_loss", "label_loss", "vote_loss"]


def label_loss(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What each image costs against its label: the negative logarithm of the probability given to it; float (n,).

    Args:
        probabilities: (n, k), rows sum to 1.
        labels: (n,), indices of the true classes.
    """
    return np.asarray(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], LEAST)))


def vote_loss(probabilities: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """What each image costs against all who voted: Kullback and Leibler's divergence from their shares; float (n,).

    It is 0 where a model spreads its probability as the people spread their votes, so an image on which people
    disagree is not hard by that alone. NaN where nobody voted for one of the eight expressions.

    Args:
        probabilities: (n, 8), in the order of `labels.FERPLUS8`.
        votes: (n, 10), FER+ votes; those for unknown and not a face are left out.
    """
    kept = votes[:, : len(FERPLUS8)].astype(np.float64)
    total = kept.sum(1, keepdims=True)
    share = kept / np.maximum(total, 1)
    ratio = np.where(share > 0, share, 1) / np.maximum(probabilities, LEAST)
    found = (share * np.log(np.where(share > 0, ratio, 1))).sum(1)
    return np.where(total[:, 0] > 0, np.maximum(found, 0), np.nan)


def highest_loss(loss: np.ndarray, count: int | None = None) -> np.ndarray:
    """Return the images that cost the most, worst first; equals in their order, those without a loss (NaN) left out.

    Args:
        loss: (n,), or (models, n): then by the mean of the models.
        count: how many; all if None.
    """
    cost = loss.mean(0) if loss.ndim == 2 else loss
    order = np.argsort(-cost, kind="stable")  # NaN comes last
    return order[: int(np.isfinite(cost).sum())][:count]


def disagreements(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Return the images that not all models call the same, the most surely contested first.

    How surely: the least of the models' confidences, so that an image stands in front where each is sure of another
    answer. Equals stay in their order.

    Args:
        probabilities: (n, k) of each model, with the same classes.
    """
    if not len(probabilities):
        return np.empty(0, np.int64)
    stack = np.stack(list(probabilities))
    guess = stack.argmax(2)
    contested = np.flatnonzero((guess != guess[0]).any(0))
    return contested[np.argsort(-stack.max(2).min(0)[contested], kind="stable")]


def cell_members(probabilities: np.ndarray, labels: np.ndarray, true: int, said: int) -> np.ndarray:
    """The images of class `true` that were taken for `said`, the surest first: a cell of the confusion matrix."""
    guess = probabilities.argmax(1)
    found = np.flatnonzero((labels == true) & (guess == said))
    return found[np.argsort(-probabilities[found, said], kind="stable")]
