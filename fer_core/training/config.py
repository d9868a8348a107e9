"""What a training is asked to do: `TrainingConfig`, frozen and saved with its run, and three presets to begin from.

The loop itself is `trainer`, which runs in a process of its own; TensorFlow is needed there only.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fer_core.errors import OptionError

__all__ = ["AUGMENTATIONS", "CHOICES", "PRESETS", "TrainingConfig", "preset"]

AUGMENTATIONS = ("none", "flip", "light", "full")
"""Nothing; mirrored at random; also moved by up to four pixels; also turned, lit, blurred, covered as in clips."""

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "optimizer": ("adam", "sgd"),
        "schedule": ("constant", "plateau", "cosine"),
        "augmentation": AUGMENTATIONS,
        "class_weights": ("none", "balanced"),
        "precision": ("auto", "float32", "mixed_bfloat16"),
    }
)
"""The settings that are one of a few words."""

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "epochs": (1, 1000),
        "batch": (2, 4096),
        "learning_rate": (1e-6, 10.0),
        "weight_decay": (0.0, 0.1),
        "warm_up": (0.0, 0.5),
        "plateau_factor": (0.01, 0.99),
        "plateau_patience": (1, 100),
        "label_smoothing": (0.0, 0.5),
        "mixup": (0.0, 4.0),
        "ema": (0.0, 0.9999),
        "early_stop": (0, 1000),
        "seed": (0, 2**31 - 1),
        "threads": (0, 256),
    }
)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """All settings of a training. The same settings and data give the same result on the same processor.

    Attributes:
        data: name of a dataset of the library, or path of a file or folder.
        name: what the person calls the run; a made-up name if empty.
        preset: the level it was made from; only said, never acted on.
        architecture: name of the network, see `architectures.ARCHITECTURES`.
        training_split, validation_split: which images it learns from, and which it is measured on.
        epochs: rounds through the training images.
        batch: images a step.
        optimizer: adam, or sgd with Nesterov momentum 0.9.
        learning_rate: step size at the start (at its peak with the schedule cosine).
        weight_decay: decoupled from the gradient; 0 for none.
        schedule: constant; plateau, which lowers the rate where validation loss stalls; cosine, which lowers it to 0.
        warm_up: share of all steps in which the rate rises from 0; cosine only.
        plateau_factor, plateau_patience: by how much and after how many epochs without gain.
        augmentation: one of AUGMENTATIONS.
        label_smoothing: share of the target spread over all classes.
        mixup: alpha of the beta distribution from which pairs of images are mixed; 0 for none.
        class_weights: balanced lets rare classes count more.
        ema: decay of the moving average of the weights that is validated and kept; 0 for none.
        early_stop: epochs without a better validation accuracy after which it ends; 0 for never.
        seed: source of all randomness.
        precision: auto takes bfloat16 where the processor is faster with it, see `learner.precision_for`.
        threads: processor threads; 0 for all.

    Example:
        >>> TrainingConfig(epochs=3).epochs
        3
    """

    data: str = "synthetic"
    name: str = ""
    preset: str = ""
    architecture: str = "tiny"
    training_split: str = "Training"
    validation_split: str = "PublicTest"
    epochs: int = 12
    batch: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warm_up: float = 0.05
    plateau_factor: float = 0.1
    plateau_patience: int = 2
    augmentation: str = "light"
    label_smoothing: float = 0.0
    mixup: float = 0.0
    class_weights: str = "none"
    ema: float = 0.0
    early_stop: int = 0
    seed: int = 1
    precision: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), type(field.default)
            if kind is float and isinstance(value, int) and not isinstance(value, bool):
                object.__setattr__(self, field.name, float(value))
            elif type(value) is not kind:
                raise OptionError(f"{_words(field.name)} must be {_kind(kind)}; received {value!r}.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                given = getattr(self, name)
                raise OptionError(f"{_words(name)} must be one of {', '.join(allowed)}; received {given!r}.")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # also refuses NaN
                raise OptionError(f"{_words(name)} must lie between {low:g} and {high:g}; received {value:g}.")
        if not self.data:
            raise OptionError("Choose a dataset to train on.")
        if len(self.name) > 80:
            raise OptionError("The name of a training may have 80 characters at most.")

    def to_json(self) -> str:
        """Return all settings as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """From saved settings; OptionError where one is unknown or makes no sense."""
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            named = ", ".join(map(repr, sorted(unknown)))[:200]
            raise OptionError(f"These settings are unknown here, perhaps as a newer version made them: {named}.")
        return cls(**values)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _kind(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a word"}[kind]


PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "quick": MappingProxyType({"architecture": "tiny", "epochs": 25, "batch": 32, "learning_rate": 3e-3}),
        "reference": MappingProxyType(
            {
                "architecture": "reference",
                "epochs": 25,
                "batch": 64,
                "optimizer": "adam",
                "learning_rate": 5e-4,
                "schedule": "plateau",
                "plateau_factor": 0.1,
                "plateau_patience": 2,
                "augmentation": "flip",
            }
        ),
        "best": MappingProxyType(
            {
                "architecture": "network_s",
                "epochs": 60,
                "batch": 128,
                "optimizer": "sgd",
                "learning_rate": 0.1,
                "weight_decay": 5e-4,
                "schedule": "cosine",
                "augmentation": "full",
                "label_smoothing": 0.1,
                "mixup": 0.3,
                "ema": 0.999,
            }
        ),
    }
)
"""A quick look in under a minute on drawn faces; the reference notebook's recipe; the long one."""


def preset(name: str, /, **changes: Any) -> TrainingConfig:
    """Return the settings of a preset with some of them changed; OptionError where there is none of that name.

    Example:
        >>> preset("quick", epochs=2).epochs
        2
    """
    if name not in PRESETS:
        raise OptionError(f"There is no preset called {name!r}. There are: {', '.join(PRESETS)}.")
    return TrainingConfig(**{"preset": name, **PRESETS[name], **changes})
