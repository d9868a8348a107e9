"""One clip's analysis from start to files: what the page runs in the background and the command line in front."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from . import __version__
from .analysis import Listener, Options, analyze
from .annotation import Annotator
from .drawing import blur_faces, draw
from .errors import Cancelled, MediaError, OptionError
from .export import Findings
from .marks import marks
from .moments import Moments
from .people import Likeness
from .recognition import Recognizer
from .timeline import Recorder
from .types import FrameResult
from .video import ClipInfo, Frame, FrameReader, Limits
from .writing import ClipWriter

__all__ = ["ClipAnalysis", "reader_settings"]

PREVIEW_SIDE = 480
PICTURE_SIDE = 1600
PREVIEW_EVERY = 0.4
ANNOTATED_SIDE = 1280
BLUR_LOOKS = 4.0


class ClipAnalysis:
    """A clip's analysis under way. `run` belongs to one thread; everything else may be read from others meanwhile.

    Attributes:
        name: what the person calls the clip.
        info: facts of the clip, once it is open.
        recorder: the results so far.
        moments: the key moments so far, once the clip is open.
        likeness: which tracks may be one person, once the clip is open.
        preview: JPEG of a recent frame with its boxes, or None; of a picture, the whole result.
        looked_at: number of frames analysed so far.
        damaged: number of frames that could not be decoded and were skipped.
        complete: the whole stretch was analysed.
    """

    def __init__(
        self,
        source: Path,
        recognizer: Recognizer,
        options: Options | None = None,
        *,
        name: str | None = None,
        limits: Limits | None = None,
        annotated: Path | None = None,
        blur: bool = False,
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
        """
        self.source, self.recognizer, self.options = source, recognizer, options or Options()
        self.name = name or source.name
        self.annotated, self.blur = annotated, blur
        self.info: ClipInfo | None = None
        self.recorder = Recorder(recognizer.labels)
        self.moments: Moments | None = None
        self.likeness: Likeness | None = None
        self.preview: bytes | None = None
        self.looked_at = self.damaged = 0
        self.complete = False
        self._limits = limits or Limits()
        self._seconds = self.options.start
        self._started = self._previewed = 0.0

    @property
    def progress(self) -> float | None:
        """Share of the stretch that is done, 0 to 1; None while the clip's length is not known."""
        if self.complete:
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
        with ExitStack() as stack:
            reader = stack.enter_context(
                FrameReader(self.source, self._limits, start=self.options.start, end=self.options.end)
            )
            self.info, self._started = reader.info, time.monotonic()
            self._check_blur(reader.info)
            self.moments = Moments(reader.info.width)
            self.likeness = Likeness(reader.info.width)
            listeners: list[Listener] = [self.moments, self.likeness, self._watch]
            annotator = None
            if self.annotated is not None:
                annotator = Annotator(
                    stack.enter_context(self._writer(self.annotated, reader.info)),
                    width=reader.info.width,
                    max_side=ANNOTATED_SIDE,
                    blur=self.blur,
                )
                listeners.append(annotator)
            listeners.insert(0, lambda frame, result: _stop_if(cancelled()))
            try:
                for result in analyze(reader, self.recognizer, self.options, listeners=listeners):
                    self.recorder.add(result)
                    self.looked_at += 1
                    self.damaged = reader.damaged
            except Cancelled:
                if annotator is not None:
                    annotator.finish()
                raise
            self.damaged = reader.damaged
            if self.looked_at == 0:
                raise MediaError(self._nothing(reader.info))
            if annotator is not None:
                annotator.finish()
        self.complete = True

    def findings(self, names: Mapping[int, str] | None = None) -> Findings:
        """What was found so far, for exports.

        Args:
            names: people by track id.
        """
        info = self.info
        clip: dict[str, Any] = {"name": self.name, "complete": self.complete, "frames_damaged": self.damaged}
        if info is not None:
            clip |= {"width": info.width, "height": info.height, "seconds": info.seconds, "codec": info.codec}
        settings = {**reader_settings(self.recognizer), **asdict(self.options)}
        return Findings(self.recorder.table(names), clip, settings)

    def _check_blur(self, info: ClipInfo) -> None:
        looks = self.options.fps or (info.frame_rate or 25.0) / self.options.every
        if self.blur and self.annotated is not None and not info.is_image and looks < BLUR_LOOKS:
            # Between two looks boxes glide; over a longer time somebody could walk in unseen, and be seen.
            raise OptionError(
                f"To blur faces, at least {BLUR_LOOKS:g} frames of each second must be looked at; "
                f"these settings look at {looks:.1f}. Look more closely, or leave the faces as they are."
            )

    def _writer(self, path: Path, info: ClipInfo) -> ClipWriter:
        return ClipWriter(
            path,
            width=info.width,
            height=info.height,
            frame_rate=info.frame_rate or 25.0,
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
        image = frame.image(PICTURE_SIDE if self.info.is_image else PREVIEW_SIDE)
        faces = result.faces.scaled(image.shape[1] / self.info.width)
        if self.blur:
            blur_faces(image, faces.boxes)
        draw(image, marks(faces))
        self.preview = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()

    def _nothing(self, info: ClipInfo) -> str:
        if self.options.start > 0:
            length = f"{info.seconds:.1f} s long" if info.seconds else "shorter than that"
            return (
                f"There is nothing to look at from {self.options.start:g} s on: the clip is {length}. "
                "Choose an earlier start."
            )
        return "No picture of this clip could be decoded. Save it again as MP4 (H.264) and try once more."


def reader_settings(recognizer: Recognizer) -> dict[str, Any]:
    """What reads the faces, for exports: version, model, detector."""
    bundle = getattr(recognizer.classifier, "bundle", None)
    detector = recognizer.detector
    return {
        "fer_core": __version__,
        "model": None if bundle is None else bundle.name,
        "model_sha256": None if bundle is None else bundle.card.get("sha256"),
        "rule": None if bundle is None else bundle.rule.describe(),
        "detector": getattr(detector, "kind", None),
        "detector_side": getattr(detector, "side", None),
        "smallest_face": getattr(detector, "smallest", None),
    }


def _stop_if(cancelled: bool) -> None:
    if cancelled:
        raise Cancelled("The analysis was stopped; what was done so far is kept.")
