"""The clips that are measured: the sample's first stretch, with one face, brought to any length."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

__all__ = ["make"]

SAMPLE = Path(__file__).parent.parent / "samples" / "two-people.mp4"
STRETCH = 3.0
"""Seconds of the sample in which one person is alone in the picture."""

RATE = 25


CODECS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "crf": "24", "x265-params": "log-level=none"},
}


def make(path: Path, seconds: float, *, width: int = 640, codec: str = "libx264", faces: int = 1) -> int:
    """Write a clip of that length to `path`: 16:9, 25 frames a second, no sound. Returns the number of its frames.

    The stretch runs forwards and backwards in turn, so that nothing in it looks like a cut.

    Args:
        path: where to.
        seconds: length.
        width: pixels of a row; the sample's 640 are enlarged.
        codec: one of `CODECS`.
        faces: 1, or 10 for the same face in two rows of five.
    """
    with av.open(str(SAMPLE)) as source:
        frames = list(itertools.islice(source.decode(video=0), round(STRETCH * RATE)))
    if faces == 10:
        frames = [_crowd(frame, width) for frame in frames]
    there_and_back = itertools.cycle([*frames, *frames[-2:0:-1]])
    count = round(seconds * RATE)
    scaler = VideoReformatter()
    with av.open(str(path), "w") as target:
        video = target.add_stream(codec, rate=RATE, options=CODECS[codec])
        video.width, video.height, video.pix_fmt = width, width * 9 // 16, "yuv420p"
        for i, frame in enumerate(itertools.islice(there_and_back, count)):
            if frame.width != width:
                frame = scaler.reformat(frame, width, width * 9 // 16, interpolation=Interpolation.BICUBIC)
            frame.pts, frame.time_base, frame.pict_type = i, Fraction(1, RATE), 0
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
    return count


def _crowd(frame: av.VideoFrame, width: int) -> av.VideoFrame:
    """Two rows of five of the face and its surroundings, with bars above and below."""
    wide, tall = width // 5, width * 9 // 40
    one = cv2.resize(frame.to_ndarray(format="bgr24")[:, 140:460], (wide, tall), interpolation=cv2.INTER_AREA)
    crowd = np.tile(one, (2, 5, 1))
    bar = (width * 9 // 16 - 2 * tall) // 2
    framed = cv2.copyMakeBorder(crowd, bar, bar, 0, 0, cv2.BORDER_CONSTANT)
    return av.VideoFrame.from_ndarray(framed, format="bgr24").reformat(format="yuv420p")
