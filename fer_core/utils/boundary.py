"""Boundary between other libraries and people: what they raise becomes a sentence, its traceback goes to the log."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fer_core.errors import FerError, MediaError

__all__ = ["MEMORY", "explain", "media_boundary"]

log = logging.getLogger(__name__)

MEMORY = "There is too little memory for this file. Close other programs, or make the clip or picture smaller."


def explain(error: Exception) -> FerError:
    """Return the error that a person reads in place of any other; unknown ones are logged with their traceback.

    Args:
        error: whatever a library raised.

    Returns:
        The error itself where it is a `FerError`, else a `MediaError`.
    """
    if isinstance(error, FerError):
        return error
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return MediaError(MEMORY)
    log.error("a file could not be used", exc_info=error)
    return MediaError(
        "This file could not be used: something in it is of a kind that is not known here "
        f"({type(error).__name__}). Save it again, a clip as MP4 (H.264), a picture as JPEG or PNG, and try once more."
    )


@contextmanager
def media_boundary() -> Iterator[None]:
    """Let `FerError` and the end of an iteration pass; every other exception leaves as a `MediaError`."""
    try:
        yield
    except (FerError, StopIteration):
        raise
    except Exception as error:
        raise explain(error) from error
