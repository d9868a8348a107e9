"""What a study may hold here, and what is refused of its clips."""

from __future__ import annotations

import math

from fer_core.studies.bounds import Bounds
from fer_core.video.limits import Limits
from ui.app.settings import settings

__all__ = ["bounds", "limits"]


def bounds() -> Bounds:
    """Return what a study may hold here."""
    now = settings()
    return Bounds(
        clips=None if math.isinf(now.study_clips) else int(now.study_clips),
        seconds=None if math.isinf(now.study_minutes) else 60 * now.study_minutes,
        bytes=None if math.isinf(now.study_mb) else int(now.study_mb * 1024**2),
    )


def limits() -> Limits:
    """Return what is refused of a clip here."""
    now = settings()
    return Limits(
        max_bytes=now.max_upload_mb * 1024**2 if now.hosted else None,
        max_pixels=now.max_pixels,
        max_seconds=None if math.isinf(now.max_minutes) else 60 * now.max_minutes,
    )
