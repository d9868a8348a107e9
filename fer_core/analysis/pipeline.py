"""A clip goes in, results of its frames come out, one by one: memory stays the same however long the clip is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from fer_core.analysis.lookahead import FrameGroups, Lookahead, Recognize, recognize_frames
from fer_core.errors import Cancelled, OptionError
from fer_core.faces.measure_hold import MeasureHold
from fer_core.faces.measures import FaceMeasurer, measures_of
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.tracking.features import FrameFeatures
from fer_core.tracking.smoothing import Smoothing
from fer_core.tracking.tracker import Tracker
from fer_core.types import Faces, FrameResult
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader

__all__ = [
    "AnalysisOptions",
    "FrameSelector",
    "Listener",
    "analyze",
    "make_tracker",
    "open_reader",
    "recognize_frame",
]

WORKERS = 2

Listener = Callable[[Frame, FrameResult | None], None]
"""Called with every decoded frame, in the caller's thread, and with its result where the frame was looked at."""


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """How a clip is looked at.

    Attributes:
        sample_fps: frames looked at in a second of the clip; None for all.
        frame_stride: only each n-th frame is looked at; used where `sample_fps` is None.
        start, end: seconds from the clip's first frame; None as end for all of it.
        smoothing: how expressions are steadied along a track.
        confidence_threshold: smoothed confidence under which the label is "unsure".
        measures: also measure head pose, eyes and mouth, 15 times a second; a little more than half of the speed.
        pixel_aspect: width of a stored pixel by its height, where the file says it wrong; None to believe the file.

    Example:
        >>> AnalysisOptions(sample_fps=5, end=10.0).frame_stride
        1
    """

    sample_fps: float | None = None
    frame_stride: int = 1
    start: float = 0.0
    end: float | None = None
    smoothing: Smoothing = field(default_factory=Smoothing)
    confidence_threshold: float = 0.0
    measures: bool = False
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
    recognizer: Recognize | None = None,
    options: AnalysisOptions | None = None,
    *,
    limits: Limits | None = None,
    listeners: Sequence[Listener] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[FrameResult]:
    """Find faces and their expressions in a clip, frame by frame.

    Two groups of frames are recognised at the same time, while the caller's thread decodes, follows faces and runs
    listeners. Faces are searched for every tenth of a second and where they move fast or change; in between they
    follow from the searches before and after, see `Lookahead`.

    Args:
        source: path of a clip or picture, or a reader that is open already and stays open.
        recognizer: finds and names the faces of frames; called from two threads at a time. The shipped one if None.
        options: which frames are looked at, and how.
        limits: what is refused; for a path only.
        listeners: called for every decoded frame, before its result is yielded.
        cancelled: asked at every decoded frame; once it is true, the analysis ends.

    Yields:
        A result for each frame that was looked at, in order of time.

    Raises:
        MediaError: the source cannot be read, or is beyond the limits.
        ModelError: measures are asked for, and that part is not installed.
        Cancelled: `cancelled` turned true; what was yielded before stands.

    Example:
        >>> from fer_core.utils.distribution import sample_clip
        >>> results = list(analyze(sample_clip(), options=AnalysisOptions(sample_fps=1)))
        >>> len(results), results[0].faces.labels[0]
        (16, 'angry')
    """
    recognizer, options = recognizer or ExpressionRecognizer(), options or AnalysisOptions()
    tracker = make_tracker(recognizer.labels, options)
    # A recognizer that measures by itself need not be helped.
    measurer = FaceMeasurer() if options.measures and not measures_of(recognizer) else None
    hold = None if measurer is None else MeasureHold(measurer)
    opened = (
        nullcontext(source)
        if isinstance(source, FrameReader)
        else open_reader(source, options, limits, every_frame=bool(listeners))
    )
    with opened as reader, _pool() as pool:
        groups = FrameGroups(FrameSelector(options), options, reader.info.frame_rate)
        steps = Lookahead(reader, groups, recognizer, pool, width=reader.info.width, measurer=measurer)
        for frame, recognized in steps:
            if cancelled():
                raise Cancelled("The analysis was stopped; what was done so far is kept.")
            result = None
            if recognized is not None:
                faces, features = recognized
                result = tracker.follow(frame.index, frame.seconds, hold(faces, frame) if hold else faces, features)
            for listener in listeners:
                listener(frame, result)
            if result is not None:
                yield result


def open_reader(
    source: str | Path, options: AnalysisOptions, limits: Limits | None = None, *, every_frame: bool
) -> FrameReader:
    """Open a clip for an analysis.

    Args:
        source: path of a clip or picture.
        options: which frames are analysed.
        limits: what is refused.
        every_frame: also read the frames that are not analysed, as for an annotated clip. Otherwise those may be
            missing that need not be decoded for the others.
    """
    selected = FrameSelector(options) if options.sample_fps is not None and not every_frame else None
    aspect = options.pixel_aspect
    return FrameReader(source, limits, start=options.start, end=options.end, selected=selected, pixel_aspect=aspect)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="analyze")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # also where the caller stops in the middle


def make_tracker(labels: tuple[str, ...], options: AnalysisOptions) -> Tracker:
    """Return the tracker for a clip that is analysed with these options."""
    longest_pause = max(1.0, 2.5 / options.sample_fps) if options.sample_fps else 1.0
    return Tracker(labels, options.smoothing, max_gap=longest_pause, confidence_threshold=options.confidence_threshold)


def recognize_frame(frame: Frame, recognizer: Recognize, width: int) -> tuple[Faces, FrameFeatures]:
    """Search, recognize and measure one frame, for itself alone; `Tracker.follow` takes what comes out.

    Frames that follow one another closely are recognized sooner in groups: `fer_core.analysis.lookahead`.

    Args:
        frame: of the clip.
        recognizer: finds and names its faces.
        width: of the clip's upright pictures; boxes come out in pixels of these.
    """
    return recognize_frames([frame], [recognizer.detect(frame)], recognizer, width)[0]


class FrameSelector:
    """Says which frames of a clip are analysed; asked about each in order of time, or only about those it would take.

    Of a stretch in the middle of a clip its first frame must be offered whatever the stretch's own selector says; then
    one selector over all stretches takes the same frames as one over the whole clip.
    """

    def __init__(self, options: AnalysisOptions) -> None:
        self._options, self._due = options, -1

    def __call__(self, number: int, seconds: float) -> bool:
        """Say whether a frame is analysed.

        Args:
            number: of the frame, counted from the first one of the analysed stretch.
            seconds: presentation time.
        """
        options = self._options
        if options.sample_fps is None:
            return number % options.frame_stride == 0
        # On a grid of the clip's own time: drift-free, and right for a variable frame rate. The small term
        # keeps a frame that falls on the grid from being missed by rounding.
        slot = int((seconds - options.start) * options.sample_fps + 1e-3)
        wanted, self._due = slot > self._due, max(slot, self._due)
        return wanted
