"""How a live session is doing: its clock, its rates, its delay."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["LiveMeter", "LiveStats"]

DRIFT = 1e-4
"""Share by which the clock of a camera may differ from ours."""
WINDOW = 3.0
"""Seconds that rates are counted over."""


@dataclass(frozen=True, slots=True)
class LiveStats:
    """How a session is doing, over the last seconds.

    Attributes:
        frames: frames so far.
        rate: frames a second that came and went back.
        reads: frames a second that were looked at for faces.
        delay, delay_95: seconds by which a frame is late when it goes back, median and 95th percentile: how much later
            it arrived than the quickest did, and the time for drawing on it.
        age: seconds from the arrival of a frame until its marks could be drawn; None before the first.
        idle: seconds since the last frame; since the session was made, where there was none.
    """

    frames: int
    rate: float
    reads: float
    delay: float
    delay_95: float
    age: float | None
    idle: float


class LiveMeter:
    """Counts the frames of one session and keeps its time. May be used from any thread.

    Attributes:
        frames: frames so far.
        seconds: of the session, from its first frame; it stands still during a pause.
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._lock = threading.Lock()
        self.frames = 0
        self.seconds = 0.0
        self._stamp = self._quickest = self._late = 0.0
        self._arrived = clock()
        self._age: float | None = None
        self._arrivals: deque[float] = deque(maxlen=200)
        self._reads: deque[float] = deque(maxlen=200)
        self._delays: deque[float] = deque(maxlen=300)

    def arrive(self, stamp: float | None, paused: bool) -> tuple[int, float, float]:
        """Return a frame came: its number, its second in the session, and when it arrived by our clock.

        Args:
            stamp: its presentation time by the camera's clock; that of arrival if None.
            paused: whether time stands still.
        """
        with self._lock:
            arrived = self._clock()
            stamp = arrived if stamp is None else stamp
            offset = arrived - stamp
            if self.frames == 0:
                self._quickest = offset
            else:
                # A camera that is changed for another begins to count anew.
                step = stamp - self._stamp if stamp > self._stamp else max(arrived - self._arrived, 1e-3)
                self.seconds += 0.0 if paused else step
                jumped = abs(offset - self._quickest) > 10
                self._quickest = offset if jumped else min(offset, self._quickest + DRIFT * step)
            self._stamp, self._arrived, self._late = stamp, arrived, offset - self._quickest
            self.frames += 1
            return self.frames - 1, self.seconds, arrived

    def leave(self) -> None:
        """The frame that came last goes back."""
        with self._lock:
            self._arrivals.append(self._arrived)
            self._delays.append(self._late + self._clock() - self._arrived)

    def read(self, arrived: float) -> None:
        """The faces of a frame that came at `arrived` are known now."""
        with self._lock:
            now = self._clock()
            self._age = now - arrived
            self._reads.append(now)

    @property
    def idle(self) -> float:
        """Seconds since the last frame."""
        return self._clock() - self._arrived

    def stats(self) -> LiveStats:
        """Return how it is doing."""
        with self._lock:
            now = self._clock()
            delays = np.array(self._delays) if self._delays else np.zeros(1)
            return LiveStats(
                frames=self.frames,
                rate=_rate(self._arrivals, now),
                reads=_rate(self._reads, now),
                delay=float(np.median(delays)),
                delay_95=float(np.percentile(delays, 95)),
                age=self._age,
                idle=now - self._arrived,
            )


def _rate(times: deque[float], now: float) -> float:
    """Events a second within the window, or since the first where that is less ago."""
    lately = sum(now - t <= WINDOW for t in times)
    return lately / min(WINDOW, max(now - times[0], 0.1)) if lately else 0.0
