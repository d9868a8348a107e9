"""Model bundles: a folder with weights for inference, the Keras model to go on training from, and card.json.

Models are those that are shipped, those that were brought in (`home()/models/<name>`), and those that trainings have
made (`home()/runs/<name>/bundle`). One of them is in use: pages and commands take it unless another is asked for.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ModelError
from .files import read_object, write_whole
from .home import home
from .models.decision_rule import DecisionRule

__all__ = [
    "DEFAULT",
    "Bundle",
    "Head",
    "choose",
    "chosen",
    "home",
    "left_out",
    "list_bundles",
    "load_bundle",
    "read_bundle",
    "rule_of",
]

DEFAULT = "expression-s"
SHIPPED = Path(__file__).resolve().parent.parent / "models"
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
        unsure_below: confidence under which a page says "unsure".
        card: the whole of card.json.
        rule: how the heads become what pages show; the main head alone where the card names no other.
    """

    folder: Path
    name: str
    heads: tuple[Head, ...]
    main: str
    unsure_below: float
    card: dict[str, Any]

    @property
    def rule(self) -> DecisionRule:
        return rule_of(self.card, self.heads)

    @property
    def title(self) -> str:
        return str(self.card.get("title", self.name))

    def weights(self) -> bytes:
        """The inference weights; raises ModelError where they are missing or not those that the card names."""
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


def _folders() -> Iterator[tuple[str, Path]]:
    """(name, folder) of all that may be a model; the first of a name counts. What begins with a dot is a draft."""
    roots = ((SHIPPED, "*"), (home() / "models", "*"), (home() / "runs", "*/bundle"))
    for root, pattern in roots:
        for card in sorted(root.glob(f"{pattern}/{CARD}")):
            name = card.relative_to(root).parts[0]
            if not name.startswith("."):
                yield name, card.parent


def list_bundles() -> list[Bundle]:
    """The models that can be used: the default, others that were shipped, the user's own; `left_out` has the rest."""
    return sorted(_survey()[0].values(), key=lambda bundle: bundle.name != DEFAULT)


def left_out() -> dict[str, str]:
    """The models that cannot be listed as their card is damaged: a sentence by name."""
    return _survey()[1]


def _survey() -> tuple[dict[str, Bundle], dict[str, str]]:
    found: dict[str, Bundle] = {}
    bad: dict[str, str] = {}
    for name, folder in _folders():
        if name in found or name in bad:
            continue  # the first of a name counts, as for `load_bundle`
        try:
            found[name] = _read(folder, name)
        except ModelError as error:
            bad[name] = str(error)
    return found, bad


def load_bundle(name: str = DEFAULT) -> Bundle:
    """The model of that name; raises ModelError that lists what there is."""
    for found, folder in _folders():
        # Compared with what there is, never joined to a path: a name from outside cannot leave the folders.
        if found == name:
            return _read(folder, name)
    names = ", ".join(bundle.name for bundle in list_bundles()) or "none"
    raise ModelError(f"There is no model called {name!r}. Available: {names}.")


def read_bundle(folder: Path) -> Bundle:
    """The model in a folder of its own, such as a run's; raises ModelError where it has no readable card."""
    return _read(folder, folder.name)


def _choice() -> Path:
    return home() / "model-in-use.json"


def chosen() -> str:
    """Name of the model in use: the one that was chosen last, or the default where that is gone or damaged."""
    try:
        name = read_object(_choice())["name"]
        bundle = load_bundle(name)
        stat = (bundle.folder / WEIGHTS).stat()
        _check(bundle.folder, stat.st_mtime_ns, stat.st_size, str(bundle.card.get("sha256")))
        return bundle.name
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return DEFAULT


@functools.lru_cache(maxsize=64)
def _check(folder: Path, changed: int, size: int, sha256: str) -> None:
    """Raises ModelError where the weights are damaged; read once for as long as the file stays as it is."""
    _read(folder, folder.name).weights()


def choose(name: str) -> None:
    """Put a model in use from now on, for pages and commands.

    Raises:
        ModelError: there is none of that name, it is damaged, or the choice cannot be kept.
    """
    load_bundle(name).weights()
    try:
        home().mkdir(parents=True, exist_ok=True)
        write_whole(_choice(), json.dumps({"name": name}) + "\n")
    except OSError as error:
        raise ModelError(f"The choice of a model cannot be kept: {error.strerror}.") from error
