"""Reading of one segment of a clip: frames are recognised, and what is done is written down every 3 seconds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.lookahead import FrameGroups, Lookahead, Recognize
from fer_core.analysis.pipeline import AnalysisOptions, FrameSelector, make_tracker
from fer_core.annotation.blur import blur_faces
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.errors import Cancelled, OptionError
from fer_core.studies.readings import Chunk, Reading, Seam, read_chunk, stored_chunks, write_chunk
from fer_core.studies.segments import Plan
from fer_core.types import FrameResult
from fer_core.utils.files import write_atomic
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader

__all__ = ["SegmentReader"]

FLUSH = 3.0
"""Seconds of work after which it is written down; a crash loses no more than that."""
PREVIEW_SIDE, PICTURE_SIDE = 480, 1600


class SegmentReader:
    """Recognises one segment of a clip, goes on where it was interrupted, and writes down what is done every 3 s."""

    def __init__(
        self,
        source: Path,
        folder: Path,
        plan: Plan,
        segment: int,
        recognizer: Recognize,
        options: AnalysisOptions,
        *,
        limits: Limits | None = None,
        stopped: Callable[[], bool] = lambda: False,
        threads: int = 1,
        blur: bool = False,
    ) -> None:
        """Set up; nothing is read yet.

        Args:
            source: the clip.
            folder: of the clip in hand, for the readings.
            plan: how the clip is cut.
            segment: number of the segment.
            recognizer: finds and names faces; called from `threads` threads.
            options: which frames are analysed, and how.
            limits: what is refused.
            stopped: asked at every frame; what is done when it turns true is written down.
            threads: groups of frames recognised at the same time.
            blur: make faces unrecognisable in the preview.
        """
        self._source, self._folder, self._plan, self._segment = source, folder, plan, segment
        self._recognizer, self._options, self._limits = recognizer, options, limits or Limits()
        self._stopped, self._threads, self._blur = stopped, threads, blur
        self._readings: list[Reading] = []
        self._group: list[Reading] = []  # the last one so far; whole when the next one begins
        self._rate: float | None = None
        self._state = Chunk(None, None, 0, False)
        self._number = 0
        self._most_faces = 0

    def run(self) -> None:
        """Read the segment to its end.

        Raises:
            Cancelled: it was stopped; all until then is written down.
            MediaError: the clip cannot be used.
            OSError: what was read cannot be written.
        """
        stored = stored_chunks(self._folder, self._segment)
        if stored:
            self._number = stored[-1][1] + 1
            _, self._state = read_chunk(stored[-1][3])
        if self._state.whole:
            return
        try:
            with closing(self._frames()) as frames:
                self._read(frames)
        except OptionError:  # nothing at the time where the segment should begin: the seam will not fit
            if self._segment == 0:
                raise
            self._flush(None, whole=True)

    def _read(self, frames: Iterator[Frame]) -> None:
        first = next(frames, None)
        if first is None:
            if self._stopped():
                raise Cancelled("The analysis was stopped; what was done so far is kept.")
            self._flush(None, whole=True)
            return
        end = self._plan.starts[self._segment][0] if self._segment < self._plan.segments - 1 else None
        groups = FrameGroups(FrameSelector(self._options), self._options, self._rate, first.index)
        begun = self._segment == 0 or self._state.last is not None
        stretch = _Stretch(chain([first], frames), groups, end, self._stopped, begun=begun)
        taker = _PictureTaker(self._plan.width)
        tracker = make_tracker(self._recognizer.labels, self._options)
        flushed, opened = time.monotonic(), None
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="analyze")
        try:
            for frame, recognized in Lookahead(stretch, stretch, self._recognizer, pool, width=self._plan.width):
                if recognized is None or frame is stretch.following:
                    continue
                if stretch.may_go_on_at(frame):
                    self._readings += self._group
                    self._group, opened = [], frame
                    if self._readings and time.monotonic() - flushed > FLUSH:
                        self._flush(frame, whole=False)
                        flushed = time.monotonic()
                faces, features = recognized
                result = tracker.follow(frame.index, frame.seconds, faces, features)
                pictures = taker.pictures(frame, result)
                self._group.append(Reading(frame.index, frame.seconds, faces, features, pictures))
                self._preview(frame, result)
        finally:
            pool.shutdown(cancel_futures=True)
        if stretch.stopped:
            # Frames of the last group were read without what follows on them: they are read again.
            if self._readings and opened is not None:
                self._flush(opened, whole=False)
            raise Cancelled("The analysis was stopped; what was done so far is kept.")
        self._readings += self._group
        self._flush(stretch.border, whole=True)

    def _frames(self) -> Generator[Frame, None, None]:
        """Yield the frames that are still to be read, beginning with the first one of a group."""
        last = self._state.last
        # Where frames were damaged, others may be after a seek: the segment is decoded anew from its beginning.
        if last is not None and not self._state.damaged:
            with FrameReader(self._source, self._limits, start=last.seconds) as reader:
                self._rate = reader.info.frame_rate
                frame = next(reader, None)
                if frame is not None and _seam(frame) == last:
                    yield frame
                    yield from self._counted(reader, -reader.damaged)
                    return
        start = self._plan.starts[self._segment - 1][1] if self._segment else 0.0
        with FrameReader(self._source, self._limits, start=start) as reader:
            self._rate = reader.info.frame_rate
            for frame in self._counted(reader, 0, begins=last is None):
                if last is None or frame.index >= last.index:
                    yield frame

    def _counted(self, reader: FrameReader, before: int, *, begins: bool = False) -> Iterator[Frame]:
        for frame in reader:
            if begins:
                self._state = replace(self._state, first=_seam(frame))
                begins = False
            self._state = replace(self._state, damaged=before + reader.damaged)
            yield frame
        self._state = replace(self._state, damaged=before + reader.damaged)

    def _flush(self, last: Frame | None, *, whole: bool) -> None:
        self._state = replace(self._state, last=None if last is None else _seam(last), whole=whole)
        write_chunk(self._folder, self._segment, self._number, self._readings, self._state)
        self._number += 1
        self._readings = []

    def _preview(self, frame: Frame, result: FrameResult) -> None:
        if len(result.faces) <= self._most_faces:
            return
        self._most_faces = len(result.faces)
        image = frame.image(PICTURE_SIDE if self._plan.is_image else PREVIEW_SIDE).copy()
        faces = result.faces.scaled(image.shape[1] / self._plan.width)
        if self._blur:
            blur_faces(image, faces.boxes)
        draw_overlays(image, overlays(faces))
        jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        write_atomic(self._folder / f"preview-{self._segment:04d}.jpg", jpeg)


class _Stretch(FrameGroups):
    """The analysed frames of a segment, and their groups as of reading the clip in one go.

    A segment begins at a key frame, which may lie in the middle of a group that the segment before began. Which frames
    came before is not known here, but the first analysed frame of a later group than the key frame's own begins a
    group in any case. So a segment has the frames from there on, up to the same place of the next segment.

    Attributes:
        border: the first frame of the next segment, once it is reached.
        following: the first frame of the next segment's first group: read for what it tells of those before it.
        stopped: reading was stopped before the end.
    """

    def __init__(
        self, frames: Iterable[Frame], groups: FrameGroups, end: int | None, stopped: Callable[[], bool], *, begun: bool
    ) -> None:
        """Set up.

        Args:
            frames: of the segment and beyond, in order.
            groups: tells which are analysed.
            end: number of the next segment's first frame.
            stopped: asked at every frame.
            begun: the first of the frames begins a group.
        """
        self.size = groups.size
        self.border: Frame | None = None
        self.following: Frame | None = None
        self.stopped = False
        self._frames, self._of, self._end, self._asked, self._begun = frames, groups, end, stopped, begun
        self._numbers: dict[int, int] = {}
        self._last: int | None = None

    def __call__(self, frame: Frame) -> int | None:
        """Number of the group of a frame that was given."""
        return self._numbers[frame.index]

    def __iter__(self) -> Iterator[Frame]:
        ours: int | None = None
        for frame in self._frames:
            if self.border is None and self._end is not None and frame.index >= self._end:
                self.border = frame
            if self._asked():
                self.stopped = True
                return
            number = self._of(frame)
            if not self._begun:
                ours = self._of.number(frame) if ours is None else ours
                self._begun = number is not None and number > ours
            if number is None:
                continue
            is_following = self.border is not None and number > self._of.number(self.border)
            if self._begun:
                self._numbers[frame.index] = number
                self.following = frame if is_following else None
                yield frame
            if is_following:
                return

    def may_go_on_at(self, frame: Frame) -> bool:
        """Whether reading may go on at a frame another time; to be asked of each, in order."""
        number = self._numbers.pop(frame.index)
        begins, self._last = number != self._last, number
        return begins and (self._end is None or frame.index < self._end)


class _PictureTaker(KeyMoments):
    """Takes the pictures that key moments will want, most of them: of what a segment's own tracking sees."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self._taken: dict[bytes, bytes] = {}

    def pictures(self, frame: Frame, result: FrameResult) -> dict[int, bytes]:
        """Return the pictures of this frame's faces that were taken, by row."""
        self._taken = {}
        self(frame, result)
        rows = ((i, self._taken.get(box.tobytes())) for i, box in enumerate(result.faces.boxes))
        return {i: jpeg for i, jpeg in rows if jpeg is not None}

    def take_picture(self, frame: Frame, box: np.ndarray) -> bytes:
        key = box.tobytes()
        if key not in self._taken:
            self._taken[key] = super().take_picture(frame, box)
        return self._taken[key]


def _seam(frame: Frame) -> Seam:
    digest = hashlib.blake2b(np.ascontiguousarray(frame.image()).data, digest_size=16).hexdigest()
    return Seam(frame.index, frame.seconds, digest)
