"""What is allowed of a clip (`Limits`) and the words for what is beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from fer_core.errors import LimitError

__all__ = ["TOLERANCE", "Limits", "check_pixels", "check_seconds", "decoder_pixels", "megabytes"]

TOLERANCE = 1e-6
"""Seconds by which two equal times may differ."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed; None means no limit.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height of a frame, as stored and as shown; a larger picture is shrunk to it.
        max_seconds: length of the clip.
        max_still_pixels: width times height of a picture in its file; one of 80 megapixels takes about 500 MB.
    """

    max_bytes: int | None = None
    max_pixels: int = 8192 * 4608
    max_seconds: float | None = None
    max_still_pixels: int = 80_000_000


def decoder_pixels(limits: Limits) -> int:
    # Decoders count whole blocks, so the picture may be a little larger inside than what is shown of it.
    """Return how many pixels a decoder may be asked for."""
    return limits.max_pixels + limits.max_pixels // 4 + 64 * 64


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture that is too large."""
    if width * height > limits.max_pixels:
        raise LimitError(
            f"The picture has {width} x {height} pixels; at most {limits.max_pixels:,} pixels in all "
            "are allowed. Make it smaller and try again."
        )


def check_seconds(seconds: float | None, limits: Limits) -> None:
    """Refuse a clip that is too long."""
    if seconds is not None and limits.max_seconds is not None and seconds > limits.max_seconds + TOLERANCE:
        raise LimitError(
            f"The clip is {_duration(seconds)} long or longer; at most {_duration(limits.max_seconds)} are allowed. "
            "Cut it shorter and try again."
        )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} seconds"
    return f"{seconds / 60:,.1f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"


def megabytes(size: int) -> str:
    """Return a size in words."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"
