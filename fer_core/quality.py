"""What is wrong with a dataset: copies, copies across splits, contradicting labels, blank images, what leaks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from .imageset import Dataset

__all__ = ["LIKENESS", "Quality", "check", "cleaned", "near_copies"]

LIKENESS = 0.98
"""From which on two images are the same picture, as `evaluation.linked` has it."""

BLANK_STD = 0.5
"""Grey levels; an image that varies less shows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Faults of a dataset; every array holds indices of its images.

    Attributes:
        groups: exact copies, one array a group.
        crossing: numbers of the groups that lie in more than one split.
        conflicting: numbers of the groups whose labels differ.
        blank: images that show nothing.
        leaked: images outside Training that have an exact copy in Training.
        tested: images outside Training.
    """

    groups: list[np.ndarray]
    crossing: list[int]
    conflicting: list[int]
    blank: np.ndarray
    leaked: np.ndarray
    tested: int

    @property
    def leak_share(self) -> float:
        """Share of the images outside Training that Training gives away."""
        return len(self.leaked) / self.tested if self.tested else 0.0


def check(data: Dataset) -> Quality:
    """Look for faults that need no threshold; a second for 35,000 images."""
    same: defaultdict[bytes, list[int]] = defaultdict(list)
    for i, image in enumerate(data.images):
        same[image.tobytes()].append(i)
    groups = [np.array(group) for group in same.values() if len(group) > 1]
    crossing = [k for k, group in enumerate(groups) if len(set(data.splits[group].tolist())) > 1]
    conflicting = [k for k, group in enumerate(groups) if len(set(data.labels[group].tolist())) > 1]
    flat = data.images.reshape(len(data), data.images[0].size if len(data) else 0)
    varies = [flat[i : i + 4096].std(1) for i in range(0, len(flat), 4096)]
    blank = np.flatnonzero(np.concatenate(varies) < BLANK_STD) if varies else np.zeros(0, np.int64)
    training = data.splits == "Training"
    leaked = [i for k in crossing if training[groups[k]].any() for i in groups[k] if not training[i]]
    outside = int((~training).sum()) if training.any() else 0
    return Quality(groups, crossing, conflicting, blank, np.array(sorted(leaked), np.int64), outside)


def _thumbnails(images: np.ndarray) -> np.ndarray:
    small = images.reshape(-1, 16, 3, 16, 3).mean((2, 4), dtype=np.float32).reshape(-1, 256)
    small -= small.mean(1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def near_copies(images: np.ndarray, likeness: float = LIKENESS) -> np.ndarray:
    """Pairs of images that are the same picture but for small changes, also mirrored; int64 (pairs, 2), first < second.

    Compared are 16x16 thumbnails of mean 0 and length 1. Blank images are like nothing.
    """
    own, mirrored = _thumbnails(images), _thumbnails(images[:, :, ::-1])
    found = []
    for start in range(0, len(own), 1024):
        for view in (own, mirrored):
            likely = own[start : start + 1024] @ view[start:].T
            first, second = np.nonzero(likely >= likeness)
            keep = first < second
            found.append(np.stack([first[keep] + start, second[keep] + start], 1))
    return np.unique(np.concatenate(found), axis=0) if found else np.zeros((0, 2), np.int64)


def cleaned(data: Dataset, quality: Quality, drop: Any = ()) -> Dataset:
    """The dataset without what leaks, what contradicts itself, blank images, second copies, and the images `drop`.

    Of copies across splits the one in Training goes, so that the test split stays whole; of others the first stays.
    """
    keep = np.ones(len(data), bool)
    keep[quality.blank] = False
    keep[np.asarray(drop, np.int64)] = False
    training = data.splits == "Training"
    for k, group in enumerate(quality.groups):
        if k in set(quality.conflicting):
            keep[group] = False
            continue
        outside = group[~training[group]]
        stay = outside[0] if len(outside) else group[0]
        keep[group[group != stay]] = False
    return data.select(keep)
