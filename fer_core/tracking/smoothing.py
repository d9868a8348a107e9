"""Steady readings along a track: smoothed probabilities, a label that does not flicker, boxes that do not tremble."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fer_core.errors import OptionError

__all__ = ["ExpressionFilter", "OneEuro", "Smoothing"]

FLAGGED_WEIGHT = 0.25
"""How much of its time a frame counts for whose quality is not GOOD."""

_FLOOR = 1e-4  # a network that is sure beyond this must not outvote a second of other frames
_EPSILON = 1e-6  # seconds; times are sums of fractions


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How expressions are smoothed along a track.

    Attributes:
        time_constant: seconds over which earlier frames fade; 0 turns smoothing off.
        min_dwell_s: seconds for which a new label must lead before it is shown.
        switch_margin: a lead in probability, 0 to 1, that is shown at once.

    Raises:
        OptionError: a value is outside its range.
    """

    time_constant: float = 0.4
    min_dwell_s: float = 0.3
    switch_margin: float = 0.15

    def __post_init__(self) -> None:
        for name, highest, unit in (
            ("time_constant", 60.0, " seconds"),
            ("min_dwell_s", 60.0, " seconds"),
            ("switch_margin", 1.0, ""),
        ):
            value = getattr(self, name)
            if not 0.0 <= value <= highest:  # also refuses NaN
                raise OptionError(
                    f"Smoothing: '{name}' must lie between 0 and {highest:g}{unit}; received {value}. "
                    "Choose a value in that range."
                )


class ExpressionFilter:
    """The smoothed probabilities and the shown label of one track.

    The exponential mean is taken of log-probabilities with weight `1 - exp(-dt / time_constant)`, so it does not
    depend on the sampling rate. For a flagged frame time passes at `FLAGGED_WEIGHT`; what flagged frames alone left
    is dropped at the first good frame.
    """

    def __init__(self, smoothing: Smoothing) -> None:
        self._smoothing = smoothing
        self._seconds = 0.0
        self._logits: np.ndarray | None = None
        self._good = False
        self._predicted = -1
        self._rival = -1
        self._rival_since = 0.0

    def update(self, seconds: float, probabilities: np.ndarray, good: bool, max_gap: float) -> tuple[np.ndarray, int]:
        """Take one frame in.

        Args:
            seconds: presentation time.
            probabilities: (k,), of this frame alone.
            good: whether nothing stands against the quality of the face.
            max_gap: seconds after which the mean starts anew.

        Returns:
            The smoothed probabilities, float32 (k,), and the index of the label to show.
        """
        logits = np.log(np.clip(np.asarray(probabilities, np.float64), _FLOOR, 1.0))
        elapsed = max(seconds - self._seconds, 0.0)
        if self._logits is None or elapsed > max_gap + _EPSILON or (good and not self._good):
            self._logits, self._predicted, self._good = logits, -1, good
        else:
            time_constant = self._smoothing.time_constant
            age = elapsed * (1.0 if good else FLAGGED_WEIGHT)
            weight = 1.0 if time_constant == 0 else -math.expm1(-age / time_constant)
            self._logits = self._logits + weight * (logits - self._logits)
        self._seconds = seconds
        if self._smoothing.time_constant == 0:
            smoothed = np.asarray(probabilities, np.float64)  # off means the raw values, without the floor
        else:
            smoothed = np.exp(self._logits - self._logits.max())
            smoothed /= smoothed.sum()
        return smoothed.astype(np.float32), self._show(seconds, smoothed)

    def _show(self, seconds: float, smoothed: np.ndarray) -> int:
        best = int(smoothed.argmax())
        if best == self._predicted:
            self._rival = -1
        elif self._predicted < 0 or smoothed[best] - smoothed[self._predicted] >= self._smoothing.switch_margin:
            self._predicted, self._rival = best, -1
        else:
            if best != self._rival:
                self._rival, self._rival_since = best, seconds
            if seconds - self._rival_since >= self._smoothing.min_dwell_s - _EPSILON:
                self._predicted, self._rival = best, -1
        return self._predicted


class OneEuro:
    """The one-euro filter for the box of one track: steady while the face rests, quick when it moves.

    Speed is measured in face sizes per second (size: the mean of the box's width and height), so the same `beta` holds
    for every resolution and distance; all four edges share one cutoff, the one of the fastest edge, so the box keeps
    its shape on the move. At high speed the box lags by at most 1 / (2 pi beta) of a face: 5 % with the default.

    Source: Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012.

    Args:
        min_cutoff: Hz, the cutoff at rest; lower is steadier.
        beta: Hz by which the cutoff rises for each face size per second; higher lags less.
        speed_cutoff: Hz, the cutoff for the speed itself.

    Raises:
        OptionError: a cutoff is not positive, or `beta` is negative.
    """

    def __init__(self, min_cutoff: float = 1.5, beta: float = 3.0, *, speed_cutoff: float = 1.0) -> None:
        if not (min_cutoff > 0 and speed_cutoff > 0 and beta >= 0):
            raise OptionError(
                "OneEuro: 'min_cutoff' and 'speed_cutoff' must be above 0 and 'beta' 0 or more; received "
                f"{min_cutoff}, {speed_cutoff} and {beta}. Choose values in those ranges."
            )
        self._min_cutoff, self._beta, self._speed_cutoff = min_cutoff, beta, speed_cutoff
        self._seconds = 0.0
        self._raw: np.ndarray | None = None
        self._steady = np.empty(0)
        self._speed = np.zeros(4)

    def __call__(self, seconds: float, values: np.ndarray) -> np.ndarray:
        """Return the steadied box.

        Args:
            seconds: presentation time; where it stands still the last result is returned, where it runs backwards the
                filter starts anew.
            values: (4,), one box, xyxy in pixels.

        Returns:
            float32 (4,), xyxy in pixels.
        """
        raw = np.asarray(values, np.float64)
        if raw.shape != (4,):
            raise ValueError(f"OneEuro takes one box of shape (4,); received {raw.shape}")
        elapsed = seconds - self._seconds
        if self._raw is None or elapsed < 0:
            self._raw = self._steady = raw
            self._speed = np.zeros(4)
        elif elapsed > 0:
            size = max((raw[2] - raw[0] + raw[3] - raw[1]) / 2, 1.0)
            speed = (raw - self._raw) / (size * elapsed)
            self._speed = self._speed + _weight(self._speed_cutoff, elapsed) * (speed - self._speed)
            cutoff = self._min_cutoff + self._beta * float(np.abs(self._speed).max())
            self._steady = self._steady + _weight(cutoff, elapsed) * (raw - self._steady)
            self._raw = raw
        self._seconds = seconds
        return self._steady.astype(np.float32)


def _weight(cutoff: float, elapsed: float) -> float:
    """Weight of the newest value in a low-pass of `cutoff` Hz after `elapsed` seconds."""
    return 1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff * elapsed))
