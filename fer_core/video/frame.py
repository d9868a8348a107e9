"""`Frame`: one picture of a clip, upright, with square pixels."""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.reformatter import Interpolation, VideoReformatter

from fer_core.errors import MediaError
from fer_core.video.planes import Gray, luma, picked
from fer_core.video.tone_mapping import HDR, tone_mapped

__all__ = ["UPRIGHT", "Frame", "Turn", "orientation", "shown_size"]

Turn = tuple[bool, int | None]
"""What brings a picture upright: whether rows become columns, and then how `cv2.flip` mirrors it (None: not)."""

UPRIGHT: Turn = (False, None)

LEAST_SIDE = 16
"""Pixels; swscale refuses to make pictures of a few pixels."""


MOST_SCALERS = 4
"""Sizes for which a thread keeps what swscale has prepared."""

_local = threading.local()
TURNS: dict[int, Turn] = {90: (True, 0), 180: (False, -1), 270: (True, 1)}
"""By the degrees, counter-clockwise, by which a picture is to be turned."""


class Frame:
    """One decoded frame; its picture is made only when asked for, once for each size.

    Attributes:
        index: number of the decoded frame in the source, from 0.
        seconds: presentation time, counted from the clip's first frame.
    """

    __slots__ = ("_aspect", "_gray", "_images", "_picture", "_turn", "index", "seconds")

    def __init__(
        self, index: int, seconds: float, picture: av.VideoFrame, aspect: float = 1.0, turn: Turn = UPRIGHT
    ) -> None:
        self.index = index
        self.seconds = seconds
        self._picture = picture
        self._aspect = aspect
        self._turn = turn
        self._images: dict[tuple[int, int], np.ndarray] = {}
        self._gray: Gray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        width, height = _fit(self._picture.width * self._aspect, self._picture.height, None)
        return (height, width) if self._turn[0] else (width, height)

    def image(self, max_side: int | None = None) -> np.ndarray:
        """Return the picture, upright, as uint8 (height, width, 3) BGR; it is shared, so it can't be written to.

        Transparency is dropped: the colour stored beneath it shows.

        Args:
            max_side: shrink so that the longer side has at most this many pixels.

        Raises:
            MediaError: the pixels are in a form that cannot be converted.
        """
        size = _fit(self._picture.width * self._aspect, self._picture.height, max_side)
        image = self._images.get(size)
        if image is None:
            try:
                if self._picture.color_trc in HDR:
                    stored: np.ndarray = tone_mapped(self._picture, self._picture.color_trc, size)
                    if size != stored.shape[1::-1]:
                        stored = cv2.resize(stored, size, interpolation=_way(size[0], stored.shape[1]))
                else:
                    stored = _converted(self._picture, size)
                image = _upright(stored, self._turn)
            except (av.FFmpegError, ValueError) as error:
                raise MediaError(
                    "The colours of this clip are stored in a form that cannot be read here. "
                    "Export it as MP4 (H.264) and try again."
                ) from error
            image.flags.writeable = False
            self._images[size] = image
        return image

    def gray(self) -> Gray:
        """Return the light of the upright picture at full size, where possible without converting anything.

        Luma stands for the gray of BT.601 that the network was trained on. With the primaries of BT.709, red weighs
        less in it; after each crop is brought to the same mean and contrast, little of that is left.
        """
        if self._gray is None:
            self._gray = self._luma() or Gray(cv2.cvtColor(self.image(), cv2.COLOR_BGR2GRAY))
        return self._gray

    def picked(self, max_side: int) -> np.ndarray:
        """Return a small picture for comparing colors, upright, uint8 BGR: of picked pixels where that is possible.

        Args:
            max_side: of the longer side at most.
        """
        if self._picture.color_trc in HDR:
            return self.image(max_side)
        size = _fit(self._picture.width * self._aspect, self._picture.height, max_side)
        small = picked(self._picture, size)
        return self.image(max_side) if small is None else _upright(small, self._turn)

    def _luma(self) -> Gray | None:
        if self._picture.color_trc in HDR:
            return None  # its light is on another curve; the picture is tone-mapped instead
        stored = luma(self._picture)
        if stored is None:
            return None
        plane = stored.plane
        width, height = _fit(self._picture.width * self._aspect, self._picture.height, None)
        if width != self._picture.width:
            plane = cv2.resize(plane, (width, height), interpolation=_way(width, self._picture.width))
        crossed, mirror = self._turn
        plane = plane.T if crossed else plane
        if mirror is not None:
            plane = plane[:: -1 if mirror <= 0 else 1, :: -1 if mirror != 0 else 1]
        return stored._replace(plane=plane)


def _converted(picture: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """BGR of the stored picture, not turned, at a size."""
    width, height = picture.width, picture.height
    if size[0] < width and min(size) >= LEAST_SIDE:
        # swscale averages every pixel too, without a full picture in between: 1080p to 320 in 0.7 ms, not 2.5.
        small = _scaler(size).reformat(picture, *size, format="bgr24", interpolation=Interpolation.AREA, threads=1)
        return small.to_ndarray()
    image = _scaler((width, height)).reformat(picture, format="bgr24", threads=1).to_ndarray()
    return image if size == (width, height) else cv2.resize(image, size, interpolation=_way(size[0], width))


def _scaler(size: tuple[int, int]) -> VideoReformatter:
    """Return what makes pictures of a size in this thread.

    A scaler of its own for each frame, which PyAV makes by itself, costs 0.5 ms and threads that last for one picture.
    """
    scalers: OrderedDict[tuple[int, int], VideoReformatter] | None = getattr(_local, "scalers", None)
    if scalers is None:
        scalers = _local.scalers = OrderedDict()
    found = scalers.pop(size, None) or VideoReformatter()
    scalers[size] = found
    if len(scalers) > MOST_SCALERS:
        scalers.popitem(last=False)
    return found


def _way(width: int, stored: int) -> int:
    return cv2.INTER_AREA if width <= stored else cv2.INTER_LINEAR


def _upright(image: np.ndarray, turn: Turn) -> np.ndarray:
    crossed, mirror = turn
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
    """Return how a clip's pictures are brought upright; to be asked once a clip.

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
