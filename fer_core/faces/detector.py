"""Find faces in a picture: YuNet by default, the Haar cascade of 2001 for comparison."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from cv2.data import haarcascades

from fer_core.errors import OptionError
from fer_core.faces.yunet import Detections, YuNet

__all__ = ["DETECTORS", "STILL", "FaceDetector"]

DETECTORS = ("yunet", "haar")

STILL = (320, 1280)
"""Sides for a picture that stands alone: time matters little there, and the small faces of a group are wanted."""

ENLARGED = 2.0
"""How far a second look enlarges a picture. Of faces 40 pixels tall YuNet finds 31 % as they are, 89 % at twice the
size (FER2013 images on grey, which are harder than faces in real pictures)."""

INSIDE = 0.5
"""A face counts as found before where so much of the smaller of the two boxes lies in the other."""

DARK, BRIGHT = 120, 230
"""Grey levels: a picture of which 99 % is darker than the first is lifted until that part reaches the second. In low
light with a sensor's noise, faces found at 100 pixels rose from 72 to 84 %, at 200 from 86 to 95 %."""

SMALLEST_INPUT = 256
"""Pixels; smaller pictures are enlarged to this first: of FER2013's 48-pixel crops YuNet then finds 97 %, else 74 %."""

# A Haar box is the square that FER2013 was cut with; YuNet's is narrower and taller. Both ratios were measured on
# FER2013's training images, so that boxes mean the same whichever detector drew them.
HAAR_WIDTH, HAAR_HEIGHT = 0.82, 1.07


class Picture(Protocol):
    """What detection needs of a frame; see `fer_core.video.frame.Frame`."""

    @property
    def size(self) -> tuple[int, int]: ...

    def image(self, max_side: int | None = None) -> np.ndarray: ...


def _cascade(name: str) -> cv2.CascadeClassifier:
    """One of OpenCV's cascades; on Windows, OpenCV itself opens nothing below a folder with an accent in its name."""
    text = Path(haarcascades, name).read_text(encoding="utf-8")
    found = cv2.CascadeClassifier()
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    found.read(storage.getFirstTopLevelNode())  # the storage must live as long as that is read
    return found


