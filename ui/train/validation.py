"""Whether settings and dataset fit each other, said before a training begins."""

from __future__ import annotations

from fer_core.datasets.library import Stored
from fer_core.errors import OptionError
from fer_core.training.config import TrainingConfig
from fer_core.training.split import HELD_OUT
from ui.app.formatting import quoted

__all__ = ["FEW", "check", "few", "sizes"]

FEW = 20
"""Images of an expression below which it is said that they are few."""


def sizes(config: TrainingConfig, stored: Stored) -> tuple[int, int]:
    """Return the images to learn from and to measure on, nearly; see `partition` for those that are divided there."""
    count = stored.splits.get(config.training_split, 0)
    if len(stored.splits) == 1:
        held = round(count * HELD_OUT)
        return count - held, held
    return count, stored.splits.get(config.validation_split, 0)


def check(config: TrainingConfig, stored: Stored) -> None:
    """Raises OptionError where settings and dataset do not fit each other; what only the run can see it says itself."""
    if len(stored.splits) > 1 and config.training_split == config.validation_split:
        raise OptionError("Training and validation must not be the same images: choose another part for one of them.")
    count, _ = sizes(config, stored)
    if config.batch > count:
        raise OptionError(
            f"The batch of {config.batch:,} is larger than the {count:,} training images. Choose at most {count:,}."
        )


def few(stored: Stored) -> str:
    """Return a sentence about expressions of which there are few images; empty where there are none."""
    rare = {name: count for name, count in stored.labels.items() if count < FEW}
    if not rare:
        return ""
    listed = ", ".join(f"{quoted(name)} {count}" for name, count in list(rare.items())[:7])
    return f"Of some expressions there are too few images to learn or to measure them: {listed}."
