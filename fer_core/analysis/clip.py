"""One clip's analysis from start to files: what the page runs in the background and the command line in front."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from fer_core.analysis.annotated_clip import AnnotatedClip
from fer_core.analysis.detail import choose_detail
from fer_core.analysis.export import ClipResult
from fer_core.analysis.key_moments import KeyMoments
from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.pipeline import AnalysisOptions, Listener, analyze, open_reader
from fer_core.analysis.table import ResultTable
from fer_core.annotation.annotator import Annotator
from fer_core.annotation.blur import blur_faces
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.errors import MediaError, OptionError
from fer_core.faces.measures import MEASURES, measures_of
from fer_core.faces.recognizer import ExpressionRecognizer, reader_settings
from fer_core.models.bundle import Bundle
from fer_core.tracking.reidentification import PersonGrouper
from fer_core.types import FrameResult
from fer_core.utils.boundary import media_boundary
from fer_core.video.completeness import BrokenOff
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import ClipInfo, FrameReader
from fer_core.video.writer import ClipWriter

__all__ = ["ClipAnalysis"]

PREVIEW_SIDE = 480
PICTURE_SIDE = 1600
PREVIEW_EVERY = 0.4
ANNOTATED_SIDE = 1280
BLUR_MIN_FPS = 4.0
MAX_RATE = 240.0
"""Frames a second that an annotated clip is said to have at most; its frames keep their own times."""


class ClipAnalysis:
    """A clip's analysis under way. `run` belongs to one thread; everything else may be read from others meanwhile.

    Attributes:
        name: what the person calls the clip.
        info: facts of the clip, once it is open.
        recorder: the results so far.
        key_moments: the key moments so far, once the clip is open.
        person_grouper: which tracks may be one person, once the clip is open.
        preview: JPEG of a recent frame with its boxes, or None; of a picture, the whole result.
        analyzed_frames: number of frames analysed so far.
        damaged: number of frames that could not be decoded and were skipped.
        complete: the whole stretch was analysed.
        problems: what went wrong though there is a result, in sentences: the file breaks off or changed, or the
            annotated clip could not be written.
        annotation_failed: the annotated clip could not be written.
        broken_off: how far the file goes where it breaks off; known when all of it was read.
        names: of the people, as a person gives them; they belong to the result.
        drawn_names: those in the annotated clip or picture; `redraw` brings it up to date.

    Example:
        >>> from fer_core import AnalysisOptions, ExpressionRecognizer, sample_clip
        >>> clip = ClipAnalysis(sample_clip(), ExpressionRecognizer(), AnalysisOptions(sample_fps=1))
        >>> clip.run()
        >>> clip.complete, clip.result().clip["name"]
        (True, 'two-people.mp4')
    """

    def __init__(
        self,
        source: Path,
        recognizer: ExpressionRecognizer,
        options: AnalysisOptions | None = None,
        *,
        name: str | None = None,
        limits: Limits | None = None,
        annotated: Path | None = None,
        blur: bool = False,
        automatic_detail: bool = False,
    ):
        """Set up; nothing is read yet.

        Args:
            source: the clip or picture.
            recognizer: finds and names faces.
            options: which frames are looked at, and how.
            name: shown and exported in place of the file's name.
            limits: what is refused.
            annotated: where to write the annotated clip; None for no such clip.
            blur: make faces unrecognisable in the annotated clip.
            automatic_detail: try a few frames of a clip first, and look more closely where its faces are small.
        """
        self.source, self.recognizer, self.options = source, recognizer, options or AnalysisOptions()
        self.name = name or source.name
        self.annotated, self.blur = annotated, blur
        self._automatic_detail = automatic_detail
        self.info: ClipInfo | None = None
        measures = MEASURES if self.options.measures else measures_of(recognizer)
        self.recorder = ResultTable(recognizer.labels, measures)
        self.key_moments: KeyMoments | None = None
        self.person_grouper: PersonGrouper | None = None
        self.preview: bytes | None = None
        self.analyzed_frames = self.damaged = 0
        self.complete = self.ended = self.annotation_failed = False
        self.broken_off: BrokenOff | None = None
        self.problems: list[str] = []
        self._notes: list[str] = []
        self.names = PersonNames(self.recorder)
        self.drawn_names: dict[int, str] = {}
        self._limits = limits or Limits()
        self._seconds = self.options.start
        self._started = self._previewed = 0.0

    @property
    def model(self) -> Bundle | None:
        """The model that names the expressions; None where it is no bundle."""
        return getattr(self.recognizer.classifier, "bundle", None)

    @property
    def progress(self) -> float | None:
        """Share of the stretch that is done, 0 to 1; None while the clip's length is not known."""
        if self.ended:
            return 1.0
        if self.info is None:
            return 0.0
        end = self.options.end if self.options.end is not None else self.info.seconds
        if self.info.seconds is not None:
            end = min(end or self.info.seconds, self.info.seconds)
        if not end or end <= self.options.start:
            return None
        return min(1.0, max(0.0, (self._seconds - self.options.start) / (end - self.options.start)))

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the pace so far; None where there is none yet."""
        done, spent = self.progress, time.monotonic() - self._started
        return spent / done * (1 - done) if self._started and done and spent > 0.5 else None

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Analyse the clip.

        Args:
            cancelled: asked at every frame; what is done when it turns true is kept.

        Raises:
            MediaError: the clip cannot be used.
            OptionError: faces are to be blurred but too few frames looked at.
            Cancelled: the person stopped it. Table, moments and annotated clip hold what was done.
        """
        with media_boundary(), ExitStack() as stack:
            reader = stack.enter_context(
                open_reader(self.source, self.options, self._limits, every_frame=self.annotated is not None)
            )
            if self._automatic_detail and not reader.info.is_image:
                self._choose_detail()
            self.info, self._started = reader.info, time.monotonic()
            self._check_blur(reader.info)
            self.key_moments = KeyMoments(reader.info.width)
            self.person_grouper = PersonGrouper(reader.info.width)
            listeners: list[Listener] = [self.key_moments, self.person_grouper, self._watch]
            out = None
            if self.annotated is not None:
                out = stack.enter_context(self._annotated_clip(self.annotated, reader.info))
                listeners.append(out)
            found = analyze(reader, self.recognizer, self.options, listeners=listeners, cancelled=cancelled)
            for result in found:
                self.recorder.add(result)
                self.analyzed_frames += 1
                self.damaged = reader.damaged
            self.damaged = reader.damaged
            if self.analyzed_frames == 0:
                raise MediaError(self._nothing(reader.info))
            self._note_problems(reader)
            if out is not None:
                out.finish(reader.seconds_read)
        if out is not None and out.problem is not None:
            self.problems.append(out.problem)
            self.annotation_failed = True
        self.ended = True
        self.complete = self.broken_off is None and not reader.changed

    def _choose_detail(self) -> None:
        chosen = choose_detail(self.source, self.recognizer.detector, self._limits, self.options.pixel_aspect)
        self._notes += chosen.notes
        if chosen.side != self.recognizer.detector.side:
            self.recognizer = ExpressionRecognizer(
                self.recognizer.classifier, self.recognizer.detector.with_side(chosen.side)
            )

    def _note_problems(self, reader: FrameReader) -> None:
        self.broken_off = reader.broken_off
        if reader.broken_off is not None:
            self.problems.append(str(reader.broken_off))
        if reader.changed:
            self.problems.append(
                "The file was changed or replaced while it was read, so the result may be of two files. "
                "Wait until it is whole and analyse it again."
            )
        if reader.numbers_shifted:
            self._notes.append(
                "Frames that could not be decoded are not counted, so the numbers of later frames are too low; "
                "their times are right."
            )

    @property
    def notes(self) -> list[str]:
        """What a person should know of how the clip was read, in sentences."""
        return [*(self.info.notes if self.info is not None else ()), *self._notes]

    def result(self, names: Mapping[int, str] | None = None) -> ClipResult:
        """Return what was found so far, for exports.

        Args:
            names: people by track id; the result's own if None.
        """
        info = self.info
        clip: dict[str, Any] = {"name": self.name, "complete": self.complete, "frames_damaged": self.damaged}
        clip |= {"notes": self.notes, "problems": list(self.problems)}
        clip["read_until_s"] = None if self.broken_off is None else round(self.broken_off.read_s, 3)
        if info is not None:
            clip |= {"width": info.width, "height": info.height, "seconds": info.seconds, "codec": info.codec}
            clip["recorded_at"] = None if info.recorded_at is None else info.recorded_at.isoformat()
        settings = {**reader_settings(self.recognizer), **asdict(self.options)}
        return ClipResult(self.recorder.table(self.names if names is None else names), clip, settings)

    def redraw(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Draw the annotated clip anew, or a picture's preview, with the names as they are now.

        Args:
            progress: told the share done, 0 to 1; what it raises ends the work, and the old clip stays.

        Raises:
            MediaError: the clip can no longer be read, or the new one not be written.
        """
        names = dict(self.names)
        if self.info is not None and self.info.is_image:
            with open_reader(self.source, self.options, self._limits, every_frame=True) as reader:
                self.preview = self._drawn(next(reader), next(self.recorder.results()), self.info, names)
        elif self.annotated is not None:
            # Beside the old clip: a writer that is stopped leaves what it has.
            fresh = self.annotated.with_name(f"new-{self.annotated.name}")
            try:
                self._write_again(fresh, names, progress)
                fresh.replace(self.annotated)
            finally:
                fresh.unlink(missing_ok=True)
        self.drawn_names = names

    def _write_again(self, path: Path, names: Mapping[int, str], progress: Callable[[float], None]) -> None:
        results = {result.index: result for result in self.recorder.results()}
        last = max(results, default=0)
        with ExitStack() as stack:
            reader = stack.enter_context(open_reader(self.source, self.options, self._limits, every_frame=True))
            writer = stack.enter_context(self._writer(path, reader.info))
            annotator = self._annotator(writer, reader.info, names)
            for frame in reader:
                if frame.index > last and not self.complete:
                    break
                annotator(frame, results.get(frame.index))
                progress(min(1.0, frame.index / max(last, 1)))
            annotator.finish()

    def _annotator(self, writer: ClipWriter, info: ClipInfo, names: Mapping[int, str] | None = None) -> Annotator:
        return Annotator(writer, width=info.width, max_side=ANNOTATED_SIDE, blur=self.blur, names=names)

    def _check_blur(self, info: ClipInfo) -> None:
        looks = self.options.sample_fps or (info.frame_rate or 25.0) / self.options.frame_stride
        if self.blur and self.annotated is not None and not info.is_image and looks < BLUR_MIN_FPS:
            # Between two looks boxes glide; over a longer time somebody could walk in unseen, and be seen.
            raise OptionError(
                f"To blur faces, at least {BLUR_MIN_FPS:g} frames of each second must be analysed; "
                f"these settings analyse {looks:.1f}. Choose more frames, or leave the faces as they are."
            )

    def _annotated_clip(self, path: Path, info: ClipInfo) -> AnnotatedClip:
        writer = self._writer(path, info)
        return AnnotatedClip(writer, self._annotator(writer, info))

    def _writer(self, path: Path, info: ClipInfo) -> ClipWriter:
        return ClipWriter(
            path,
            width=info.width,
            height=info.height,
            frame_rate=min(info.frame_rate or 25.0, MAX_RATE),
            sound_from=self.source if info.has_sound else None,
            start=self.options.start,
            end=self.options.end,
            max_side=ANNOTATED_SIDE,
        )

    def _watch(self, frame: Frame, result: FrameResult | None) -> None:
        self._seconds = frame.seconds
        now = time.monotonic()
        if result is None or now - self._previewed < PREVIEW_EVERY:
            return
        self._previewed = now
        assert self.info is not None
        self.preview = self._drawn(frame, result, self.info)

    def _drawn(
        self, frame: Frame, result: FrameResult, info: ClipInfo, names: Mapping[int, str] | None = None
    ) -> bytes:
        """JPEG of a frame with its boxes and expressions."""
        image = frame.image(PICTURE_SIDE if info.is_image else PREVIEW_SIDE).copy()
        faces = result.faces.scaled(image.shape[1] / info.width)
        if self.blur:
            blur_faces(image, faces.boxes)
        draw_overlays(image, overlays(faces, names))
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()

    def _nothing(self, info: ClipInfo) -> str:
        if self.options.start > 0:
            length = f"{info.seconds:.1f} s long" if info.seconds else "shorter than that"
            return (
                f"There is nothing to analyse from {self.options.start:g} s on: the clip is {length}. "
                "Choose an earlier start."
            )
        return "No picture of this clip could be decoded. Save it again as MP4 (H.264) and try once more."
