"""The annotated clip of an analysis: where it cannot be written, the analysis goes on without it."""

from __future__ import annotations

from types import TracebackType

from fer_core.annotation.annotator import Annotator
from fer_core.errors import Cancelled, MediaError
from fer_core.types import FrameResult
from fer_core.video.frame import Frame
from fer_core.video.writer import ClipWriter

__all__ = ["AnnotatedClip"]


class AnnotatedClip:
    """Writes frames with their faces; a listener of `analysis.analyze`, to be used in a `with` block.

    Attributes:
        problem: why there is no clip, in words for a person; None while all is well. Known for sure after the block.
    """

    def __init__(self, writer: ClipWriter, annotator: Annotator) -> None:
        self._writer, self._annotator = writer, annotator
        self.problem: str | None = None

    def __enter__(self) -> AnnotatedClip:
        self._writer.__enter__()  # where nothing can be written from the start, nothing is lost by saying so
        return self

    def __call__(self, frame: Frame, result: FrameResult | None) -> None:
        """Take the next frame."""
        if self.problem is not None:
            return
        try:
            self._annotator(frame, result)
        except MediaError as error:
            self._give_up(error)

    def finish(self, until: float | None = None) -> None:
        """Write what still waits.

        Args:
            until: seconds of the clip up to which its last picture is shown; None for the usual time.
        """
        if self.problem is not None:
            return
        try:
            self._annotator.finish()
            if until is not None:
                self._writer.end_at(until)
        except MediaError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.problem = f"The annotated clip could not be written; the table is whole. {error}"
        self._writer.__exit__(type(error), error, error.__traceback__)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.problem is not None:
            return
        try:
            if kind is not None and issubclass(kind, Cancelled):
                self.finish()
            if self.problem is None:
                self._writer.__exit__(kind, error, at)
        except MediaError as failed:
            if kind is None:
                self._give_up(failed)
