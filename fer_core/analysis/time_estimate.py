"""How long an analysis will take, measured on the clip itself before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import ClipInfo, FrameReader

__all__ = ["TimeEstimate", "estimate_time", "inspect_clip"]


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """Seconds for decoding a frame, for looking at one, and for drawing and encoding one."""

    decode: float
    look: float
    write: float

    def frames(self, info: ClipInfo, options: AnalysisOptions) -> tuple[int, int]:
        """How many frames will be decoded, and looked at; (0, 0) where the clip's length is not known."""
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
        return decoded * (self.decode + (self.write if annotate else 0.0)) + looked * self.look


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
        first = next(reader)  # a reader that has no frame raises
        image = first.image()
        start, count = time.perf_counter(), 0
        for _ in reader:
            count += 1
            if count >= 8 or time.perf_counter() - start > 0.2:
                break
        decode = (time.perf_counter() - start) / max(1, count)
        info = reader.info
    recognizer(image)  # the first call prepares the network
    start = time.perf_counter()
    recognizer(image)
    look = time.perf_counter() - start
    # Encoding was measured at 5 ms for 640x360 on two cores; it grows with the size, which is capped.
    return info, first, TimeEstimate(decode, look, 0.005 * min(info.width * info.height, 1280 * 720) / (640 * 360))
