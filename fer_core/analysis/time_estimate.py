"""How long an analysis will take, measured on the clip itself before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from fer_core.analysis.lookahead import FrameGroups
from fer_core.analysis.pipeline import AnalysisOptions, FrameSelector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import ClipInfo, FrameReader

__all__ = ["TimeEstimate", "estimate_time", "inspect_clip"]


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """How long the parts of an analysis take.

    Attributes:
        decode: seconds for decoding a frame.
        look: seconds for analysing a frame by itself.
        write: seconds for drawing and encoding a frame.
        search: seconds of `look` that searching for faces takes; in groups of frames only the first is searched.
    """

    decode: float
    look: float
    write: float
    search: float = 0.0

    def frames(self, info: ClipInfo, options: AnalysisOptions) -> tuple[int, int]:
        """Return how many frames will be decoded, and looked at; (0, 0) where the clip's length is not known."""
        if info.is_image:
            return 1, 1
        if not info.seconds or not info.frames:
            return 0, 0
        stretch = max(0.0, min(options.end or info.seconds, info.seconds) - options.start)
        decoded = max(1, round(info.frames * min(1.0, stretch / info.seconds)))
        looked = (
            min(decoded, round(stretch * options.sample_fps))
            if options.sample_fps
            else -(-decoded // options.frame_stride)
        )
        return decoded, max(1, looked)

    def seconds(self, info: ClipInfo, options: AnalysisOptions, *, annotate: bool) -> float | None:
        """Estimated time in seconds; None where the clip's length is not known."""
        decoded, looked = self.frames(info, options)
        if not decoded:
            return None
        group = FrameGroups(FrameSelector(options), options, info.frame_rate).size
        look = self.look - self.search * (1 - 1 / group)
        return decoded * (self.decode + (self.write if annotate else 0.0)) + looked * look


def estimate_time(source: Path, recognizer: ExpressionRecognizer, limits: Limits | None = None) -> TimeEstimate:
    """See `inspect_clip`."""
    return inspect_clip(source, recognizer, limits)[2]


def inspect_clip(
    source: Path, recognizer: ExpressionRecognizer, limits: Limits | None = None
) -> tuple[ClipInfo, Frame, TimeEstimate]:
    """Open a clip, take its first frame, and try how long a few take; that needs about a tenth of a second.

    Raises:
        MediaError: the clip cannot be used.
    """
    with FrameReader(source, limits or Limits()) as reader:
        first = last = next(reader)  # a reader that has no frame raises
        start, count = time.perf_counter(), 0
        for last in reader:  # noqa: B007 - used below
            count += 1
            if count >= 8 or time.perf_counter() - start > 0.2:
                break
        decode = (time.perf_counter() - start) / max(1, count)
        info = reader.info
    recognizer.classify([first], [recognizer.detect(first)])  # the first call prepares the network
    start = time.perf_counter()
    found = recognizer.detect(last)
    search = time.perf_counter() - start
    recognizer.classify([last], [found])
    look = time.perf_counter() - start
    # Encoding was measured at 2.5 ms for 640x360 on two cores; it grows with the size, which is capped.
    write = 0.0025 * min(info.width * info.height, 1280 * 720) / (640 * 360)
    return info, first, TimeEstimate(decode, look, write, search)
