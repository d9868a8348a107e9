"""Frames read ahead of their results: which are analysed, which are searched for faces, and the work on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fer_core.faces.interpolation import detect_between
from fer_core.faces.measure_hold import MEASURE_RATE
from fer_core.faces.measures import FaceMeasurer, with_measures
from fer_core.faces.yunet import Detections
from fer_core.tracking.features import FrameFeatures, measure_frame
from fer_core.types import Faces
from fer_core.video.frame import Frame

__all__ = ["GROUP_SPAN", "FrameGroups", "Lookahead", "Recognize", "recognize_frames"]

GROUP_SPAN = 0.12
"""Seconds from one search for faces to the next, at most."""
LONGEST = 4
"""Decoded frames in a group at most: it bounds the memory, and how long somebody who walks in can be missed."""
AHEAD = 3 * LONGEST
"""Frames in hand at most: two groups in work, and one that is filled meanwhile."""


TRACKING_SIDE = 240
"""Longer side in pixels of the picture in which colors are compared."""

Recognized = tuple[Faces, FrameFeatures]


class Recognize(Protocol):
    """What analysis needs of a recognizer; both are called from two threads at a time."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the expressions."""

    def detect(self, frame: Frame) -> Detections:
        """Find the faces of a frame."""

    def classify(self, frames: list[Frame], found: list[Detections]) -> list[Faces]:
        """Name the expressions of faces that are found already."""


class SamplingOptions(Protocol):
    """What says which frames are analysed; see `AnalysisOptions`."""

    @property
    def sample_fps(self) -> float | None: ...

    @property
    def frame_stride(self) -> int: ...

    @property
    def start(self) -> float: ...


class FrameGroups:
    """Puts the frames that are analysed into groups of which the first frame is searched for faces.

    Groups are counted from the clip's first frame, not from where the analysis begins: a part of a clip that begins
    with a group, and is read to the first frame of a further one, gives what the whole clip gives there.

    Attributes:
        size: analysed frames in a group; 1 where each is searched for faces.
    """

    def __init__(
        self,
        selected: Callable[[int, float], bool],
        options: SamplingOptions,
        frame_rate: float | None,
        first: int = 0,
    ) -> None:
        """Set up.

        Args:
            selected: says which frames are analysed, see `FrameSelector`.
            options: what that follows from.
            frame_rate: of the clip; None where it is not known.
            first: number of the first frame that will be asked for.
        """
        rate = frame_rate or 25.0
        self._selected, self._options = selected, options
        analyzed = min(options.sample_fps, rate) if options.sample_fps else rate / options.frame_stride
        self.size = max(1, min(int(GROUP_SPAN * analyzed + 0.05), int(LONGEST * analyzed / rate + 0.05)))
        self._seen = first - 1

    def __call__(self, frame: Frame) -> int | None:
        """Number of the frame's group; None where it is not analysed. To be asked of each frame, in order."""
        self._seen += 1
        if not self._selected(self._seen, frame.seconds):
            return None
        return self.number(frame)

    def number(self, frame: Frame) -> int:
        """Number of the group at a frame's place, whether or not the frame is analysed."""
        if self._options.sample_fps is None:
            return frame.index // (self._options.frame_stride * self.size)
        return int((frame.seconds - self._options.start) * self._options.sample_fps + 1e-3) // self.size


@dataclass(slots=True, eq=False)
class _Group:
    """Frames whose faces are read together; the first of them is searched while the others are decoded."""

    number: int
    search: Future[Detections]
    frames: list[Frame] = field(default_factory=list)
    measured: list[int] = field(default_factory=list)
    done: Future[list[Recognized]] | None = None


