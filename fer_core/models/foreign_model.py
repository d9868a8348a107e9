"""What is known of a model of somebody else: what it takes, and which scale and order of labels its answers fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fer_core.labels import FER7, FERPLUS8, KAGGLE_CODES

__all__ = ["ORDERS", "ForeignModel"]

_WITHOUT_NEUTRAL = tuple(label for label in FER7 if label != "neutral")
_KAGGLE = tuple(KAGGLE_CODES[code] for code in range(7))
_AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
_RAF_DB = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")

ORDERS = {
    "by name": FER7,
    "of Kaggle's fer2013.csv": _KAGGLE,
    "of RAF-DB": _RAF_DB,
    "of AffectNet without contempt": _AFFECTNET[:7],
    "by name, CK+ with contempt": ("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"),
    "of FER+": FERPLUS8,
    "of AffectNet": _AFFECTNET,
    "by name with contempt": ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    "by name without disgust": tuple(label for label in FER7 if label != "disgust"),
    "by name without neutral": _WITHOUT_NEUTRAL,
    "of Kaggle without disgust": tuple(label for label in _KAGGLE if label != "disgust"),
    "by name, five": ("angry", "happy", "neutral", "sad", "surprise"),
    "of Kaggle, five": ("angry", "happy", "sad", "surprise", "neutral"),
}
"""Orders of labels that models usually have: by name where folders of images were read. Published numberings: Li et
al., RAF-DB, 2017; Mollahosseini et al., AffectNet, 2017; Barsoum et al., FER+, 2016; Lucey et al., CK+, 2010."""

MARGIN = 0.1
"""Share of right answers by which another order must be better before it is named; less can be chance."""


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """What a foreign model says of itself.

    Attributes:
        side: of its input in pixels.
        channels: 1 for grey, 3 for colours.
        outputs: numbers that it answers with.
        parameters: how many it has.
        rescales: it scales grey levels itself, so that its input is likely "raw".
        answers: for each scale of grey levels, how often each output was the strongest for images of each of FER7,
            rows as FER7; of faces that were drawn, or of a dataset that was given. Empty where nothing was tried.
        tried_on: what those images were.
    """

    side: int
    channels: int
    outputs: int
    parameters: int
    rescales: bool
    answers: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)
    tried_on: str = "drawn faces"

    @property
    def scale(self) -> str:
        """The scaling of grey levels that it most likely was trained with: that with which its answers are right."""
        tried = [(self.accuracy(scale, labels), scale) for scale in self.answers for labels in self._orders.values()]
        usual = "raw" if self.rescales else "unit"
        if not tried or max(tried)[0] < 2 / self.outputs:  # hardly better than guessing says nothing
            return usual
        return max(tried, key=lambda one: (one[0], one[1] == usual))[1]

    @property
    def _orders(self) -> dict[str, tuple[str, ...]]:
        return {name: labels for name, labels in ORDERS.items() if len(labels) == self.outputs}

    @property
    def orders(self) -> dict[str, tuple[str, ...]]:
        """Orders of labels that it may have, the one with most right answers first; else the usual ones first."""
        found, scale = self._orders, self.scale
        best = max((self.accuracy(scale, labels) for labels in found.values()), default=0.0)
        if best < 2 / self.outputs:  # hardly better than guessing says nothing
            return found
        return dict(sorted(found.items(), key=lambda item: -self.accuracy(scale, item[1])))

    def accuracy(self, scale: str, labels: Sequence[str]) -> float:
        """Share of the tried images that it names rightly, if its outputs stand for these labels; 0 if not tried.

        Images of expressions that are not among the labels are left out.
        """
        counts = self.answers.get(scale)
        if not counts or len(labels) != self.outputs:
            return 0.0
        named = [(row, list(labels).index(name)) for name, row in zip(FER7, counts, strict=True) if name in labels]
        shown = sum(sum(row) for row, _ in named)
        return sum(row[place] for row, place in named) / shown if shown else 0.0

    def doubt(self, scale: str, labels: Sequence[str]) -> str:
        """Return a sentence where the answers contradict an order or a scale that somebody named; else empty."""
        given = self.accuracy(scale, labels)
        best_scale, (name, order) = self.scale, next(iter(self.orders.items()), ("", ()))
        best = self.accuracy(best_scale, order)
        if not self.answers or best < given + MARGIN:
            return ""
        return (
            f"With these labels and the scale {scale} the model names {given:.0%} of {self.tried_on} rightly; in the "
            f"order {name} and the scale {best_scale} it would be {best:.0%}. Look at the order once more."
        )
