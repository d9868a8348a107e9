"""Find faces in a picture: YuNet by default, the Haar cascade of 2001 for comparison."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from cv2.data import haarcascades

from .errors import OptionError
from .yunet import Detections, YuNet

__all__ = ["DETECTORS", "FaceDetector"]

DETECTORS = ("yunet", "haar")

SMALLEST_INPUT = 256
"""Pixels; smaller pictures are enlarged to this first: of FER2013's 48-pixel crops YuNet then finds 97 %, else 74 %."""

# A Haar box is the square that FER2013 was cut with; YuNet's is narrower and taller. Both ratios were measured on
# FER2013's training images, so that boxes mean the same whichever detector drew them.
HAAR_WIDTH, HAAR_HEIGHT = 0.82, 1.07


class FaceDetector:
    """Faces of a picture. May be shared between threads.

    YuNet: Wu et al., "YuNet: a tiny millisecond-level face detector", 2023.
    Haar: Viola and Jones, "Rapid object detection using a boosted cascade of simple features", 2001.
    """

    def __init__(self, kind: str = "yunet", *, side: int = 320, min_score: float = 0.7, smallest: float = 0.0):
        """Load a detector.

        Args:
            kind: "yunet" or "haar".
            side: longer side, in pixels, of the picture that the detector looks at. A face is found when it is at
                least about 18 pixels tall there: a sixteenth of the longer side at 320. Time grows with its square.
            min_score: detector confidence from which on a face counts, 0 to 1.
            smallest: faces less tall than this, in pixels of the picture, are left out.

        Raises:
            OptionError: another `kind`, or a number out of range.
        """
        if kind not in DETECTORS:
            raise OptionError(f"There is no face detector called {kind!r}. Choose one of: {', '.join(DETECTORS)}.")
        if not 64 <= side <= 2048:
            raise OptionError(f"The detector's picture side must lie between 64 and 2048 pixels; received {side}.")
        if not 0 < min_score < 1:
            raise OptionError(f"The least confidence of a face must lie between 0 and 1; received {min_score:g}.")
        if not smallest >= 0:
            raise OptionError(f"The smallest face's height must be 0 pixels or more; received {smallest:g}.")
        self.kind, self.side, self.smallest, self.min_score = kind, side, smallest, min_score
        if kind == "yunet":
            self._yunet = YuNet(min_score)
        else:
            self._haar = cv2.CascadeClassifier(haarcascades + "haarcascade_frontalface_default.xml")
            self._lock = threading.Lock()  # a cascade works in buffers of its own

    def __call__(self, image: np.ndarray) -> Detections:
        """Find the faces, largest first.

        Args:
            image: uint8 (h, w, 3), BGR.
        """
        height, width = image.shape[:2]
        longer = max(height, width)
        scale = min(self.side, max(longer, SMALLEST_INPUT)) / longer
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = image
        if size != (width, height):
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        found = self._yunet(small) if self.kind == "yunet" else self._find_haar(small)
        to_image = np.array([width / size[0], height / size[1]], np.float32)
        boxes = found.boxes * np.tile(to_image, 2)
        # A face is kept where some of it lies inside the picture: YuNet may guess at what the border cuts off.
        keep = (boxes[:, 2] > 1) & (boxes[:, 3] > 1) & (boxes[:, 0] < width - 1) & (boxes[:, 1] < height - 1)
        keep &= boxes[:, 3] - boxes[:, 1] >= self.smallest
        order = np.argsort(-(boxes[:, 3] - boxes[:, 1]), kind="stable")
        order = order[keep[order]]
        return Detections(boxes[order], found.scores[order], found.landmarks[order] * to_image)

    def _find_haar(self, image: np.ndarray) -> Detections:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        with self._lock:
            found, _, weights = self._haar.detectMultiScale3(grey, 1.1, 5, minSize=(16, 16), outputRejectLevels=True)
        squares = np.asarray(found, np.float32).reshape(-1, 4)
        centre, side = squares[:, :2] + squares[:, 2:] / 2, squares[:, 2:3]
        half = np.concatenate([side * HAAR_WIDTH, side * HAAR_HEIGHT], 1) / 2
        boxes = np.concatenate([centre - half, centre + half], 1)
        # The cascade's weights have no fixed scale; this maps the usual 0 to 6 to something like a confidence.
        scores = 1 - np.exp(-np.maximum(np.asarray(weights, np.float32).reshape(-1), 0.0))
        return Detections(boxes, scores.astype(np.float32), np.full((len(boxes), 5, 2), np.nan, np.float32))
