"""A person's own neutral face before a camera: two seconds are recorded, then every face is measured against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fer_core.errors import OptionError
from fer_core.tracking.neutral import Baseline, adjust
from fer_core.tracking.smoothing import ExpressionFilter, Smoothing
from fer_core.types import FaceQuality, Faces

__all__ = ["RECORD_S", "BaselineFilter", "BaselineRecorder"]

RECORD_S = 2.0
"""Seconds for which a person looks straight into the camera."""

_LONGEST_STEP = 0.5  # seconds; a longer pause between two readings does not count as time at rest
_MAX_GAP = 1.0  # seconds after which expressions start anew, as in the tracker
_FEWEST = 5  # readings, however slow the camera is


class BaselineRecorder:
    """Collects readings of one face at rest until there are enough for a baseline.

    Example:
        >>> recorder = BaselineRecorder(("sad", "neutral"))
        >>> for i in range(21):
        ...     ready = recorder.add(i / 10, np.array([0.6, 0.4]))
        >>> ready, recorder.baseline("Ann").frames
        (True, 21)
    """

    def __init__(self, labels: tuple[str, ...], *, seconds: float = RECORD_S) -> None:
        """Set up.

        Args:
            labels: the expressions of the readings.
            seconds: how long the face must have been seen at rest.
        """
        if not 0.0 < seconds <= 60.0:
            raise OptionError(f"'seconds' must lie between 0 and 60; received {seconds}. The usual is {RECORD_S:g}.")
        self.labels = tuple(labels)
        self._seconds, self._seen = seconds, 0.0
        self._rows: list[np.ndarray] = []
        self._times: list[float] = []

    def add(self, seconds: float, probabilities: np.ndarray, *, good: bool = True) -> bool:
        """Take the reading of one frame in, and return whether there are enough.

        Args:
            seconds: presentation time.
            probabilities: (k,), of this frame alone.
            good: whether the face can be seen well; other readings are left out.
        """
        values = np.asarray(probabilities, np.float64)
        if values.shape != (len(self.labels),):
            raise ValueError(f"probabilities must have shape ({len(self.labels)},); received {values.shape}")
        if good and not self.ready and (not self._times or seconds > self._times[-1]):
            if self._times:
                self._seen += min(seconds - self._times[-1], _LONGEST_STEP)
            self._rows.append(values)
            self._times.append(seconds)
        return self.ready

    @property
    def ready(self) -> bool:
        """There are enough readings."""
        return len(self._rows) >= _FEWEST and self._seen >= self._seconds - 1e-6

    @property
    def progress(self) -> float:
        """Share of the readings that are there, 0 to 1."""
        return min(self._seen / self._seconds, len(self._rows) / _FEWEST, 1.0)

    def baseline(self, person: str, *, clip: str = "Live session") -> Baseline:
        """Return the baseline of what was recorded.

        Raises:
            OptionError: there are too few readings yet.
        """
        if not self.ready:
            raise OptionError(
                f"The neutral face was seen well for {self._seen:.1f} of {self._seconds:g} seconds. "
                "Look straight into the camera, in good light, until the time is over."
            )
        return Baseline.of(np.array(self._rows), self.labels, person, np.array(self._times), clip)


class BaselineFilter:
    """Measures the faces of a live session against the neutral face of each person; others stay as they are.

    Args:
        smoothing: the one of the session's tracker.
        confidence_threshold: smoothed adjusted probability below which the label is "unsure".
    """

    def __init__(self, smoothing: Smoothing | None = None, *, confidence_threshold: float = 0.0) -> None:
        self._smoothing = smoothing or Smoothing()
        self._threshold = confidence_threshold
        self._filters: dict[int, ExpressionFilter] = {}

    def __call__(self, seconds: float, faces: Faces, baselines: Mapping[int, Baseline]) -> Faces:
        """Return the faces with adjusted probabilities and labels.

        Args:
            seconds: presentation time of the frame.
            faces: as the tracker gives them.
            baselines: by track id.
        """
        raw, smoothed, predicted = faces.probabilities.copy(), faces.smoothed.copy(), faces.predicted.copy()
        for i, track in enumerate(faces.track_ids.tolist()):
            baseline = baselines.get(track)
            if baseline is None:
                self._filters.pop(track, None)
                continue
            if baseline.labels != faces.labels:
                raise OptionError("The neutral face was measured with another model. Measure it again with this one.")
            raw[i] = adjust(raw[i], baseline)
            good = int(faces.quality[i]) == int(FaceQuality.GOOD)
            follow = self._filters.setdefault(track, ExpressionFilter(self._smoothing))
            smoothed[i], best = follow.update(seconds, raw[i], good, _MAX_GAP)
            predicted[i] = best if good and smoothed[i].max() >= self._threshold else -1
        return replace(faces, probabilities=raw, smoothed=smoothed, predicted=predicted)
