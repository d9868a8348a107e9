"""Who of a clip may be the same person: tracks that a cut or an absence parted, by their look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fer_core.tracking.appearance import appearance_descriptors, descriptor_distance
from fer_core.types import FrameResult
from fer_core.video.frame import Frame

__all__ = ["LookalikePair", "PersonGrouper"]

SAME_PERSON = 0.5
"""Difference of looks, 0 to 1, under which two tracks may be one person. In the sample clip the same person in another
light and framing differs by at most 0.37, two people by at least 0.60."""


@dataclass(frozen=True, slots=True)
class LookalikePair:
    """Two tracks that may be one person.

    Attributes:
        one: track id of the earlier one.
        other: track id of the later one.
        likeness: how much their colors agree, 0 to 1; no probability.
    """

    one: int
    other: int
    likeness: float


class PersonGrouper:
    """Remembers what each track looks like; a listener of `analysis.analyze`.

    It compares colours of face, hair and clothes. That is a hint for a person who watched the clip, no recognition of
    faces: nothing of it is stored, and two people in uniform look alike to it.
    """

    def __init__(self, width: int, *, limit: int = 200):
        """Set up.

        Args:
            width: of the clip's upright frames, in pixels; boxes are in these.
            limit: only so many tracks are remembered.
        """
        self._width, self._limit = width, limit
        self._sums: dict[int, np.ndarray] = {}
        self._times: dict[int, tuple[float, float]] = {}

    def __call__(self, frame: Frame, result: FrameResult | None) -> None:
        """Take the next frame."""

        def descriptors() -> np.ndarray:
            image = frame.picked(640)
            assert result is not None
            return appearance_descriptors(image, result.faces.boxes * (image.shape[1] / self._width))

        if result is not None:
            self.add(result, descriptors)

    def add(self, result: FrameResult, descriptors: Callable[[], np.ndarray]) -> None:
        """Take the next frame's result; `descriptors` gives the appearance of its faces where they are wanted."""
        if result.faces.empty:
            return
        tracks = result.faces.track_ids.tolist()
        full = len(self._sums) >= self._limit
        for track in tracks:
            if full and track not in self._sums:
                continue
            first = self._times.get(track, (result.seconds, 0.0))[0]
            self._times[track] = first, result.seconds
        # A track's first frames and then every eighth will do: looks change slowly.
        if result.index % 8 and (full or all(track in self._sums for track in tracks)):
            return
        for track, descriptor in zip(tracks, descriptors(), strict=True):
            if track in self._sums:
                self._sums[track] += descriptor
            elif len(self._sums) < self._limit:
                self._sums[track] = descriptor.astype(np.float64)

    def pairs(self) -> list[LookalikePair]:
        """Return the pairs of tracks that may be one person, the likest first.

        Tracks that are in the picture at the same time are never one person.
        """
        tracks, apart = self._distances()
        found = [
            LookalikePair(tracks[i], tracks[j], 1.0 - float(apart[i, j]))
            for i in range(len(tracks))
            for j in range(i + 1, len(tracks))
            if apart[i, j] < SAME_PERSON and not self._together(tracks[i], tracks[j])
        ]
        return sorted(found, key=lambda pair: -pair.likeness)

    def groups(self) -> list[list[int]]:
        """Return the tracks that may be one person, each group in order of time; tracks without a partner are left out.

        Tracks that are in the picture at the same time are never one person.
        """
        tracks, apart = self._distances()
        found: list[list[int]] = []
        for i, track in enumerate(tracks):
            fits = [
                (max(apart[i, j] for j in group), group)
                for group in found
                if not any(self._together(track, tracks[j]) for j in group)
            ]
            best = min(fits, key=lambda fit: fit[0], default=None)
            if best is not None and best[0] < SAME_PERSON:
                best[1].append(i)
            else:
                found.append([i])
        return [[tracks[i] for i in group] for group in found if len(group) > 1]

    def _together(self, one: int, other: int) -> bool:
        a, b = self._times[one], self._times[other]
        return a[0] <= b[1] and b[0] <= a[1]

    def _distances(self) -> tuple[list[int], np.ndarray]:
        """Return the tracks in order of time, and how different each two look, (n, n)."""
        tracks = sorted(self._sums.copy(), key=lambda t: self._times[t])
        if not tracks:
            return [], np.zeros((0, 0))
        descriptors = np.stack([self._sums[t] for t in tracks])
        descriptors = descriptors / np.maximum(descriptors.sum(2, keepdims=True), 1e-9)
        return tracks, descriptor_distance(descriptors, descriptors, np.zeros(len(tracks), bool))
