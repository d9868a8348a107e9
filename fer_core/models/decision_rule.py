"""Decision rule: from the heads of one network to the expression probabilities that are shown.

The heads are joined by a logarithmic opinion pool (Genest and Zidek, 1986), how often each expression occurs in the
training data is taken off by a chosen amount (logit adjustment: Menon et al., 2021), and one temperature makes the
result honest (Guo et al., 2017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

__all__ = ["DecisionRule", "HeadOutput", "HeadTerm", "log_softmax"]


class HeadOutput(NamedTuple):
    """What one head gave for n faces.

    Attributes:
        names: its classes, as they are shown.
        logits: float (n, classes).
    """

    names: tuple[str, ...]
    logits: np.ndarray


@dataclass(frozen=True, slots=True)
class HeadTerm:
    """One head's part in a rule.

    Attributes:
        head: its name.
        weight: what its log-probabilities are multiplied by, 0 or more.
        prior_exponent: how much of the log prior is taken off, 0 for nothing.
        prior: share of each class in the training data, by the name that is shown; needed where the exponent is not 0.
    """

    head: str
    weight: float = 1.0
    prior_exponent: float = 0.0
    prior: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"HeadTerm.weight must be 0 or more; received {self.weight}")
        if not math.isfinite(self.prior_exponent):
            raise ValueError(f"HeadTerm.prior_exponent must be a number; received {self.prior_exponent}")
        if self.prior_exponent and not self.prior:
            raise ValueError(f"HeadTerm.prior is needed with a prior_exponent of {self.prior_exponent}; received none")
        if not all(0 < share <= 1 for share in self.prior.values()):
            raise ValueError(f"HeadTerm.prior must hold shares above 0, at most 1; received {dict(self.prior)}")


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """How the outputs of a network become the probabilities that are shown.

    For each expression k the score is the sum over heads of `weight * log p(k) - prior_exponent * log prior(k)`; the
    probabilities are the softmax of the scores divided by the temperature.

    Attributes:
        name: for people.
        terms: the heads that count. The first knows every expression; where another lacks one, such as contempt, it
            takes over the first one's share for it.
        temperature: above 0.

    Example:
        >>> rule = DecisionRule("votes alone", (HeadTerm("votes"),), temperature=0.5)
        >>> rule.probabilities({"votes": HeadOutput(("happy", "sad"), np.log([[0.8, 0.2]]))}, ("happy", "sad")).round(3)
        array([[0.941, 0.059]])
    """

    name: str
    terms: tuple[HeadTerm, ...]
    temperature: float = 1.0
    _offsets: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.terms or not self.terms[0].weight > 0:
            raise ValueError("DecisionRule.terms must begin with a head whose weight is above 0")
        if len({term.head for term in self.terms}) < len(self.terms):
            raise ValueError("DecisionRule.terms must name each head once")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"DecisionRule.temperature must be above 0; received {self.temperature}")

    @classmethod
    def of_head(cls, head: str, temperature: float = 1.0) -> DecisionRule:
        """Return the plain rule: one head, calibrated, and nothing taken off."""
        return cls(f"{head} alone", (HeadTerm(head),), temperature)

    @classmethod
    def from_card(cls, entry: Mapping[str, Any], heads: Mapping[str, Sequence[str]]) -> DecisionRule:
        """Read the rule of a bundle's card.

        Args:
            entry: the card's `rule`, as `to_card` writes it.
            heads: the network's heads, and the names that each of them knows.

        Raises:
            KeyError, TypeError, ValueError: the entry is not a rule for these heads.
        """
        terms = []
        for given in entry["terms"]:
            term = dict(given)
            prior = {str(name): float(share) for name, share in dict(term.get("prior", {})).items()}
            exponent = float(term.get("prior_exponent", 0.0))
            terms.append(HeadTerm(str(term["head"]), float(term["weight"]), exponent, prior))
            missing = set(heads[terms[-1].head]) - set(prior)
            if exponent and missing:
                raise ValueError(f"The prior of {term['head']} lacks {', '.join(sorted(missing))}.")
        return cls(str(entry["name"]), tuple(terms), float(entry["temperature"]))

    def to_card(self) -> dict[str, Any]:
        """Return plain objects for a bundle's card."""
        return {
            "name": self.name,
            "terms": [{**asdict(term), "prior": dict(term.prior)} for term in self.terms],
            "temperature": self.temperature,
        }

    def scores(self, outputs: Mapping[str, HeadOutput], labels: Sequence[str]) -> np.ndarray:
        """Compute the scores before the temperature.

        Args:
            outputs: of each head that the rule names.
            labels: the k expressions to choose from; the first head knows all of them.

        Returns:
            float (n, k).

        Raises:
            KeyError: a head is missing, or its first one does not know a label.
        """
        first = self.terms[0]
        column = {name: i for i, name in enumerate(outputs[first.head].names)}
        reference = log_softmax(outputs[first.head].logits[:, [column[label] for label in labels]])
        total = first.weight * reference
        for term in self.terms[1:]:
            if term.weight:
                total = total + term.weight * _log_shares(outputs[term.head], labels, reference)
        return np.asarray(total - self._offset(tuple(labels)))

    def probabilities(self, outputs: Mapping[str, HeadOutput], labels: Sequence[str]) -> np.ndarray:
        """Compute the probabilities that are shown; as `scores`, float (n, k), rows sum to 1."""
        return np.asarray(np.exp(log_softmax(self.scores(outputs, labels) / self.temperature)))

    def describe(self) -> str:
        """Say in words what the rule does, for a card or a report."""
        parts = [
            f"{term.head} weighs {term.weight:g}"
            + (f", its prior off by {term.prior_exponent:g}" if term.prior_exponent else "")
            for term in self.terms
        ]
        return f"{self.name}: {'; '.join(parts)}; temperature {self.temperature:g}"

    def _offset(self, labels: tuple[str, ...]) -> np.ndarray:
        """Return what is taken off for how frequent each label is, (1, k); kept, as it is asked for with each face."""
        if labels not in self._offsets:
            parts = [t.prior_exponent * self._log_prior(t, labels) for t in self.terms if t.prior_exponent]
            self._offsets[labels] = np.sum(parts, 0) if parts else np.zeros((1, len(labels)))
        return self._offsets[labels]

    def _log_prior(self, term: HeadTerm, labels: Sequence[str]) -> np.ndarray:
        own = HeadOutput(tuple(term.prior), np.log([list(term.prior.values())]))
        if all(label in own.names for label in labels):
            return _log_shares(own, labels, np.zeros((1, len(labels))))
        first = self.terms[0].prior
        # Without a prior of the first head, all labels that this one lacks are taken to be as frequent as the others.
        reference = np.log([[first.get(label, 1 / len(labels)) for label in labels]])
        return _log_shares(own, labels, log_softmax(reference))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities along the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def _log_shares(output: HeadOutput, labels: Sequence[str], reference: np.ndarray) -> np.ndarray:
    """Log-probabilities of a head over all labels; those that it lacks have the share of the reference."""
    column = {name: i for i, name in enumerate(output.names)}
    known = [i for i, label in enumerate(labels) if label in column]
    own = log_softmax(output.logits[:, [column[labels[i]] for i in known]])
    if len(known) == len(labels):
        return own
    shares = reference.copy()
    shares[:, known] = own + np.log(np.exp(reference[:, known]).sum(-1, keepdims=True))
    return shares
