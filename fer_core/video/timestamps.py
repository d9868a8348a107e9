"""Where in a clip its frames lie: their times (`Timeline`, `Clock`) and the key frames at which decoding can begin."""

from __future__ import annotations

import itertools
import math
import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import av
import numpy as np

from fer_core.video.container import OpenClip
from fer_core.video.limits import TOLERANCE, Limits

__all__ = ["Clock", "Key", "Timeline", "frames_from"]

TICK = 0.001
"""Seconds put between two frames that claim the same time."""


@dataclass(frozen=True, slots=True)
class Key:
    """A frame at which decoding can begin."""

    index: int
    pts: int
    dts: int
    seconds: float


class Timeline:
    """When the frames are shown and where decoding can begin, learned without decoding."""

    def __init__(self, path: str | os.PathLike[str], limits: Limits) -> None:
        stamps, self._keys = array("q"), list[tuple[int, int]]()
        lengths, highest = 0, None
        with OpenClip(path, limits) as clip:
            assert clip.stream is not None
            self._unit = clip.stream.time_base or Fraction(1, av.time_base)
            self.frames, self._reliable = 0, not clip.has_decoding_times_only
            for packet in clip.packets():
                if packet.is_discard or (clip.codec == "vp8" and not memoryview(packet)[0] & 0x10):
                    continue  # cut off by an edit list, or one of VP8's references that are never shown
                self.frames += 1
                pts, dts = packet.pts, packet.dts
                if pts is None:
                    self._reliable = False
                    continue
                if packet.is_keyframe:
                    self._keys.append((pts, pts if dts is None else dts))
                if highest is not None and pts < highest - 1 / self._unit:
                    self._reliable = False  # the times start anew, as where two recordings were joined
                highest = pts if highest is None else max(highest, pts)
                lengths += packet.duration or 0
                stamps.append(pts)
            rate = clip.stream.average_rate or clip.stream.guessed_rate
        self._sorted: np.ndarray | None = None
        self._stamps = np.frombuffer(stamps, np.int64) if stamps else np.empty(0, np.int64)
        self.seconds: float | None = None
        if self._reliable and self.frames:
            span = int(self._stamps.max() - self._stamps.min())
            # The last frame stays as long as the mean one.
            mean = Fraction(span, max(1, self.frames - 1))
            last = Fraction(lengths, self.frames)
            if last * self._unit <= 2 * Fraction(TICK) and 2 * last < mean:
                last = mean  # some containers call every frame a millisecond long
            self.seconds = float((span + last) * self._unit) or None
        elif rate and self.frames:
            self.seconds = float(self.frames / rate)

    @property
    def frame_rate(self) -> float | None:
        """Mean frames per second by the time stamps; None where they are few or no good."""
        if not self._reliable or self.frames < 2:
            return None
        span = float(int(self._stamps.max() - self._stamps.min()) * self._unit)
        return (self.frames - 1) / span if span > 0 else None

    def number(self, pts: int) -> int | None:
        """Return the place, from 0, of the frame with that stamp in the order of showing; None where it is unknown."""
        if not self._reliable:
            return None
        if self._sorted is None:
            self._sorted = np.sort(self._stamps)
        place = int(np.searchsorted(self._sorted, pts))
        return place if place < len(self._sorted) and self._sorted[place] == pts else None

    @property
    def origin(self) -> float:
        """The first frame's time in the file's own seconds."""
        return float(int(self._stamps.min()) * self._unit)

    def keys(self) -> list[Key]:
        """All key frames at which decoding can begin, in order of time; none where only the beginning is safe."""
        if not self._reliable or not self._keys or self._keys[0][0] != self._stamps.min():
            return []
        order = np.sort(self._stamps)
        found = sorted(set(self._keys))
        numbers = np.searchsorted(order, np.array([pts for pts, _ in found])).tolist()
        return [Key(n, pts, dts, float(pts * self._unit)) for n, (pts, dts) in zip(numbers, found, strict=True)]

    @property
    def is_even(self) -> bool:
        """Whether each frame has a time of its own, and all of them can be trusted."""
        return self._reliable and bool(self.frames) and len(self._in_order) == self.frames

    @cached_property
    def _in_order(self) -> np.ndarray:
        return np.unique(self._stamps)

    def needed(
        self, selected: Callable[[int, float], bool], start: float, end: float | None, step: float
    ) -> frozenset[int]:
        """Return the time stamps of the frames that are selected.

        Args:
            selected: asked about each frame from `start` on in order: its number, from 0, and its seconds.
            start: seconds from the clip's first frame.
            end: seconds, or None for all of it.
            step: usual seconds from one frame to the next.
        """
        clock, found, number = Clock(step, self.origin), [], 0
        for stamp in self._in_order.tolist():
            seconds = clock.read(float(stamp * self._unit))
            if seconds < start - TOLERANCE:
                continue
            if end is not None and seconds >= end - TOLERANCE:
                break
            if selected(number, seconds):
                found.append(stamp)
            number += 1
        return frozenset(found)

    def key_before(self, start: float) -> Key | None:
        """Return the last key frame at or before `start`; None where it is best to decode from the beginning."""
        # Frames before the first key frame may or may not be decoded: their number would be a guess.
        if not self._reliable or not self._keys or self._keys[0][0] != self._stamps.min():
            return None
        latest = int(self._stamps.min()) + (start + TOLERANCE) / float(self._unit)
        pts, dts = max(((pts, dts) for pts, dts in self._keys if pts <= latest), default=self._keys[0])
        index = int((self._stamps < pts).sum())
        return Key(index, pts, dts, float(pts * self._unit)) if index else None


class Clock:
    """Turns stamps, which may be missing, repeated or start anew, into strictly rising seconds."""

    def __init__(self, step: float, origin: float | None) -> None:
        self._step, self._origin, self._last = step, origin, -math.inf

    def read(self, stamp: float | None) -> float:
        """Return the seconds of a frame from its stamp."""
        started = self._last > -math.inf
        expected = self._last + self._step if started else 0.0
        if stamp is None:
            seconds = expected
        else:
            if self._origin is None or (started and stamp - self._origin < self._last - 1):
                self._origin = stamp - expected
            seconds = max(stamp - self._origin, self._last + TICK)
        self._last = seconds
        return seconds


def frames_from(clip: OpenClip, key: Key) -> Iterator[av.VideoFrame] | None:
    """Return the frames from a key frame on; None where seeking fails, and the clip must be opened anew."""
    assert clip.container is not None
    try:
        # Most formats seek by decoding time, which may be earlier than the time of showing.
        clip.container.seek(min(key.pts, key.dts), stream=clip.stream)
    except (av.FFmpegError, OSError):
        return None
    packets = clip.packets()
    for packet in packets:
        if packet.pts == key.pts and packet.is_keyframe:
            return clip.decoded(itertools.chain([packet], packets))
    return None
