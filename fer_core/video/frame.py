"""`Frame`: one picture of a clip, upright, with square pixels."""

from __future__ import annotations

import struct

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData

from fer_core.errors import MediaError
from fer_core.video.tone_mapping import HDR, tone_mapped

__all__ = ["UPRIGHT", "Frame", "Turn", "orientation", "shown_size"]

Turn = tuple[bool, int | None]
"""What brings a picture upright: whether rows become columns, and then how `cv2.flip` mirrors it (None: not)."""

UPRIGHT: Turn = (False, None)

TURNS: dict[int, Turn] = {90: (True, 0), 180: (False, -1), 270: (True, 1)}
"""By the degrees, counter-clockwise, by which a picture is to be turned."""


class Frame:
    """One decoded frame; its picture is made only when asked for.

    Attributes:
        index: number of the decoded frame in the source, from 0.
        seconds: presentation time, counted from the clip's first frame.
    """

    __slots__ = ("_aspect", "_picture", "_turn", "index", "seconds")

    def __init__(
        self, index: int, seconds: float, picture: av.VideoFrame, aspect: float = 1.0, turn: Turn = UPRIGHT
    ) -> None:
        self.index = index
        self.seconds = seconds
        self._picture = picture
        self._aspect = aspect
        self._turn = turn

    def image(self, max_side: int | None = None) -> np.ndarray:
        """The picture, upright, as uint8 (height, width, 3) BGR.

        Transparency is dropped: the colour stored beneath it shows.

        Args:
            max_side: shrink so that the longer side has at most this many pixels.

        Raises:
            MediaError: the pixels are in a form that cannot be converted.
        """
        try:
            if self._picture.color_trc in HDR:
                size = _fit(self._picture.width * self._aspect, self._picture.height, max_side)
                image: np.ndarray = tone_mapped(self._picture, self._picture.color_trc, size)
            else:
                image = self._picture.to_ndarray(format="bgr24")
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                "The colours of this clip are stored in a form that cannot be read here. "
                "Export it as MP4 (H.264) and try again."
            ) from error
        size = _fit(image.shape[1] * self._aspect, image.shape[0], max_side)
        if size != image.shape[1::-1]:
            # swscale could shrink too: slower from 720p to half (1.0 against 0.5 ms), quicker from 1080p to a third
            # (1.4 against 2.7 ms). OpenCV averages every pixel in each case.
            way = cv2.INTER_AREA if size[0] <= image.shape[1] else cv2.INTER_LINEAR
            image = cv2.resize(image, size, interpolation=way)
        crossed, mirror = self._turn
        image = cv2.transpose(image) if crossed else image
        return image if mirror is None else cv2.flip(image, mirror)


def shown_size(picture: av.VideoFrame, aspect: float) -> tuple[int, int]:
    """Width and height of the upright picture, where a stored pixel is `aspect` times as wide as high."""
    width, height = _fit(picture.width * aspect, picture.height, None)
    return (height, width) if orientation(picture)[0] else (width, height)


def _fit(width: float, height: float, max_side: int | None) -> tuple[int, int]:
    scale = 1.0 if max_side is None else min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def orientation(picture: av.VideoFrame) -> Turn:
    """How a clip's pictures are brought upright; to be asked once a clip.

    Looking at a picture's side data ties it into a cycle of references (PyAV 18): asked of every frame, it kept 300 MB
    of frames waiting for the garbage collector at 1080p.

    The whole display matrix is read: its angle alone, `picture.rotation`, would turn mirrored pictures upside down.
    """
    try:
        matrix = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 gives up on kinds that it has no name for, such as Apple's spatial video and EXIF
        return TURNS.get(picture.rotation % 360, UPRIGHT)
    if not isinstance(matrix, SideData):
        return UPRIGHT
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])  # x' = a x + c y; y' = b x + d y
    crossed = abs(b) + abs(c) > abs(a) + abs(d)
    across, down = (c < 0, b < 0) if crossed else (a < 0, d < 0)
    return crossed, {(True, True): -1, (True, False): 1, (False, True): 0}.get((across, down))
