"""Results, recognisers and pictures for tests: the one builder of what analysis gives, without a network or a clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data

from fer_core.analysis.table import ResultTable
from fer_core.faces.detector import FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.faces.yunet import Detections
from fer_core.labels import FER7
from fer_core.models.classifier import Classifier
from fer_core.types import FaceQuality, Faces, FrameResult
from fer_core.video.frame import Frame

DETECTION_SIDE = 1920
"""Longer side in pixels of the picture in which `FakeRecognizer` finds faces."""

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "two-people.mp4"


def probabilities(label: str, confidence: float = 0.8) -> np.ndarray:
    """(7,), `confidence` for `label` and the rest shared evenly."""
    row = np.full(len(FER7), (1 - confidence) / (len(FER7) - 1), np.float32)
    row[FER7.index(label)] = confidence
    return row


def make_faces(
    labels: Sequence[str | None],
    *,
    boxes: Sequence[Sequence[float]] | None = None,
    ids: Sequence[int] | None = None,
    confidence: float | Sequence[float] = 0.8,
    quality: Sequence[int] | None = None,
) -> Faces:
    """A face for each label, followed as `ids` where given; None as label is a face that shows "unsure"."""
    n = len(labels)
    tall = np.array([[100 * i + 10, 20, 100 * i + 70, 100] for i in range(n)] if boxes is None else boxes, np.float32)
    tall = tall.reshape(-1, 4)
    sure = np.broadcast_to(np.asarray(confidence, np.float64), (n,))
    rows = np.array([probabilities(name or "neutral", c) for name, c in zip(labels, sure, strict=True)], np.float32)
    rows = rows.reshape(-1, len(FER7))
    tracks = np.full(n, -1, np.int64) if ids is None else np.array(ids, np.int64)
    at = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])
    points = tall[:, None, :2] + at * (tall[:, None, 2:] - tall[:, None, :2])
    return Faces(
        boxes=tall,
        scores=np.full(n, 0.9, np.float32),
        landmarks=points.astype(np.float32),
        probabilities=rows,
        labels=FER7,
        track_ids=tracks,
        smoothed=rows,
        predicted=np.array([-1 if name is None else FER7.index(name) for name in labels], np.int64),
        quality=np.zeros(n, np.uint8) if quality is None else np.array(quality, np.uint8),
    )


GONE = "gone"
"""In place of a label: the person is not in the picture."""


def make_results(
    people: Mapping[int, Sequence[str | None]],
    *,
    frame_rate: float = 10.0,
    times: Sequence[float] | None = None,
    shots: Sequence[int] | None = None,
    confidence: Sequence[float] | float = 0.8,
) -> list[FrameResult]:
    """Results of frames in which each track shows the labels given for it, one a frame; GONE where it is away."""
    count = len(next(iter(people.values())))
    when = [i / frame_rate for i in range(count)] if times is None else times
    sure = np.broadcast_to(np.asarray(confidence, np.float64), (count,))
    found = []
    for i in range(count):
        here = {track: predicted[i] for track, predicted in people.items() if predicted[i] != GONE}
        faces = make_faces(list(here.values()), ids=list(here), confidence=float(sure[i]))
        found.append(FrameResult(i, when[i], faces, 0 if shots is None else shots[i]))
    return found


def make_table(people: Mapping[int, Sequence[str | None]], names: Mapping[int, str] | None = None, **how: object):
    """The native table of `make_results`."""
    recorder = ResultTable(FER7)
    for result in make_results(people, **how):  # type: ignore[arg-type]
        recorder.add(result)
    return recorder.table(names)


class FakeClassifier:
    """Says the same of every crop, and remembers the sizes of its batches."""

    def __init__(self, label: str = "happy", confidence: float = 0.9):
        self.labels = FER7
        self.batches: list[int] = []
        self._row = probabilities(label, confidence)

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        self.batches.append(len(crops))
        return np.tile(self._row, (len(crops), 1))


class FakeRecognizer:
    """Takes every bright patch of the picture for a face that is sure of `label`; larger ones first."""

    def __init__(self, label: str = "happy", confidence: float = 0.9):
        self.classifier = FakeClassifier(label, confidence)
        self.detector = None
        self.labels = FER7
        self.sizes: list[tuple[int, int]] = []
        self._row = probabilities(label, confidence)

    def __call__(self, image: np.ndarray) -> Faces:
        self.sizes.append(image.shape[1::-1])
        gray = cv2.blur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (5, 5))
        _, _, patches, _ = cv2.connectedComponentsWithStats((gray > 120).astype(np.uint8))
        found = sorted((p for p in patches[1:].tolist() if p[4] > 60), key=lambda p: -p[4])
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in found], np.float32).reshape(-1, 4)
        n = len(boxes)
        points = np.full((n, 5, 2), np.nan, np.float32)
        return Faces.detected(boxes, np.full(n, 0.9), points, np.tile(self._row, (n, 1)), FER7, np.zeros(n, np.uint8))

    def detect(self, frame: Frame) -> Detections:
        image = frame.image(DETECTION_SIDE)
        faces = self(image).scaled(frame.size[0] / image.shape[1])
        return Detections(faces.boxes, faces.scores, faces.landmarks)

    def classify(self, frames: Sequence[Frame], found: Sequence[Detections]) -> list[Faces]:
        rows = [np.tile(self._row, (len(faces.boxes), 1)) for faces in found]
        return [Faces.detected(*faces, row, FER7) for faces, row in zip(found, rows, strict=True)]


def patch_frame(
    patches: Iterable[tuple[int, int, int]], width: int = 160, height: int = 120, *, seed: int = 0
) -> np.ndarray:
    """A dark picture with a bright, finely textured square for each (left, top, side): faces for FakeRecognizer."""
    image = np.full((height, width, 3), 40, np.uint8)
    for left, top, side in patches:
        dots = np.random.default_rng(seed).choice([150, 255], (-(-side // 2), -(-side // 2)))
        texture = np.kron(dots, np.ones((2, 2)))[:side, :side].astype(np.uint8)
        x, y = max(0, left), max(0, top)
        seen = texture[y - top :, x - left :][: height - y, : width - x]
        image[y : y + seen.shape[0], x : x + seen.shape[1]] = seen[..., None]
    return image


@cache
def _pictures() -> tuple[np.ndarray, np.ndarray]:
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    hopper = cv2.imread(str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"))
    assert hopper is not None
    return astronaut, hopper


PORTRAIT_FACE = 112
"""Height in pixels of the face in `portrait`."""


def portrait(face: float | None = None) -> np.ndarray:
    """Eileen Collins, smiling (NASA, public domain), 512x512 BGR, or scaled so that her face is `face` pixels tall."""
    image = _pictures()[0].copy()
    if face is None:
        return image
    scale = face / PORTRAIT_FACE
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def stern_portrait() -> np.ndarray:
    """Grace Hopper (United States Navy, public domain), 600x512 BGR; her face is 212 pixels tall."""
    return _pictures()[1].copy()


def two_people_frame(height: int = 360) -> np.ndarray:
    """Both portraits side by side, Collins on the left."""
    sides = [
        cv2.resize(i, (height, height), interpolation=cv2.INTER_AREA) for i in (portrait(), stern_portrait()[:512])
    ]
    return np.hstack(sides)


@cache
def real_recognizer() -> ExpressionRecognizer:
    """The shipped model with YuNet, loaded once."""
    return ExpressionRecognizer(Classifier(), FaceDetector())


GOOD = int(FaceQuality.GOOD)


class Still:
    """In place of a decoded frame."""

    def __init__(self, index: int, image: np.ndarray, rate: float = 25.0):
        self.index, self.seconds, self._image = index, index / rate, image

    def image(self, max_side: int | None = None) -> np.ndarray:
        scale = min(1.0, (max_side or 10**6) / max(self._image.shape[:2]))
        return cv2.resize(self._image, None, fx=scale, fy=scale) if scale < 1 else self._image.copy()

    def picked(self, max_side: int) -> np.ndarray:
        return self.image(max_side)

    @property
    def size(self) -> tuple[int, int]:
        return self._image.shape[1], self._image.shape[0]