class Lookahead:
    """Iterates over all frames in order, each with its faces where it was analysed, a few frames behind the decoder.

    The first frame of each group is searched for faces. Those of the others follow from it and from the first of the
    next group, see `detect_between`. So what is found in a frame depends on its group and the frame after it alone, and
    groups are worked on side by side.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        groups: FrameGroups,
        recognizer: Recognize,
        pool: ThreadPoolExecutor,
        *,
        width: int,
        measurer: FaceMeasurer | None = None,
    ) -> None:
        """Set up; nothing is read yet.

        Args:
            frames: of a clip, in order.
            groups: says which of them are analysed, and which are searched for faces.
            recognizer: finds and names faces.
            pool: where groups are worked on.
            width: of the clip's upright pictures; boxes come out in pixels of these.
            measurer: measures head, eyes and mouth `MEASURE_RATE` times a second; None for no measures.
        """
        self._frames, self._groups, self._recognizer, self._pool = frames, groups, recognizer, pool
        self._width = width
        self._waiting: deque[tuple[Frame, _Group | None, int]] = deque()
        self._open: _Group | None = None
        self._measurer, self._measure_slot = measurer, -1

    def __iter__(self) -> Iterator[tuple[Frame, Recognized | None]]:
        for frame in self._frames:
            self._add(frame)
            yield from self._ready(AHEAD)
        self._close(None)
        yield from self._ready(0)

    def _add(self, frame: Frame) -> None:
        number = self._groups(frame)
        group = self._open
        if group is not None and frame.index - group.frames[0].index > LONGEST:
            self._close(None)  # a frame rate that varies: no frame of the next group came in time
        if number is None:
            self._waiting.append((frame, None, 0))
            return
        if self._open is None or self._open.number != number:
            search = self._pool.submit(self._recognizer.detect, frame)
            self._close((frame, search))
            self._open = _Group(number, search)
        group = self._open
        self._waiting.append((frame, group, len(group.frames)))
        if self._measurer is not None and self._is_measured(frame):
            group.measured.append(len(group.frames))
        group.frames.append(frame)
        if self._groups.size == 1:
            self._close(None)

    def _is_measured(self, frame: Frame) -> bool:
        # The small term keeps a frame that falls on the grid from being missed by rounding.
        slot = int(frame.seconds * MEASURE_RATE + 1e-3)
        due, self._measure_slot = slot > self._measure_slot, max(slot, self._measure_slot)
        return due

    def _close(self, following: tuple[Frame, Future[Detections]] | None) -> None:
        """Let the faces of the open group be read, as no more frames come to it."""
        if self._open is not None:
            # The searches that are waited for stand before this in the queue, so they are under way by then.
            work = (self._open, following, self._recognizer, self._width, self._measurer)
            self._open.done = self._pool.submit(_recognize, *work)
            self._open = None

    def _ready(self, most: int) -> Iterator[tuple[Frame, Recognized | None]]:
        """Return what is done; more than `most` frames are not left waiting."""
        while self._waiting:
            frame, group, row = self._waiting[0]
            if group is None:
                recognized = None
            elif group.done is not None and (len(self._waiting) > most or group.done.done()):
                recognized = group.done.result()[row]
            else:
                return
            self._waiting.popleft()
            yield frame, recognized


def _recognize(
    group: _Group,
    following: tuple[Frame, Future[Detections]] | None,
    recognizer: Recognize,
    width: int,
    measurer: FaceMeasurer | None,
) -> list[Recognized]:
    frames, found = group.frames, [group.search.result()]
    if len(frames) > 1:
        last, search = (frames[-1], None) if following is None else following
        stretch = [*frames[: None if following else -1], last]
        if last.seconds - frames[0].seconds <= 1.5 * GROUP_SPAN:
            after = recognizer.detect(last) if search is None else search.result()
            found = detect_between(stretch, [f.seconds for f in stretch], found[0], after, recognizer.detect)
        else:
            found += [recognizer.detect(frame) for frame in frames[1:]]
    recognized = recognize_frames(frames, found[: len(frames)], recognizer, width)
    if measurer is not None:
        for row in group.measured:
            (faces, features), frame = recognized[row], frames[row]
            own = frame.size[0] / width
            measures = measurer(frame.image(), faces.boxes * np.float32(own), faces.landmarks * np.float32(own))
            recognized[row] = with_measures(faces, measures), features
    return recognized


def recognize_frames(
    frames: list[Frame], found: list[Detections], recognizer: Recognize, width: int
) -> list[Recognized]:
    """Recognize and measure frames whose faces are found; `Tracker.follow` takes what comes out for each.

    Args:
        frames: of a clip.
        found: the faces of each, in its own pixels.
        recognizer: names faces.
        width: of the clip's upright pictures; boxes come out in pixels of these.
    """
    recognized = []
    for frame, faces in zip(frames, recognizer.classify(frames, found), strict=True):
        image, own = frame.picked(TRACKING_SIDE), frame.size[0]
        features = measure_frame(image, faces.boxes * np.float32(image.shape[1] / own))
        # The size of the picture may change within a clip; boxes are told in pixels of the first.
        recognized.append((faces if own == width else faces.scaled(width / own), features))
    return recognized
