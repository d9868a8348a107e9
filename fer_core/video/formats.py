"""Endings of the files that are read, for lists and folders; what counts in the end is what is inside a file."""

from __future__ import annotations

from fer_core.video.images import PICTURE_SUFFIXES

__all__ = ["CLIP_SUFFIXES", "MEDIA_SUFFIXES"]

CLIP_SUFFIXES = (
    *("mp4", "m4v", "mov", "3gp", "3g2", "webm", "mkv", "avi", "gif", "wmv", "asf", "flv", "ogv"),
    *("mpg", "mpeg", "vob", "ts", "mts", "m2ts", "mxf", "dv"),
)

MEDIA_SUFFIXES = tuple(dict.fromkeys((*CLIP_SUFFIXES, *PICTURE_SUFFIXES)))
"""Clips and pictures."""
