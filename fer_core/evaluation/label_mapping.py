"""From a model's own labels to those of a dataset, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from fer_core.errors import DatasetError, ModelError
from fer_core.labels import FER7, FERPLUS_TO_FER7, FERPLUS_VOTES
from fer_core.models.bundle import Head, rule_of
from fer_core.models.classifier import softmax, split_heads
from fer_core.models.decision_rule import DecisionRule

__all__ = [
    "head_for",
    "map_labels",
    "map_probabilities",
    "output_for",
    "people_share",
    "shown_probabilities",
    "shown_rules",
]


class HasHeads(Protocol):
    """What has heads and a title."""

    title: str

    @property
    def heads(self) -> tuple[Head, ...]: ...


class HasCard(HasHeads, Protocol):
    """What also has a card."""

    card: dict[str, Any]


def _plain(name: str) -> str:
    """Return one word for what FER2013 and FER+ call differently, such as happy and happiness."""
    lower = name.strip().lower()
    return FERPLUS_TO_FER7.get(lower, lower)


def map_labels(names: Sequence[str], labels: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, list[str]]:
    """Return the classes to choose from, the images' labels among them, and sentences on what is odd about them.

    Args:
        names: the dataset's class names.
        labels: (n,), indices into them.

    Raises:
        DatasetError: there is one class, and it is none of FER2013's, so that there is nothing to take it for.
    """
    present = [names[i] for i in np.unique(labels)]
    notes = []
    if len(present) == 1:
        notes.append(
            f"All images show {present[0]}. How often a model finds it can be told, "
            "not how often it takes something else for it."
        )
    if len(names) > 1:
        return tuple(names), labels, notes
    plain = _plain(names[0])
    if plain not in FER7:
        raise DatasetError(
            f"The dataset has one class, {names[0]!r}, and it is none of FER2013's seven ({', '.join(FER7)}). "
            "Choose a dataset with at least two."
        )
    return FER7, np.full(len(labels), FER7.index(plain)), notes


def head_for(model: HasHeads, names: Sequence[str]) -> tuple[int, Head]:
    """Of the model's heads the one that knows most of the classes, and where its outputs start among all heads'.

    Raises:
        ModelError: none knows any of the classes.
    """
    wanted = [_plain(name) for name in names]
    best: tuple[int, int, int, Head] | None = None
    start = 0
    for head in model.heads:
        plain = [_plain(label) for label in head.labels]
        same = len(set(wanted) & set(plain))
        exact = len(set(names) & set(head.labels))
        if best is None or (same, exact) > best[:2]:
            best = same, exact, start, head
        start += len(head.labels)
    if best is None or best[0] == 0:
        own = ", ".join(label for head in model.heads for label in head.labels)
        raise ModelError(
            f"{model.title} knows none of the dataset's expressions ({', '.join(names)}); its own are: {own}."
        )
    return best[2], best[3]


def output_for(model: HasHeads, name: str, names: Sequence[str]) -> int:
    """Return which of the model's outputs, counted over all heads, is the class `name` of a dataset's classes `names`.

    Raises:
        ModelError: the model does not know it.
    """
    start, head = head_for(model, names)
    plain = [_plain(label) for label in head.labels]
    if _plain(name) not in plain:
        raise ModelError(f"{model.title} does not know {name}. It knows: {', '.join(head.labels)}.")
    return start + plain.index(_plain(name))


def map_probabilities(
    model: HasHeads, logits: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Return a model's calibrated probabilities for a dataset's classes, matched by name.

    The head is that of `head_for`. Labels that the dataset does not have are left
    out and the rest made to sum to 1; a class that the model does not know has probability 0.

    Args:
        model: with heads and a title.
        logits: (n, outputs), all heads side by side.
        names: the dataset's classes.

    Returns:
        probabilities (n, k); the classes that the model knows; sentences on what was left out.

    Raises:
        ModelError: it knows none of the classes.
    """
    wanted = [_plain(name) for name in names]
    start, head = head_for(model, names)
    own_labels = [_plain(label) for label in head.labels]
    given = softmax(logits[:, start : start + len(head.labels)].astype(np.float64), head.temperature)
    found = np.zeros((len(logits), len(names)))
    for column, name in enumerate(wanted):
        if name in own_labels:
            found[:, column] = given[:, own_labels.index(name)]
    found /= np.maximum(found.sum(1, keepdims=True), 1e-12)
    known = tuple(name for name, plain in zip(names, wanted, strict=True) if plain in own_labels)
    notes = []
    if missing := [name for name in names if name not in known]:
        notes.append(f"{model.title} does not know {', '.join(missing)}: these images count as mistakes.")
    if extra := [label for label in head.labels if _plain(label) not in wanted]:
        notes.append(f"{model.title} can also say {', '.join(extra)}, which the dataset lacks: left out.")
    return found, known, notes


def shown_rules(model: HasCard) -> tuple[DecisionRule, DecisionRule]:
    """The rule by which pages show a model's answers, and its main head alone; the same where the card has no rule."""
    main = next((head for head in model.heads if head.name == model.card.get("main")), None)
    head = main or head_for(model, FER7)[1]
    alone = DecisionRule.of_head(head.name, head.temperature)
    return (rule_of(model.card, model.heads) if "rule" in model.card else alone), alone


def shown_probabilities(model: HasCard, logits: np.ndarray, rule: DecisionRule) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what pages show by a rule, for FER2013's seven expressions.

    Args:
        model: with heads, a title and a card.
        logits: (n, outputs), all heads side by side.
        rule: one of `shown_rules`.

    Returns:
        probabilities (n, 7), columns as FER7; the expressions that the model knows.

    Raises:
        ModelError: it knows none of them.
    """
    outputs = split_heads(model.heads, logits.astype(np.float64))
    own = {_plain(name): name for name in outputs[rule.terms[0].head].names}
    known = tuple(name for name in FER7 if name in own)
    if not known:
        raise ModelError(f"{model.title} knows none of {', '.join(FER7)}.")
    found = np.zeros((len(logits), len(FER7)))
    found[:, [FER7.index(name) for name in known]] = rule.probabilities(outputs, [own[name] for name in known])
    return found, known


def people_share(votes: np.ndarray, names: Sequence[str]) -> np.ndarray | None:
    """Return how many of those who looked at an image saw each class, matched by name; None where nobody was asked.

    Args:
        votes: (10,), FER+ votes. Some may have seen what is none of the classes, so the shares may sum to less than 1.
        names: the classes.
    """
    total = int(votes.sum())
    if not total:
        return None
    saw = [_plain(name) for name in FERPLUS_VOTES]
    return np.array([votes[saw.index(_plain(n))] / total if _plain(n) in saw else 0.0 for n in names])
