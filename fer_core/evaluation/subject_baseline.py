"""A model on pictures of known people, with and without each person's own neutral face taken off.

The rule is that of `fer_core.tracking.neutral`. The pictures that a baseline is measured on are left out of both
scores, so both are of the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fer_core.errors import DatasetError, OptionError
from fer_core.tracking.neutral import FLOOR, Baseline, adjust, neutral_index

__all__ = ["MIN_SUBJECTS", "Score", "SubjectBaselineResult", "evaluate_subject_baseline"]

MIN_SUBJECTS = 5
"""Subjects from which on the gain has an interval: with fewer, resampling sees too few different samples."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well expressions are named.

    Attributes:
        accuracy: share of the images, 0 to 1.
        balanced_recall: mean of the recalls of all expressions that have images.
        recall: by expression; only those that have images.
    """

    accuracy: float
    balanced_recall: float
    recall: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SubjectBaselineResult:
    """What a person's own neutral face brings.

    Attributes:
        subjects: how many people were scored.
        images: how many images were scored.
        baseline_images: how many images the baselines were measured on; they are not scored.
        left_out: subjects without a neutral image, or without any other than those of the baseline.
        plain: the score without baseline.
        adjusted: the score with it, of the same images.
        gain: in accuracy.
        gain_interval: 95 % bootstrap interval of the gain over subjects; None with fewer than `MIN_SUBJECTS`.
    """

    subjects: int
    images: int
    baseline_images: int
    left_out: tuple[str, ...]
    plain: Score
    adjusted: Score
    gain: float
    gain_interval: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def evaluate_subject_baseline(
    probabilities: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...],
    subjects: Sequence[str] | np.ndarray,
    *,
    images_each: int = 1,
    floor: float = FLOOR,
) -> SubjectBaselineResult:
    """Score a model with and without each subject's own neutral face taken off.

    Args:
        probabilities: float (n, k), of each image, rows sum to 1.
        labels: int (n,), indices of the true expressions.
        names: the k expressions, with "neutral" among them.
        subjects: (n,), who is in each image.
        images_each: how many neutral images of a subject make the baseline: the first ones in the order given.
        floor: smaller probabilities are taken for this one; see `fer_core.tracking.neutral`.

    Raises:
        OptionError: there is no "neutral", or `images_each` is below 1.
        DatasetError: no subject has a neutral image and another one.

    Example:
        >>> p = np.array([[0.6, 0.4], [0.9, 0.1], [0.6, 0.4]])  # one person, who reads as sad at rest
        >>> found = evaluate_subject_baseline(p, np.array([1, 0, 1]), ("sad", "neutral"), ["Ann"] * 3)
        >>> found.plain.accuracy, found.adjusted.accuracy
        (0.5, 1.0)
    """
    if images_each < 1:
        raise OptionError(f"'images_each' must be 1 or more; received {images_each}. One neutral image is enough.")
    neutral, who = neutral_index(names), np.asarray(subjects).astype(str)
    given, truth = np.asarray(probabilities, np.float64), np.asarray(labels)
    if given.shape != (len(truth), len(names)) or who.shape != truth.shape:
        raise ValueError(
            f"probabilities must be (n, {len(names)}), labels and subjects (n,); received {given.shape}, "
            f"{truth.shape} and {who.shape}"
        )
    adjusted, scored, used, left_out = _adjusted(given, truth == neutral, names, who, images_each, floor)
    if not scored.any():
        raise DatasetError(
            "No person has a neutral image and another one, so there is nothing to measure a baseline on. Choose a "
            "dataset with several images of each person, and the column that says who it is."
        )
    before = (given[scored].argmax(1) == truth[scored]).astype(np.float64)
    after = (adjusted[scored].argmax(1) == truth[scored]).astype(np.float64)
    return SubjectBaselineResult(
        subjects=len(set(who[scored].tolist())),
        images=int(scored.sum()),
        baseline_images=used,
        left_out=tuple(left_out),
        plain=_score(before, truth[scored], names),
        adjusted=_score(after, truth[scored], names),
        gain=float(after.mean() - before.mean()),
        gain_interval=_interval(after - before, who[scored]),
    )


def _adjusted(
    given: np.ndarray, at_rest: np.ndarray, names: tuple[str, ...], who: np.ndarray, images_each: int, floor: float
) -> tuple[np.ndarray, np.ndarray, int, list[str]]:
    """Adjusted probabilities, which images are scored, how many are not as baselines, and subjects left out."""
    adjusted, scored, used, left_out = given.copy(), np.zeros(len(who), bool), 0, []
    for subject in dict.fromkeys(who.tolist()):
        own = np.flatnonzero(who == subject)
        rest = own[at_rest[own]][:images_each]
        others = np.setdiff1d(own, rest)
        if not len(rest) or not len(others):
            left_out.append(subject)
            continue
        baseline = Baseline.of(given[rest], names, subject, np.zeros(1), floor=floor)
        adjusted[others] = adjust(given[others], baseline, floor=floor)
        scored[others] = True
        used += len(rest)
    return adjusted, scored, used, left_out


def _score(right: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> Score:
    recall = {name: float(right[truth == i].mean()) for i, name in enumerate(names) if (truth == i).any()}
    return Score(float(right.mean()), float(np.mean(list(recall.values()))), recall)


def _interval(gains: np.ndarray, who: np.ndarray) -> tuple[float, float] | None:
    """95 % interval of the mean gain; subjects are drawn anew, as images of one subject are alike."""
    from scipy.stats import bootstrap

    subjects, place = np.unique(who, return_inverse=True)
    if len(subjects) < MIN_SUBJECTS:
        return None

    def mean(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(sums.sum(axis) / counts.sum(axis))

    sums, counts = np.bincount(place, gains), np.bincount(place).astype(np.float64)
    found = bootstrap(
        (sums, counts),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=5000,
        batch=1000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
