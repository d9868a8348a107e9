"""Reading of one segment of a clip: frames are recognised, and what is done is written down every 3 seconds."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.pipeline import AnalysisOptions, FrameSelector, Recognize, make_tracker, recognize_frame
from fer_core.annotation.blur import blur_faces
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.errors import Cancelled, OptionError
from fer_core.studies.readings import Chunk, Reading, Seam, read_chunk, stored_chunks, write_chunk
from fer_core.studies.segments import Plan
from fer_core.tracking.features import FrameFeatures
from fer_core.types import Faces, FrameResult
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
            threads: frames recognised at the same time.
            blur: make faces unrecognisable in the preview.
        """
        self._source, self._folder, self._plan, self._segment = source, folder, plan, segment
        self._recognizer, self._options, self._limits = recognizer, options, limits or Limits()
        self._stopped, self._threads, self._blur = stopped, threads, blur
        self._readings: list[Reading] = []
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
        selector = FrameSelector(self._options)
        if self._state.last is not None:
            selector(self._state.last.index, self._state.last.seconds)
        taker = _PictureTaker(self._plan.width)
        tracker = make_tracker(self._recognizer.labels, self._options)
        end = self._plan.starts[self._segment][0] if self._segment < self._plan.segments - 1 else None
        flushed = time.monotonic()
        border: Frame | None = None

        def inside() -> Iterator[Frame]:
            nonlocal border
            for frame in frames:
                if end is not None and frame.index >= end:
                    border = frame
                    return
                if self._stopped():
                    return
                yield frame

        wanted = (frame for frame in inside() if selector(frame.index, frame.seconds))
        for frame, (faces, features) in _ahead(wanted, self._recognize, self._threads):
            result = tracker.follow(frame.index, frame.seconds, faces, features)
            pictures = taker.pictures(frame, result)
            self._readings.append(Reading(frame.index, frame.seconds, faces, features, pictures))
            self._preview(frame, result)
            if time.monotonic() - flushed > FLUSH:
                self._flush(frame, whole=False)
                flushed = time.monotonic()
            last = frame
        if border is None and self._stopped():
            if self._readings:
                self._flush(last, whole=False)
            raise Cancelled("The analysis was stopped; what was done so far is kept.")
        self._flush(border, whole=True)

    def _recognize(self, frame: Frame) -> tuple[Faces, FrameFeatures]:
        return recognize_frame(frame, self._recognizer, self._plan.width)

    def _frames(self) -> Generator[Frame, None, None]:
        """Yield the frames that are still to be read."""
        last = self._state.last
        # Where frames were damaged, others may be after a seek: the segment is decoded anew from its beginning.
        if last is not None and not self._state.damaged:
            with FrameReader(self._source, self._limits, start=last.seconds) as reader:
                frame = next(reader, None)
                if frame is not None and _seam(frame) == last:
                    yield from self._counted(reader, -reader.damaged)
                    return
        start = self._plan.starts[self._segment - 1][1] if self._segment else 0.0
        with FrameReader(self._source, self._limits, start=start) as reader:
            for frame in self._counted(reader, 0, begins=last is None):
                if last is None or frame.index > last.index:
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
        image = frame.image(PICTURE_SIDE if self._plan.is_image else PREVIEW_SIDE)
        faces = result.faces.scaled(image.shape[1] / self._plan.width)
        if self._blur:
            blur_faces(image, faces.boxes)
        draw_overlays(image, overlays(faces))
        jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        write_atomic(self._folder / f"preview-{self._segment:04d}.jpg", jpeg)


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


def _ahead(
    frames: Iterable[Frame], work: Callable[[Frame], tuple[Faces, FrameFeatures]], threads: int
) -> Iterator[tuple[Frame, tuple[Faces, FrameFeatures]]]:
    """Do the work for each frame, a few at the same time, and give them in order."""
    if threads == 1:
        for frame in frames:
            yield frame, work(frame)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="look")
    waiting: deque[tuple[Frame, Future[tuple[Faces, FrameFeatures]]]] = deque()
    try:
        for frame in frames:
            waiting.append((frame, pool.submit(work, frame)))
            while len(waiting) > 3 * threads or (waiting and waiting[0][1].done()):
                first, done = waiting.popleft()
                yield first, done.result()
        for first, done in waiting:
            yield first, done.result()
    finally:
        pool.shutdown(cancel_futures=True)
