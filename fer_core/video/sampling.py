"""A few pictures from all over a clip, to learn what it is like before all of it is read."""

from __future__ import annotations

import os

import av
import numpy as np

from fer_core.utils.boundary import media_boundary
from fer_core.video.container import OpenClip
from fer_core.video.frame import Frame, orientation
from fer_core.video.limits import Limits

__all__ = ["sample_images"]

MOST_DECODED = 300
"""Frames decoded at most where a clip has too few key frames to jump to."""


def sample_images(
    path: str | os.PathLike[str],
    limits: Limits | None = None,
    *,
    count: int = 8,
    max_side: int | None = None,
    pixel_aspect: float | None = None,
) -> list[np.ndarray]:
    """Take pictures at even distances: key frames where there are enough, else of the first frames.

    Args:
        path: the clip.
        limits: what is refused.
        count: how many pictures, at most.
        max_side: longer side of each in pixels.
        pixel_aspect: width of a stored pixel by its height; None for what the file says.

    Returns:
        uint8 (height, width, 3) BGR each, upright, in order of time.

    Raises:
        MediaError: the file cannot be used.
    """
    with media_boundary(), OpenClip(path, limits or Limits(), pixel_aspect) as clip:
        pictures = _key_frames(clip, count)
        if len(pictures) < count:
            clip.reopen()
            pictures = _first_frames(clip, count)
        if not pictures:
            return []
        turn = orientation(pictures[0])
        return [Frame(i, 0.0, picture, clip.aspect, turn).image(max_side) for i, picture in enumerate(pictures)]


def _key_frames(clip: OpenClip, count: int) -> list[av.VideoFrame]:
    seconds = clip.declared_seconds
    if clip.container is None or not seconds:
        return []
    start = clip.container.start_time or 0
    found: dict[int, av.VideoFrame] = {}
    for i in range(count):
        try:
            clip.container.seek(start + int((i + 0.5) / count * seconds * av.time_base))
        except (av.FFmpegError, OSError):
            return []
        picture = next(clip.frames(), None)
        if picture is None or picture.pts is None or picture.pts in found:
            return []
        found[picture.pts] = picture
    return [found[pts] for pts in sorted(found)]


def _first_frames(clip: OpenClip, count: int) -> list[av.VideoFrame]:
    kept: list[av.VideoFrame] = []
    stride = 1
    for i, picture in zip(range(MOST_DECODED), clip.frames(), strict=False):
        if i % stride:
            continue
        kept.append(picture)
        if len(kept) >= 2 * count:  # how many there are is not known beforehand: every other one goes
            kept, stride = kept[::2], 2 * stride
    places = sorted({round((n + 0.5) * len(kept) / count - 0.5) for n in range(count)})
    return [kept[place] for place in places if place < len(kept)]
