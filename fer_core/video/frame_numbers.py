"""Numbers of frames in the order of showing, also where some cannot be decoded."""

from __future__ import annotations

import math

import av

from fer_core.video.container import OpenClip
from fer_core.video.timestamps import Timeline

__all__ = ["FrameNumbers"]

GAP = 1.5
"""Times the usual step after which a frame may be missing."""


class FrameNumbers:
    """Numbers frames in the order of showing, also where some before them could not be decoded.

    They are counted until one may be missing; from then on the stamps of all frames, decoded or not, are known.
    """

    def __init__(self, clip: OpenClip, index: int, step: float, timeline: Timeline | None = None) -> None:
        """Set up.

        Args:
            clip: whose frames are numbered.
            index: number of the first frame.
            step: usual seconds from frame to frame.
            timeline: of the clip, where it is known already and frames are left out on purpose.
        """
        self._clip, self._next, self._step = clip, index, step
        self._last: tuple[int | None, float] = None, -math.inf
        self._timeline, self._searched = timeline, timeline is not None
        self.shifted = False

    def origin(self) -> float | None:
        """Return the stamp of the clip's first frame in seconds, where that could not be decoded."""
        if not self._clip.damaged or self._searched:
            return None
        self._find_timeline()
        return self._timeline.origin if self._timeline is not None and self._timeline.frame_rate else None

    def of(self, picture: av.VideoFrame, seconds: float) -> int:
        """Return the number of the next decoded picture, which is shown at `seconds`."""
        gap = seconds - self._last[1] > GAP * self._step and self._last[0] is not None
        if (gap or self._clip.damaged) and not self._searched:
            self._find_timeline()
        number = None
        if self._timeline is not None and picture.pts is not None:
            number = self._timeline.number(picture.pts)
        number = self._next if number is None or number < self._next else number
        self.shifted = self.shifted or bool(self._clip.damaged and self._timeline is None)
        self._next, self._last = number + 1, (picture.pts, seconds)
        return number

    def _find_timeline(self) -> None:
        self._searched = True
        timeline = Timeline(self._clip.path, self._clip.limits)
        before = self._last[0]
        # Where a frame comes in two packets (interlaced MPEG), stamps are no numbers of frames.
        if before is None or timeline.number(before) == self._next - 1:
            self._timeline = timeline
