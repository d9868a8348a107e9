"""Face images with their labels: what every reader gives and every tool takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fer_core.errors import DatasetError
from fer_core.labels import FERPLUS_VOTES

__all__ = ["BLANK_STD", "SIDE", "Dataset", "Skipped", "from_parts", "to_parts"]

SIDE = 48
"""Side of an image in pixels, as in FER2013. Others are resized when they are read."""

BLANK_STD = 1.0
"""Grey levels; an image that varies less shows nothing. Of FER2013 twelve are black and one has four neighbouring greys
(0.65), which nobody can tell apart; the next, at 4.1, is a dark photograph."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Face images with their labels.

    Attributes:
        images: uint8 (n, 48, 48), grey.
        labels: int64 (n,), indices into `names`.
        names: class names.
        splits: str (n,), such as Training or PublicTest.
        votes: uint8 (n, 10), FER+ votes in the order of `labels.FERPLUS_VOTES`; all 0 where there are none.
        rows: int64 (n,), row of each image in its source, counted from 0.

    Example:
        >>> images = np.zeros((2, 48, 48), np.uint8)
        >>> data = Dataset(images, np.array([0, 1]), ("happy", "sad"), np.array(["Training", "PublicTest"]))
        >>> len(data.split("Training"))
        1
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    splits: np.ndarray
    votes: np.ndarray = None  # type: ignore[assignment]
    rows: np.ndarray = None  # type: ignore[assignment]
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.votes is None:
            object.__setattr__(self, "votes", np.zeros((n, len(FERPLUS_VOTES)), np.uint8))
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(n, dtype=np.int64))
        object.__setattr__(self, "names", tuple(self.names))
        expected = {"images": (n, SIDE, SIDE), "labels": (n,), "splits": (n,), "votes": (n, 10), "rows": (n,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}; received {getattr(self, name).shape}")
        if self.images.dtype != np.uint8:
            raise ValueError(f"images must be uint8; received {self.images.dtype}")
        if n and not 0 <= self.labels.min() <= self.labels.max() < len(self.names):
            raise ValueError(f"labels must lie in 0 to {len(self.names) - 1}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def fingerprint(self) -> str:
        """Hex digits that change with any image, label, split or vote; what is computed is kept under it."""
        if "content" not in self._known:
            digest = hashlib.blake2b(digest_size=16)
            for part in (self.images, self.labels.astype(np.int64), self.votes, self.rows.astype(np.int64)):
                digest.update(np.ascontiguousarray(part).data)
            for words in (self.names, self.splits.tolist()):
                digest.update("\0".join(words).encode())
            self._known["content"] = digest.hexdigest()
        return self._known["content"]

    @property
    def split_names(self) -> list[str]:
        """The splits there are: the training split first, then by name."""
        return sorted(set(self.splits.tolist()), key=lambda name: (name != "Training", name))

    def split(self, name: str) -> Dataset:
        """Return the images of one split; raises DatasetError where there is none of that name."""
        keep = self.splits == name
        if not keep.any():
            known = ", ".join(sorted(set(self.splits.tolist())))
            raise DatasetError(f"The dataset has no split called {name!r}. It has: {known}.")
        return self.select(keep)

    def select(self, which: np.ndarray | Sequence[int]) -> Dataset:
        """Return the images of a boolean mask or of indices, in their order."""
        which = np.asarray(which)
        if which.dtype != bool:
            which = which.astype(np.int64)
        parts = (self.images, self.labels, self.splits, self.votes, self.rows)
        images, labels, splits, votes, rows = (part[which] for part in parts)
        return Dataset(images, labels, self.names, splits, votes, rows)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a reader left out, and why.

    Attributes:
        reasons: for each kind of fault how many there were.
        examples: for each kind of fault the first of them, such as "line 7".
    """

    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, where: str) -> None:
        """Count one."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.examples.setdefault(reason, where)

    def __len__(self) -> int:
        return sum(self.reasons.values())

    def __str__(self) -> str:
        """Such as "2 left out: 1 has 2303 pixels where 2304 are needed (first: line 7)"; empty where nothing was."""
        if not self.reasons:
            return ""
        parts = [f"{n:,} {reason} (first: {self.examples[reason]})" for reason, n in self.reasons.items()]
        return f"{len(self):,} left out: {'; '.join(parts)}."


def to_parts(data: Dataset) -> dict[str, np.ndarray]:
    """Return a dataset as plain arrays by name, to be kept on disk."""
    parts = {"images": data.images, "labels": data.labels, "votes": data.votes, "rows": data.rows}
    return {**parts, "names": np.array(data.names), "splits": data.splits}


def from_parts(parts: Mapping[str, np.ndarray]) -> Dataset:
    """Return the dataset that `to_parts` took apart; raises KeyError or ValueError where it is none."""
    return Dataset(
        parts["images"],
        parts["labels"].astype(np.int64),
        tuple(parts["names"].tolist()),
        parts["splits"],
        parts["votes"],
        parts["rows"].astype(np.int64),
    )
