"""Where a clip was cut: a small copy of each frame against the one before it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

__all__ = ["CutDetector", "shot_thumbnail"]

_WIDTH, _HEIGHT = 48, 27
_BLOCK_W, _BLOCK_H = 12, 9
_REACH_X, _REACH_Y = 6, 4  # how far a block is looked for, in pixels of the small copy: an eighth of the picture
_FLAT = 3.0  # grey levels; below this spread there is nothing to match
_SAME = 2.0  # grey levels of mean difference that no cut stays under
_HOLD = 0.5  # seconds that a burnt-out or blacked-out picture may last before it is judged as it stands
_MEMORY = 8  # frames over which the usual amount of change is averaged


def shot_thumbnail(image: np.ndarray) -> np.ndarray:
    """Return the small copy by which a frame is compared with others: uint8 (27, 48, 3), BGR."""
    step = max(1, min(image.shape[1] // (3 * _WIDTH), image.shape[0] // (3 * _HEIGHT)))
    return cv2.resize(image[::step, ::step], (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)


class _Look:
    """A frame's small copy; its histograms are made only where a calm clip does not settle the matter before."""

    def __init__(self, thumbnail: np.ndarray) -> None:
        self._picture = thumbnail
        self.small = cv2.cvtColor(self._picture, cv2.COLOR_BGR2GRAY)
        (self._mean,), (self.spread,) = (values.ravel().tolist() for values in cv2.meanStdDev(self.small))

    @cached_property
    def lost(self) -> float:
        """Share of the picture that is clipped to black or white."""
        return np.count_nonzero((self.small > 247) | (self.small < 8)) / self.small.size

    @cached_property
    def histograms(self) -> tuple[np.ndarray, np.ndarray]:
        """Of colour and of light, as the picture would be at medium brightness: a fade or a lamp is no new colour."""
        gain = min(max(110.0 / max(self._mean, 1.0), 0.5), 6.0)
        lab = cv2.cvtColor(cv2.convertScaleAbs(self._picture, alpha=gain), cv2.COLOR_BGR2Lab)
        # Strong colours are rare: the outermost bins take all of them, which leaves fine bins for the rest.
        colors = cv2.calcHist([np.clip(lab, 80, 175)], [1, 2], None, [24, 24], [80, 176, 80, 176])
        lights = cv2.calcHist([lab], [0], None, [16], [0, 256])
        # Blurred, so that a small shift of colour is a small distance.
        return cv2.GaussianBlur(colors, (3, 3), 0), cv2.GaussianBlur(lights, (1, 3), 0)


class CutDetector:
    """Tells whether a frame begins a new shot.

    A cut changes both what is where and which colours there are. Structure is the mean correlation of 4 x 3 blocks,
    each looked for near its old place (so a pan, a moving person, more or less light all keep it); colour is the
    Bhattacharyya distance of histograms. Both must exceed a threshold that rises with the amount of change that is
    usual in this clip, as in the adaptive detectors of PySceneDetect, and with the time between samples.
    """

    def __init__(self) -> None:
        self._last: _Look | None = None
        self._seconds = 0.0
        self._level = np.zeros(2)

    def __call__(self, seconds: float, image: np.ndarray, faces_continue: bool | None = None) -> bool:
        """As `judge`, for a whole image, uint8 (height, width, 3), BGR."""
        return self.judge(seconds, shot_thumbnail(image), faces_continue)

    def judge(self, seconds: float, thumbnail: np.ndarray, faces_continue: bool | None = None) -> bool:
        """Return true where the frame begins a new shot; the first frame does not.

        Args:
            seconds: presentation time of the frame.
            thumbnail: its `shot_thumbnail`.
            faces_continue: whether a face goes on where it was and as it looked; None where faces tell nothing. With
                False a smaller change of colour is enough, with True a larger one is needed.
        """
        look = _Look(thumbnail)
        last = self._last
        if last is None:
            self._last, self._seconds = look, seconds
            return False
        elapsed = max(seconds - self._seconds, 0.0)
        # A flash or a fade tells nothing by itself. What comes after it is compared with what was before it, so a fade
        # through black is at most one cut and a flash none.
        if look.spread < _FLAT or (look.lost > last.lost + 0.25 and elapsed < _HOLD):
            return False
        self._last, self._seconds = look, seconds
        if last.spread < _FLAT:
            return False
        if cv2.norm(last.small, look.small, cv2.NORM_L1) < _SAME * look.small.size:
            self._level -= self._level / _MEMORY  # most frames of a calm clip: no need to see where each block went
            return False
        similarity, kept = _match(last.small, look.small)
        change = np.array([1.0 - similarity, _histogram_distance(last, look)])
        lowest = {None: (0.35, 0.25), False: (0.28, 0.12), True: (0.4, 0.5)}[faces_continue]
        # A clip that always changes a lot, or is looked at seldom, must change more before it counts.
        needed = np.array(lowest) + 0.5 * self._level + (0.1 * min(elapsed, 1.0), 0.0)
        cut = bool((change > needed).all())
        if cut:
            # Before a bare wall all blocks that can be matched may be those of somebody who walked out. What then
            # remains is seen from the other side: the new picture is looked for in the old one.
            back, kept_back = _match(look.small, last.small)
            cut = max(kept, kept_back) < 0.4 and 1.0 - back > lowest[0]
        if not cut:
            self._level += (change - self._level) / _MEMORY
        return cut


def _histogram_distance(a: _Look, b: _Look) -> float:
    # Light is all there is in a grey clip.
    pairs = zip(a.histograms, b.histograms, strict=True)
    return max(cv2.compareHist(x, y, cv2.HISTCMP_BHATTACHARYYA) for x, y in pairs)


def _match(before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    """Mean correlation of the blocks of `before` with their best places in `now`, and the share that matches well."""
    padded = cv2.copyMakeBorder(now, _REACH_Y, _REACH_Y, _REACH_X, _REACH_X, cv2.BORDER_REPLICATE)
    total = similarity = kept = 0.0
    for y in range(0, _HEIGHT, _BLOCK_H):
        for x in range(0, _WIDTH, _BLOCK_W):
            block = before[y : y + _BLOCK_H, x : x + _BLOCK_W]
            spread = float(cv2.meanStdDev(block)[1][0, 0])
            if spread < 4.0:  # nothing but the grain of a bare wall
                continue
            area = padded[y : y + _BLOCK_H + 2 * _REACH_Y, x : x + _BLOCK_W + 2 * _REACH_X]
            found = cv2.minMaxLoc(cv2.matchTemplate(area, block, cv2.TM_CCOEFF_NORMED))[1]
            found = min(max(found, 0.0), 1.0)  # a flat area yields 0/0, which OpenCV may report as any number
            weight = min(spread, 20.0)
            total += weight
            similarity += weight * found
            kept += weight * (found > 0.85)
    return (similarity / total, kept / total) if total else (1.0, 1.0)