class FaceDetector:
    """Faces of a picture. May be shared between threads.

    YuNet: Wu et al., "YuNet: a tiny millisecond-level face detector", 2023.
    Haar: Viola and Jones, "Rapid object detection using a boosted cascade of simple features", 2001.

    Example:
        >>> import numpy as np
        >>> detector = FaceDetector(side=320)
        >>> len(detector(np.zeros((240, 320, 3), np.uint8)).boxes)
        0
    """

    def __init__(
        self,
        kind: str = "yunet",
        *,
        side: int | tuple[int, ...] = 320,
        min_score: float = 0.7,
        smallest: float = 0.0,
        alone: bool = False,
    ):
        """Load a detector.

        Args:
            kind: "yunet" or "haar".
            side: longer side, in pixels, of the picture that the detector looks at. A face is found when it is at
                least about 18 pixels tall there: a sixteenth of the longer side at 320. Time grows with its square.
                Several, as STILL: a look at each, the later ones enlarging a small picture up to twice; a face that
                more than one of them finds counts once. Haar takes the first look only: enlarged, it invents faces.
            min_score: detector confidence from which on a face counts, 0 to 1.
            smallest: faces less tall than this, in pixels of the picture, are left out.
            alone: with a network of its own, which no other detector uses.

        Raises:
            OptionError: another `kind`, or a number out of range.
        """
        if kind not in DETECTORS:
            raise OptionError(f"There is no face detector called {kind!r}. Choose one of: {', '.join(DETECTORS)}.")
        sides = side if isinstance(side, tuple) else (side,)
        if not sides or not all(64 <= one <= 2048 for one in sides):
            raise OptionError(f"The detector's picture side must lie between 64 and 2048 pixels; received {side}.")
        if not 0 < min_score < 1:
            raise OptionError(f"The least confidence of a face must lie between 0 and 1; received {min_score:g}.")
        if not smallest >= 0:
            raise OptionError(f"The smallest face's height must be 0 pixels or more; received {smallest:g}.")
        sides = sides if kind == "yunet" else sides[:1]
        self.kind, self.sides, self.smallest, self.min_score = kind, sides, smallest, min_score
        self.side = max(sides)  # what a report names
        if kind == "yunet":
            self._yunet = YuNet(min_score, alone=alone)
        else:
            self._haar = _cascade("haarcascade_frontalface_default.xml")
            self._lock = threading.Lock()  # a cascade works in buffers of its own

    def with_side(self, side: int) -> FaceDetector:
        """Return the same detector, with the same network, for a picture of another longer side in pixels."""
        other = copy.copy(self)
        other.sides, other.side = (side,), side
        return other

    def __call__(self, image: np.ndarray | Picture) -> Detections:
        """Find the faces, largest first.

        Args:
            image: uint8 (h, w, 3), BGR; or a frame, of which only the small picture that is needed is made.
        """
        width, height = _size(image)
        found = self._look(image, self.sides[0], 1.0)
        for side in self.sides[1:]:
            found = _once(found, self._look(image, side, ENLARGED))
        # A face is kept where some of it lies inside the picture: YuNet may guess at what the border cuts off.
        boxes = found.boxes
        keep = (boxes[:, 2] > 1) & (boxes[:, 3] > 1) & (boxes[:, 0] < width - 1) & (boxes[:, 1] < height - 1)
        keep &= boxes[:, 3] - boxes[:, 1] >= self.smallest
        order = np.argsort(-(boxes[:, 3] - boxes[:, 1]), kind="stable")
        order = order[keep[order]]
        return Detections(boxes[order], found.scores[order], found.landmarks[order])

    def _look(self, image: np.ndarray | Picture, side: int, enlarge: float) -> Detections:
        width, height = _size(image)
        longer = max(height, width)
        scale = min(side, max(longer * enlarge, SMALLEST_INPUT)) / longer
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = image if isinstance(image, np.ndarray) else image.image(side if scale < 1 else None)
        if size != small.shape[1::-1]:
            small = cv2.resize(small, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        small = _lifted(small)
        found = self._yunet(small) if self.kind == "yunet" else self._find_haar(small)
        to_image = np.array([width / size[0], height / size[1]], np.float32)
        return Detections(found.boxes * np.tile(to_image, 2), found.scores, found.landmarks * to_image)

    def _find_haar(self, image: np.ndarray) -> Detections:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        with self._lock:
            found, _, weights = self._haar.detectMultiScale3(gray, 1.1, 5, minSize=(16, 16), outputRejectLevels=True)
        squares = np.asarray(found, np.float32).reshape(-1, 4)
        center, side = squares[:, :2] + squares[:, 2:] / 2, squares[:, 2:3]
        half = np.concatenate([side * HAAR_WIDTH, side * HAAR_HEIGHT], 1) / 2
        boxes = np.concatenate([center - half, center + half], 1)
        # The cascade's weights have no fixed scale; this maps the usual 0 to 6 to something like a confidence.
        scores = 1 - np.exp(-np.maximum(np.asarray(weights, np.float32).reshape(-1), 0.0))
        return Detections(boxes, scores.astype(np.float32), np.full((len(boxes), 5, 2), np.nan, np.float32))


def _size(image: np.ndarray | Picture) -> tuple[int, int]:
    """Width and height."""
    return (image.shape[1], image.shape[0]) if isinstance(image, np.ndarray) else image.size


def _lifted(image: np.ndarray) -> np.ndarray:
    """Return a dark picture, made bright; the sensor's noise is smoothed before, or it would be lifted too."""
    levels = np.bincount(image[::4, ::4].ravel(), minlength=256).cumsum()
    top = float(np.searchsorted(levels, 0.99 * levels[-1]))
    if not 0 < top < DARK:
        return image
    smooth = cv2.GaussianBlur(image, (0, 0), 0.8)
    return cv2.convertScaleAbs(smooth, alpha=BRIGHT / max(top, 16.0))


def _once(first: Detections, second: Detections) -> Detections:
    """Return what two looks found, each face once: as the surer look saw it."""
    both = Detections(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    kept: list[int] = []
    for i in np.argsort(-both.scores, kind="stable"):
        if all(_shared(both.boxes[i], both.boxes[k]) < INSIDE for k in kept):
            kept.append(int(i))
    return Detections(both.boxes[kept], both.scores[kept], both.landmarks[kept])


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of the smaller box that lies in the other."""
    both = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return float(both / max(min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2])), 1e-6))
