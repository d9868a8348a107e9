"""What is wrong with a dataset: copies, copies across splits, contradicting labels, blank images, what leaks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_core.curation.near_duplicates import near_duplicates
from fer_core.datasets.dataset import BLANK_STD, Dataset
from fer_core.utils.array_cache import FEW, cached_array, cached_arrays
from fer_core.utils.progress import Progress, silent
from fer_core.utils.workspace import workspace

__all__ = ["QualityReport", "check_dataset", "cleaned", "near_duplicate_pairs"]

KIND = "faults-2"
"""Beginning of the keys; another number whenever something else is found in the same images."""


@dataclass(frozen=True, slots=True, eq=False)
class QualityReport:
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
    def leakage(self) -> float:
        """Share of the images outside Training that Training gives away."""
        return len(self.leaked) / self.tested if self.tested else 0.0


def check_dataset(data: Dataset) -> QualityReport:
    """Look for faults that need no threshold: a second for 35,000 images, and from the disk when it was done before.

    Example:
        >>> from fer_core import load_dataset
        >>> report = check_dataset(load_dataset("synthetic"))
        >>> len(report.blank) > 0
        True
    """

    def make() -> dict[str, np.ndarray]:
        found = _look(data)
        members = np.concatenate(found.groups) if found.groups else np.zeros(0, np.int64)
        return {
            "members": members,
            "sizes": np.array([len(group) for group in found.groups], np.int64),
            "crossing": np.array(found.crossing, np.int64),
            "conflicting": np.array(found.conflicting, np.int64),
            "blank": found.blank,
            "leaked": found.leaked,
            "tested": np.array(found.tested),
        }

    if len(data) < FEW:
        return _look(data)
    parts = cached_arrays(workspace() / "cache", f"{KIND}-{data.fingerprint}", make)
    groups = np.split(parts["members"], np.cumsum(parts["sizes"])[:-1]) if len(parts["sizes"]) else []
    crossing, conflicting = parts["crossing"].tolist(), parts["conflicting"].tolist()
    return QualityReport(groups, crossing, conflicting, parts["blank"], parts["leaked"], int(parts["tested"]))


def _look(data: Dataset) -> QualityReport:
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
    return QualityReport(groups, crossing, conflicting, blank, np.array(sorted(leaked), np.int64), outside)


def near_duplicate_pairs(data: Dataset, progress: Progress = silent) -> np.ndarray:
    """Pairs of near copies that are no exact copies; int64 (pairs, 2). From the disk when it was asked for before."""

    def make() -> np.ndarray:
        pairs = near_duplicates(data.images, progress=progress)
        exact = [np.array_equal(data.images[a], data.images[b]) for a, b in pairs]
        return np.asarray(pairs[~np.array(exact, bool)])

    folder = workspace() / "cache" if len(data) >= FEW else None
    found = cached_array(folder, f"near-{data.fingerprint}", make)
    progress(1.0)
    return found


def cleaned(data: Dataset, quality: QualityReport, drop: Any = ()) -> Dataset:
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
