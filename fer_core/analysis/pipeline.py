"""A clip goes in, results of its frames come out, one by one: memory stays the same however long the clip is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from fer_core.errors import OptionError
from fer_core.tracking.smoothing import Smoothing
from fer_core.tracking.tracker import Tracker
from fer_core.types import Faces, FrameResult
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader

__all__ = ["ANALYSIS_SIDE", "AnalysisOptions", "Listener", "analyze"]

ANALYSIS_SIDE = 1920
"""Longer side in pixels of what is analysed; a 4K frame holds nothing more that a 48-pixel crop could keep."""

WORKERS = 2
AHEAD = 8
"""Frames in hand at most: it bounds the memory, and more would not keep two processors any busier."""

Listener = Callable[[Frame, FrameResult | None], None]
"""Called with every decoded frame, in the caller's thread, and with its result where the frame was looked at."""


class Recognize(Protocol):
    """What analysis needs of a recognizer."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def __call__(self, image: np.ndarray) -> Faces: ...


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """How a clip is looked at.

    Attributes:
        sample_fps: frames looked at in a second of the clip; None for all.
        frame_stride: only each n-th frame is looked at; used where `sample_fps` is None.
        start, end: seconds from the clip's first frame; None as end for all of it.
        smoothing: how expressions are steadied along a track.
        confidence_threshold: smoothed confidence under which the label is "unsure".
        pixel_aspect: width of a stored pixel by its height, where the file says it wrong; None to believe the file.
    """

    sample_fps: float | None = None
    frame_stride: int = 1
    start: float = 0.0
    end: float | None = None
    smoothing: Smoothing = field(default_factory=Smoothing)
    confidence_threshold: float = 0.0
    pixel_aspect: float | None = None

    def __post_init__(self) -> None:
        if self.sample_fps is not None and not 0 < self.sample_fps <= 240:
            raise OptionError(f"Frames per second must lie between 0 and 240; received {self.sample_fps:g}.")
        if self.frame_stride < 1:
            raise OptionError(f"Every n-th frame needs n of at least 1; received {self.frame_stride}.")
        if not self.start >= 0:
            raise OptionError(f"The start must be 0 seconds or later; received {self.start:g}.")
        if self.pixel_aspect is not None and not 0.1 <= self.pixel_aspect <= 10:
            raise OptionError(f"The aspect of a pixel must lie between 0.1 and 10; received {self.pixel_aspect:g}.")
        if self.end is not None and not self.end > self.start:
            raise OptionError(f"The end must come after the start ({self.start:g} s); received {self.end:g} s.")


def analyze(
    source: str | Path | FrameReader,
    recognizer: Recognize,
    options: AnalysisOptions | None = None,
    *,
    limits: Limits | None = None,
    listeners: Sequence[Listener] = (),
) -> Iterator[FrameResult]:
    """Look through a clip.

    Two frames are recognised at the same time, while the caller's thread decodes, follows faces and runs listeners.

    Args:
        source: path of a clip or picture, or a reader that is open already and stays open.
        recognizer: finds and names the faces of a frame; called from two threads at a time.
        options: which frames are looked at, and how.
        limits: what is refused; for a path only.
        listeners: called for every decoded frame, before its result is yielded.

    Yields:
        A result for each frame that was looked at, in order of time.

    Raises:
        MediaError: the source cannot be read, or is beyond the limits.
    """
    options = options or AnalysisOptions()
    longest_pause = max(1.0, 2.5 / options.sample_fps) if options.sample_fps else 1.0
    tracker = Tracker(
        recognizer.labels, options.smoothing, max_gap=longest_pause, confidence_threshold=options.confidence_threshold
    )
    opened = (
        nullcontext(source)
        if isinstance(source, FrameReader)
        else FrameReader(source, limits, start=options.start, end=options.end, pixel_aspect=options.pixel_aspect)
    )
    with opened as reader, _pool() as pool:
        width = reader.info.width
        for frame, look in _in_hand(reader, options, lambda frame: pool.submit(_look, frame, recognizer)):
            result = None
            if look is not None:
                image, faces = look.result()
                if image.shape[1] != width:
                    faces, image = faces.scaled(width / image.shape[1]), frame.image()
                result = tracker.update(frame.index, frame.seconds, faces, image)
            for listener in listeners:
                listener(frame, result)
            if result is not None:
                yield result


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="look")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # also where the caller stops in the middle


Look = Future[tuple[np.ndarray, Faces]]


def _look(frame: Frame, recognizer: Recognize) -> tuple[np.ndarray, Faces]:
    image = frame.image(ANALYSIS_SIDE)
    return image, recognizer(image)


def _in_hand(
    frames: Iterable[Frame], options: AnalysisOptions, look: Callable[[Frame], Look]
) -> Iterator[tuple[Frame, Look | None]]:
    """All frames in order, with the work begun for those that are looked at; a few frames ahead of the caller."""
    waiting: deque[tuple[Frame, Look | None]] = deque()
    due = -1
    for seen, frame in enumerate(frames):
        if options.sample_fps is None:
            wanted = seen % options.frame_stride == 0
        else:
            # On a grid of the clip's own time: drift-free, and right for a variable frame rate. The small term
            # keeps a frame that falls on the grid from being missed by rounding.
            slot = int((frame.seconds - options.start) * options.sample_fps + 1e-3)
            wanted, due = slot > due, max(slot, due)
        waiting.append((frame, look(frame) if wanted else None))
        while waiting and (len(waiting) >= AHEAD or (first := waiting[0][1]) is None or first.done()):
            yield waiting.popleft()
    yield from waiting
