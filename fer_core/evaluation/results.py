"""What came out for one model of a comparison, and the images and truth that it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fer_core.evaluation.metrics import compute_metrics, mcnemar, reliability, risk_coverage
from fer_core.models.predictor import Predictor

__all__ = [
    "COVERAGES",
    "FERPLUS",
    "LABELS",
    "MAIN_HEAD",
    "SHOWN",
    "Evaluation",
    "Subset",
    "SubsetKey",
]

LABELS, FERPLUS = "labels", "ferplus"
"""The two kinds of truth: the dataset's labels, and what most of FER+'s people saw."""

SHOWN, MAIN_HEAD = "shown", "main_head"
"""What pages show, held against what most people saw of the seven expressions; and the main head alone beside it."""

COVERAGES = (0.5, 0.7, 0.8, 0.9, 1.0)
CURVE = 100
"""Points of the curve of risk against coverage that are kept, evenly spread over the coverage."""


class SubsetKey(NamedTuple):
    """Which images count, and against which truth.

    Attributes:
        truth: LABELS, FERPLUS, SHOWN or MAIN_HEAD.
        deduplicated: without the images that have a near-duplicate in Training.
    """

    truth: str
    deduplicated: bool = False


@dataclass(slots=True, eq=False)
class Evaluation:
    """One model over the images of a comparison.

    Attributes:
        predictor: the model.
        probabilities: float (n, k), columns as the comparison's `names`.
        ferplus: float (n, 8), columns as `labels.FERPLUS8`; None where nobody voted or the model has no such words.
        known: by the kind of truth, the classes that the model can name.
        figures: by subset; see `Subset.figures`.
        votes: by subset, where people voted; see `compute_vote_metrics`.
        conditions: by subset, rows of condition, amount, accuracy and n, on images made worse;
            empty where that was not asked for.
        speed: images_per_second and one_ms.
        notes: what a reader of the figures has to know, a sentence each.
        shown: by SHOWN and MAIN_HEAD, float (n, 7), columns as `labels.FER7`; empty where nobody voted, or the model
            knows none of these words.
        rule: by which pages show its answers, in words.
    """

    predictor: Predictor
    probabilities: np.ndarray
    ferplus: np.ndarray | None
    speed: dict[str, float]
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    figures: dict[SubsetKey, dict[str, Any]] = field(default_factory=dict)
    votes: dict[SubsetKey, dict[str, float | int]] = field(default_factory=dict)
    conditions: dict[SubsetKey, list[dict[str, Any]]] = field(default_factory=dict)
    shown: dict[str, np.ndarray] = field(default_factory=dict)
    rule: str = ""

    @property
    def guess(self) -> np.ndarray:
        """Index of the class that the model holds for the likeliest, (n,)."""
        return np.asarray(self.probabilities.argmax(1))


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """The images that count, and what is taken to be true of them.

    Attributes:
        key: the truth, and whether near-duplicates of Training are left out.
        which: int (m,), their places among the comparison's images.
        truth: int (m,), indices into `names`.
        names: the classes.
    """

    key: SubsetKey
    which: np.ndarray
    truth: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.which)

    def probabilities(self, evaluation: Evaluation) -> np.ndarray | None:
        """What the model says of these images, (m, classes); None where it has no words for this kind of truth."""
        given = {LABELS: evaluation.probabilities, FERPLUS: evaluation.ferplus, **evaluation.shown}
        every = given.get(self.key.truth)
        return None if every is None else every[self.which]

    def right(self, evaluation: Evaluation) -> np.ndarray:
        """Return bool (m,), which of them the model names as they are."""
        given = self.probabilities(evaluation)
        return np.zeros(len(self), bool) if given is None else given.argmax(1) == self.truth

    def against(self, first: Evaluation, second: Evaluation) -> dict[str, float | int]:
        """McNemar's test between two models, see `evaluation.mcnemar`."""
        return mcnemar(self.right(first), self.right(second))

    def figures(self, evaluation: Evaluation) -> dict[str, Any] | None:
        """Return those of `evaluation.measure`, and how far the confidence can be trusted; None where nothing is said.

        Beside reliability these are risk_at_coverage, points of the curve of risk against coverage (risk_coverage), and
        aurc, the area under the whole of it: the mean risk over all coverages (Geifman et al., 2019).
        """
        given = self.probabilities(evaluation)
        if given is None or not len(self):
            return None
        coverage, risk = risk_coverage(given, self.truth)
        steps = np.rint(np.linspace(0, 1, CURVE + 1)[1:] * len(risk)).astype(int)
        drawn = np.unique(np.maximum(steps, 1)) - 1
        return {
            **compute_metrics(given, self.truth, self.names, answers=evaluation.known[self.key.truth]),
            "reliability": reliability(given, self.truth),
            "risk_at_coverage": {str(c): float(risk[max(1, round(c * len(risk))) - 1]) for c in COVERAGES},
            "risk_coverage": {"coverage": coverage[drawn].tolist(), "risk": risk[drawn].tolist()},
            "aurc": float(risk.mean()),
        }
