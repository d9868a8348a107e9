"""The clips that are measured: the sample's first stretch, with one face, brought to any length."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av

__all__ = ["make"]

SAMPLE = Path(__file__).parent.parent / "samples" / "two-people.mp4"
STRETCH = 3.0
"""Seconds of the sample in which one person is alone in the picture."""

RATE = 25


def make(path: Path, seconds: float) -> int:
    """Write a clip of that length to `path`: H.264, 25 frames a second, no sound. Returns the number of its frames.

    The stretch runs forwards and backwards in turn, so that nothing in it looks like a cut.
    """
    with av.open(str(SAMPLE)) as source:
        frames = list(itertools.islice(source.decode(video=0), round(STRETCH * RATE)))
    there_and_back = itertools.cycle([*frames, *frames[-2:0:-1]])
    count = round(seconds * RATE)
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        for i, frame in enumerate(itertools.islice(there_and_back, count)):
            frame.pts, frame.time_base, frame.pict_type = i, Fraction(1, RATE), 0
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
    return count
