"""Model bundles: a folder with weights for inference, the Keras model to go on training from, and card.json.

Models are those that are shipped, those that were brought in (`home()/models/<name>`), and those that trainings have
made (`home()/runs/<name>/bundle`). One of them is in use: pages and commands take it unless another is asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_core.errors import ModelError
from fer_core.models.decision_rule import DecisionRule
from fer_core.utils.files import read_object

__all__ = ["Bundle", "Head", "read_bundle", "rule_of"]

WEIGHTS = "model.tflite"
CARD = "card.json"


@dataclass(frozen=True, slots=True)
class Head:
    """One of a network's outputs.

    Attributes:
        name: such as fer7.
        labels: class names in the order of its logits.
        temperature: logits are divided by it, which makes the probabilities honest (Guo et al., 2017).
        shown: what each label is called on a page; a label that is not in it is left out and the rest made to sum to 1.
    """

    name: str
    labels: tuple[str, ...]
    temperature: float = 1.0
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels as pages call them; one that pages leave out keeps its own name, marked where that is taken."""
        taken = set(self.shown.values())
        return tuple(
            self.shown.get(label, f"{label} (not shown)" if label in taken else label) for label in self.labels
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model that is ready to use, with what is known of it.

    Attributes:
        folder: where it lies.
        name: its folder's name; the training's name where it lies in the folder of a training.
        heads: outputs in the order in which their logits are joined.
        main: name of the head that pages show.
        confidence_threshold: confidence under which a page says "unsure".
        card: the whole of card.json.
        rule: how the heads become what pages show; the main head alone where the card names no other.
    """

    folder: Path
    name: str
    heads: tuple[Head, ...]
    main: str
    confidence_threshold: float
    card: dict[str, Any]

    @property
    def rule(self) -> DecisionRule:
        """Rule for what is shown."""
        return rule_of(self.card, self.heads)

    @property
    def title(self) -> str:
        """Name for people."""
        return str(self.card.get("title", self.name))

    def weights(self) -> bytes:
        """Return the inference weights; raises ModelError where they are missing or not those that the card names."""
        try:
            data = (self.folder / WEIGHTS).read_bytes()
        except OSError as error:
            raise ModelError(
                f"The model {self.name!r} has no readable weights ({WEIGHTS}). Install it again."
            ) from error
        expected = self.card.get("sha256")
        if expected and hashlib.sha256(data).hexdigest() != expected:
            raise ModelError(
                f"The weights of the model {self.name!r} are damaged: they differ from what its card names. "
                "Install it again."
            )
        return data


def _read(folder: Path, name: str) -> Bundle:
    try:
        card = read_object(folder / CARD)
        heads = tuple(
            Head(h["name"], tuple(h["labels"]), float(h.get("temperature", 1.0)), dict(h.get("shown", {})))
            for h in card["heads"]
        )
        main = str(card["main"])
        if main not in {head.name for head in heads}:
            raise KeyError(main)
        for head in heads:
            shown = list(head.shown.values())
            if not set(head.shown) <= set(head.labels) or len(set(shown)) < len(shown) or not head.temperature > 0:
                raise ValueError(head.name)
        rule_of(card, heads)
        return Bundle(folder, name, heads, main, float(card.get("unsure_below", 0.0)), card)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The model {name!r} has no readable card ({CARD}), so nobody can tell what its answers mean. Install it "
            "again; one of your own, bring in or train again."
        ) from error


def rule_of(card: dict[str, Any], heads: tuple[Head, ...]) -> DecisionRule:
    """Return the rule of a card; one head alone where it names none: the main one, or the first.

    Raises:
        KeyError, TypeError, ValueError: the card's rule is not one for these heads.
    """
    main = next((head for head in heads if head.name == card.get("main")), heads[0])
    if "rule" not in card:
        return DecisionRule.of_head(main.name, main.temperature)
    rule = DecisionRule.from_card(card["rule"], {head.name: head.names for head in heads})
    if rule.terms[0].head != main.name:
        raise ValueError(f"The rule begins with {rule.terms[0].head}, not with the main head {main.name}.")
    return rule


def read_bundle(folder: Path) -> Bundle:
    """Return the model in a folder of its own, such as a run's; raises ModelError where it has no readable card."""
    return _read(folder, folder.name)
