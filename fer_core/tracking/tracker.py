"""Who is who from frame to frame: stable ids, shots, and expressions smoothed along each track."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from fer_core.errors import OptionError
from fer_core.tracking.appearance import descriptor_distance
from fer_core.tracking.features import FrameFeatures, measure_frame
from fer_core.tracking.smoothing import ExpressionFilter, Smoothing
from fer_core.types import FaceQuality, Faces, FrameResult
from fer_core.video.shot_detection import CutDetector

__all__ = ["Tracker"]

_LIMIT = 1.0  # cost above which a face is somebody else
_DAMPING = 0.5  # seconds after which a face that went out of sight is taken to have slowed down
_VELOCITY_MEMORY = 0.15  # seconds
_DESCRIPTOR_MEMORY = 1.0  # seconds


@dataclass(slots=True, eq=False)
class _Track:
    id: int
    center: np.ndarray
    size: float
    velocity: np.ndarray
    descriptor: np.ndarray
    seen: float
    expression: ExpressionFilter


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """How well each track (row) fits each face (column)."""

    cost: np.ndarray
    place: np.ndarray  # distance from where the face was expected, in units of what it can have moved; 1 is far
    descriptor: np.ndarray  # 0 looks the same, 1 looks like somebody else
    expected: np.ndarray  # (tracks, 2), pixels


class Tracker:
    """Follows the faces of one clip or camera; frames must come in the order of their presentation.

    A face is matched to the track with the least sum of three: distance from where constant, damped velocity leads
    (in face sizes, relative to the time gone by), change of size, and difference of colour of face and clothes. All
    tracks are assigned at once (Hungarian method, Kuhn 1955). Position decides from frame to frame; after a loss or
    at few samples per second the look counts more.

    Args:
        labels: names of the columns of the probabilities.
        smoothing: how expressions are smoothed; see `Smoothing`.
        max_gap: seconds for which a face may be missing, beyond the step from one frame to the next, and keep its id.
            Expressions start anew after a longer step.
        confidence_threshold: smoothed probability, 0 to 1, below which the label shown is "unsure" (-1).

    Raises:
        OptionError: `max_gap` or `confidence_threshold` is outside its range.

    Example:
        >>> from fer_core import Faces
        >>> tracker = Tracker(("happy", "sad"))
        >>> image = np.zeros((120, 160, 3), np.uint8)
        >>> tracker.update(0, 0.0, Faces.none(("happy", "sad")), image).index
        0
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        smoothing: Smoothing | None = None,
        *,
        max_gap: float = 1.0,
        confidence_threshold: float = 0,
    ) -> None:
        for name, value, highest in (("max_gap", max_gap, 60.0), ("confidence_threshold", confidence_threshold, 1.0)):
            if not 0.0 <= value <= highest:
                raise OptionError(
                    f"Tracker: '{name}' must lie between 0 and {highest:g}; received {value}. "
                    "Choose a value in that range."
                )
        self._labels = tuple(labels)
        self._smoothing = smoothing if smoothing is not None else Smoothing()
        self._max_gap, self._unsure_below = max_gap, confidence_threshold
        self._cut = CutDetector()
        self._tracks: list[_Track] = []
        self._next_id = 0
        self._shot = 0
        self._seconds: float | None = None

    def update(self, index: int, seconds: float, faces: Faces, image: np.ndarray) -> FrameResult:
        """Return the result for one frame, with `track_ids`, `smoothed` and `predicted` filled in.

        `predicted` is -1 ("unsure") where the quality of the face is flagged, or no expression reaches
        `confidence_threshold`.
        Flagged frames count a quarter in the smoothing.

        Args:
            index: number of the frame in the source.
            seconds: presentation time.
            faces: what was recognised in this frame alone.
            image: the frame, uint8 (height, width, 3), BGR.

        Raises:
            ValueError: the faces carry other labels than the tracker.
        """
        return self.follow(index, seconds, faces, measure_frame(image, faces.boxes))

    def follow(self, index: int, seconds: float, faces: Faces, features: FrameFeatures) -> FrameResult:
        """As `update`, for a frame that was measured before: `measure_frame` needs no order, following does."""
        if faces.labels != self._labels:
            raise ValueError(f"Tracker was made for labels {self._labels}; received {faces.labels}")
        before = seconds if self._seconds is None else self._seconds
        self._seconds = seconds
        step = abs(seconds - before)
        # A clip sampled once a second leaves a second between any two frames: only what exceeds the step is a loss,
        # but a pause of the camera is one.
        patience = self._max_gap + min(step, 1.0) + 1e-6
        self._tracks = [track for track in self._tracks if abs(seconds - track.seen) <= patience]

        centers, sizes = _geometry(faces.boxes)
        descriptors = features.descriptors
        pairs = _compare(self._tracks, seconds, centers, sizes, descriptors)
        last = [track.seen == before for track in self._tracks]
        same: np.ndarray = np.logical_and(pairs.place[last] < 1.0, pairs.descriptor[last] < 0.35)
        goes_on = bool(same.any()) if same.size else None
        if self._cut.judge(seconds, features.thumbnail, goes_on):
            self._shot += 1
            self._tracks = []
            pairs = _compare([], seconds, centers, sizes, descriptors)

        owners: dict[int, _Track] = {}
        for row, column in _assign(pairs.cost, _LIMIT):
            track = self._tracks[row]
            others = np.delete(pairs.expected, row, axis=0)
            crowded = bool((np.linalg.norm(others - centers[column], axis=1) < 1.5 * sizes[column]).any())
            _move(track, seconds, centers[column], float(sizes[column]), None if crowded else descriptors[column])
            owners[column] = track
        # From left to right, so that the numbers of people who appear together do not hang on the detector's order.
        for column in sorted(set(range(len(faces))) - set(owners), key=lambda i: float(centers[i, 0])):
            place = (centers[column], float(sizes[column]), np.zeros(2))
            owners[column] = _Track(
                self._next_id, *place, descriptors[column], seconds, ExpressionFilter(self._smoothing)
            )
            self._next_id += 1
            self._tracks.append(owners[column])
        return FrameResult(index, seconds, self._read(seconds, faces, owners), self._shot)

    def _read(self, seconds: float, faces: Faces, owners: dict[int, _Track]) -> Faces:
        smoothed = np.empty_like(faces.probabilities)
        predicted = np.full(len(faces), -1, np.int64)
        for i in range(len(faces)):
            good = faces.quality[i] == FaceQuality.GOOD
            smoothed[i], label = owners[i].expression.update(seconds, faces.probabilities[i], good, self._max_gap)
            if good and smoothed[i].max() >= self._unsure_below:
                predicted[i] = label
        ids = np.array([owners[i].id for i in range(len(faces))], np.int64)
        return dataclasses.replace(faces, track_ids=ids, smoothed=smoothed, predicted=predicted)


