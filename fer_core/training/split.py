"""Which images a training learns from, which it is measured on, and what is odd about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import open_dataset
from fer_core.errors import DatasetError, OptionError
from fer_core.training.config import TrainingConfig

__all__ = ["HELD_OUT", "TrainingSplit", "split_dataset"]

HELD_OUT = 0.1
"""Share of the images that is kept for measuring where a dataset is not divided already."""

USUAL = "PublicTest"
"""Part to measure on that settings have by themselves; it is FER2013's."""

TEST = "Test"
FALLBACKS = ("Validation", TEST)
"""Parts that stand in for FER2013's PublicTest, the best first."""

CHOSEN_ON_TEST = (
    "The dataset has no validation images, so the best weights are chosen on its test images: what they say of the "
    "network is a little too good. Keep other images for the last word."
)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSplit:
    """The images of a training.

    Attributes:
        training, validation: the images, with the same names of classes.
        fingerprint: of the whole dataset.
        learned_on, measured_on: which they are, in words.
        warnings: sentences on what is odd, such as a class with one image.
    """

    training: Dataset
    validation: Dataset
    fingerprint: str
    learned_on: str
    measured_on: str
    warnings: tuple[str, ...]


def split_dataset(config: TrainingConfig) -> TrainingSplit:
    """Return the images that the settings name.

    Where the dataset has no part of the name that the settings have by themselves, its validation images are taken,
    else its test images. A dataset of one part only is divided here: a tenth of each class is held out, copies on the
    same side.

    Raises:
        DatasetError: the dataset is not there, or has nothing to learn from.
        OptionError: the settings do not fit it.
    """
    data = open_dataset(config.data)
    training = data.split(config.training_split)
    name = _validation_name(data, config)
    if name is None:
        learned, held = _hold_out(training, config.seed)
        if not len(held):
            raise DatasetError("There are too few images to keep some for measuring. Add more images of each class.")
        training, validation = training.select(learned), training.select(held)
        measured = f"a tenth of {config.training_split}, held out"
    elif config.training_split == config.validation_split:
        raise OptionError("Training and validation must not be the same images: choose another part for one of them.")
    else:
        validation, measured = data.split(name), name
    if config.batch > len(training):
        raise OptionError(
            f"A batch of {config.batch:,} is larger than the {len(training):,} training images. Choose a smaller batch."
        )
    if len(np.unique(training.labels)) < 2:
        raise DatasetError("All training images have the same label, so there is nothing to learn. Add other classes.")
    return TrainingSplit(
        training,
        validation,
        data.fingerprint,
        f"{config.data}, {config.training_split}, {len(training):,} images",
        f"{config.data}, {measured}, {len(validation):,} images",
        (*_warnings(training, validation), *([CHOSEN_ON_TEST] if name == TEST else [])),
    )


def _validation_name(data: Dataset, config: TrainingConfig) -> str | None:
    """Return which part is measured on; None where one is to be held out."""
    if config.validation_split in data.split_names or config.validation_split != USUAL:
        return None if data.split_names == [config.training_split] else config.validation_split
    others = [name for name in data.split_names if name != config.training_split]
    return next((name for name in (*FALLBACKS, *others) if name in others), None)


def _hold_out(data: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices to learn from, and a tenth of each class to measure on; copies of a picture stay together."""
    _, group = np.unique(data.images.reshape(len(data), -1), axis=0, return_inverse=True)
    group = group.reshape(-1)
    rng = np.random.default_rng([seed, 10])
    held = np.zeros(len(data), bool)
    for label in range(len(data.names)):
        own = rng.permutation(np.flatnonzero(data.labels == label))
        wanted = round(len(own) * HELD_OUT) or int(len(own) > 1)
        held |= np.isin(group, group[own[:wanted]])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _warnings(training: Dataset, validation: Dataset) -> list[str]:
    learned, measured = (np.bincount(part.labels, minlength=len(part.names)) for part in (training, validation))
    found = []
    for count, words in ((0, "no training image"), (1, "only one training image")):
        few = [name for name, n in zip(training.names, learned, strict=True) if n == count]
        if few:
            found.append(f"There is {words} of {_list(few)}: do not expect the network to recognise it.")
    unseen = [name for name, n in zip(validation.names, measured, strict=True) if n == 0]
    if unseen:
        found.append(f"No image to measure on shows {_list(unseen)}: how well it is recognised cannot be told.")
    return found


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
