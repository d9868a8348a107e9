"""Key moments: a picture of the strongest frame of each episode, taken while the clip passes by once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.types import FrameResult
from fer_core.video.frame import Frame

__all__ = ["KeyMoment", "KeyMoments", "choose_moments"]

SIDE = 160
"""Side of a thumbnail in pixels."""

PICTURE_SIDES = (320, 480, 640, 1280)
"""Longer sides of the pictures from which thumbnails are cut."""


@dataclass(frozen=True, slots=True)
class KeyMoment:
    """One episode of one track, with a picture of its strongest frame.

    Attributes:
        track_id: whose.
        label: the expression shown.
        start, end, peak: seconds.
        confidence: at the peak, 0 to 1.
        jpeg: the face with some surroundings, 160x160.
    """

    track_id: int
    label: str
    start: float
    end: float
    peak: float
    confidence: float
    jpeg: bytes

    @property
    def weight(self) -> float:
        """What keeps a moment when there are too many: strong ones that last, rather than a neutral minute."""
        return self.confidence * min(self.end - self.start, 2.0) * (0.3 if self.label == "neutral" else 1.0)


class KeyMoments:
    """Collects the moments of a clip; a listener of `analysis.analyze`. Keeps at most `limit` of them."""

    def __init__(self, width: int, *, min_seconds: float = 0.3, limit: int = 120):
        self._width, self._min_seconds, self._limit = width, min_seconds, limit
        self._open: dict[int, KeyMoment] = {}
        self._done: list[KeyMoment] = []
        self.portraits: dict[int, tuple[float, bytes]] = {}
        """The best picture of each track so far: (how good, JPEG)."""

    def __call__(self, frame: Frame, result: FrameResult | None) -> None:
        """Take the next frame."""
        if result is None:
            return
        faces, now = result.faces, result.seconds
        present = set(faces.track_ids.tolist())
        for track in [t for t, m in self._open.items() if t not in present and now - m.end > 1.0]:
            self._close(track)
        for i, track in enumerate(faces.track_ids.tolist()):
            confidence = float(faces.smoothed[i].max())
            self._portrait(frame, track, faces.boxes[i], float(faces.scores[i]), int(faces.quality[i]))
            if faces.predicted[i] < 0:
                self._close(track)
                continue
            label, current = faces.labels[int(faces.predicted[i])], self._open.get(track)
            if current is None or current.label != label:
                self._close(track)
                jpeg = self.take_picture(frame, faces.boxes[i])
                self._open[track] = KeyMoment(track, label, now, now, now, confidence, jpeg)
            elif confidence > current.confidence + 0.02:  # the step keeps a slow rise from a picture every frame
                jpeg = self.take_picture(frame, faces.boxes[i])
                self._open[track] = KeyMoment(track, label, current.start, now, now, confidence, jpeg)
            else:
                peak = current.peak, current.confidence, current.jpeg
                self._open[track] = KeyMoment(track, label, current.start, now, *peak)

    def found(self) -> list[KeyMoment]:
        """Return the moments so far, in order of time; those still going on too."""
        going = [m for m in self._open.copy().values() if m.end - m.start >= self._min_seconds]
        return sorted([*self._done, *going], key=lambda m: m.peak)

    def _close(self, track: int) -> None:
        moment = self._open.pop(track, None)
        if moment is None or moment.end - moment.start < self._min_seconds:
            return
        kept = [*self._done, moment]
        if len(kept) > self._limit:
            kept.remove(min(kept, key=lambda m: m.weight))
        self._done = kept  # replaced, not changed: a page may be reading the old list

    def _portrait(self, frame: Frame, track: int, box: np.ndarray, score: float, quality: int) -> None:
        height = float(box[3] - box[1])
        good = score * height * (1.0 if quality == 0 else 0.3)
        before = self.portraits.get(track)
        if before is None or good > 1.15 * before[0]:
            if len(self.portraits) >= 4 * self._limit and before is None:
                return  # a clip with hundreds of tracks: those that came first keep their pictures
            self.portraits[track] = good, self.take_picture(frame, box)

    def take_picture(self, frame: Frame, box: np.ndarray) -> bytes:
        """Return the JPEG of a face with some surroundings; `box` is xyxy in pixels of the clip."""
        # In a picture no larger than the thumbnail needs: all of a frame is converted for it.
        needed = SIDE * max(frame.size) / (1.5 * max(box[2] - box[0], box[3] - box[1], 1.0))
        image = frame.image(next((side for side in PICTURE_SIDES if side >= needed), PICTURE_SIDES[-1]))
        x0, y0, x1, y1 = (float(v) * image.shape[1] / self._width for v in box)
        reach = 0.75 * max(x1 - x0, y1 - y0)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        left, right = max(0, int(x - reach)), min(image.shape[1], int(x + reach) + 1)
        top, bottom = max(0, int(y - reach)), min(image.shape[0], int(y + reach) + 1)
        side = min(right - left, bottom - top)
        middle = (left + right) // 2, (top + bottom) // 2
        left, top = max(0, middle[0] - side // 2), max(0, middle[1] - side // 2)
        face = image[top : top + side, left : left + side]
        small = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


SAME_AGAIN, SAME_LABEL, SAME_TIME = 0.3, 0.7, 0.5
"""What a moment's weight is multiplied by for each chosen one of the same person and expression, of the same expression
of somebody else, and once where one was chosen close by."""


def choose_moments(moments: Sequence[KeyMoment], count: int, names: Mapping[int, str] | None = None) -> list[KeyMoment]:
    """Return the moments that tell most together: strong ones, of different people, expressions and times.

    Moments are chosen one by one; each choice makes those that are like it less worth choosing (maximal marginal
    relevance, Carbonell and Goldstein, 1998).

    Args:
        moments: of a clip.
        count: how many to choose at most.
        names: people by track id; tracks of one name are one person.

    Returns:
        The chosen ones in order of time.
    """
    left, chosen = list(moments), list[KeyMoment]()
    near = (max((m.peak for m in left), default=0.0) - min((m.peak for m in left), default=0.0)) / (2 * max(count, 1))
    who = {m.track_id: (names or {}).get(m.track_id, str(m.track_id)) for m in left}

    def worth(moment: KeyMoment) -> float:
        value = moment.weight
        for other in chosen:
            if other.label == moment.label:
                value *= SAME_AGAIN if who[other.track_id] == who[moment.track_id] else SAME_LABEL
        return value * (SAME_TIME if any(abs(m.peak - moment.peak) < near for m in chosen) else 1.0)

    while left and len(chosen) < count:
        best = max(left, key=worth)
        left.remove(best)
        chosen.append(best)
    return sorted(chosen, key=lambda m: m.peak)