def _geometry(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 2) and sizes (n,), the mean of width and height, in pixels."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 2, 2)
    return corners.mean(1), np.maximum((corners[:, 1] - corners[:, 0]).mean(1), 1.0)


def _compare(
    tracks: list[_Track], seconds: float, centers: np.ndarray, sizes: np.ndarray, descriptors: np.ndarray
) -> _Pairs:
    if not tracks:
        none = np.zeros((0, len(centers)))
        return _Pairs(none, none, none, np.zeros((0, 2)))
    elapsed = np.array([max(seconds - track.seen, 0.0) for track in tracks])
    coasting = _DAMPING * -np.expm1(-elapsed / _DAMPING)
    expected = np.stack([t.center for t in tracks]) + np.stack([t.velocity for t in tracks]) * coasting[:, None]
    size = np.array([track.size for track in tracks])[:, None]
    # Half a face for the trembling of the detector, and two and a half faces a second for a change of mind.
    reach = (0.5 + 2.5 * elapsed[:, None]) * np.sqrt(size * sizes)
    place = np.linalg.norm(expected[:, None] - centers[None], axis=2) / reach
    scale = np.abs(np.log(size / sizes)) / (0.3 + 0.5 * elapsed[:, None])
    apart = np.linalg.norm(centers[:, None] - centers[None], axis=2) + np.diag(np.full(len(centers), np.inf))
    crowded = (apart < 1.5 * sizes).any(0)
    descriptor = descriptor_distance(np.stack([track.descriptor for track in tracks]), descriptors, crowded)
    trust = 0.5 + 0.7 * np.minimum(elapsed[:, None] / 0.5, 1.0)
    # Who was seen last has the first claim: the reach of a lost track is wider, and would win by that alone.
    absence = 0.15 * np.minimum(elapsed[:, None] / 0.3, 1.0)
    # Squared: with plain distances in a line, two people who swap places cost no more than two who go on.
    return _Pairs(0.3 * place**2 + 0.25 * scale + trust * descriptor + absence, place, descriptor, expected)


def _move(track: _Track, seconds: float, center: np.ndarray, size: float, descriptor: np.ndarray | None) -> None:
    """Carry a track on; without `descriptor` its appearance stays, as others nearby would mix into it."""
    elapsed = seconds - track.seen
    if elapsed > 0:
        measured = (center - track.center) / elapsed
        track.velocity = track.velocity - math.expm1(-elapsed / _VELOCITY_MEMORY) * (measured - track.velocity)
    if descriptor is not None:
        weight = -math.expm1(-max(elapsed, 0.0) / _DESCRIPTOR_MEMORY)
        known, visible = track.descriptor.any(1, keepdims=True), descriptor.any(1, keepdims=True)
        mixed = track.descriptor + np.float32(weight) * (descriptor - track.descriptor)
        track.descriptor = np.where(known & visible, mixed, np.where(known, track.descriptor, descriptor))
    track.center, track.size, track.seen = center, size, seconds


def _assign(cost: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, where a row left alone costs `limit`; shortest augmenting paths."""
    rows, columns = cost.shape
    if not rows or not columns:
        return []
    if rows == columns == 1:
        return [(0, 0)] if cost[0, 0] < limit else []
    # Column 0 is the entry of the search; `rows` further columns stand for "not in this frame".
    padded = np.hstack([np.zeros((rows, 1)), np.where(cost < limit, cost, 1e6), np.full((rows, rows), limit)])
    width = padded.shape[1]
    by_row, by_column = np.zeros(rows), np.zeros(width)
    owner, came_from = np.full(width, -1), np.zeros(width, int)
    for row in range(rows):
        owner[0], column = row, 0
        shortest, done = np.full(width, np.inf), np.zeros(width, bool)
        while owner[column] >= 0:
            done[column] = True
            length = padded[owner[column]] - by_row[owner[column]] - by_column
            closer = ~done & (length < shortest)
            shortest[closer], came_from[closer] = length[closer], column
            following = int(np.where(done, np.inf, shortest).argmin())
            step = shortest[following]
            by_row[owner[done]] += step
            by_column[done] -= step
            shortest[~done] -= step
            column = following
        while column:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    return [(int(owner[c]), c - 1) for c in range(1, columns + 1) if owner[c] >= 0]
