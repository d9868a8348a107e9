"""What passes between the parts: `Faces` of a frame, and the frame's `FrameResult`. Columnar, frozen, validated."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

__all__ = ["FaceMeasures", "FaceQuality", "Faces", "FrameResult", "MeasureGap"]


class FaceQuality(enum.IntFlag):
    """Why a face cannot be read well; 0 where nothing stands against it.

    Example:
        >>> (FaceQuality.SMALL | FaceQuality.DARK).words
        'small+dark'
    """

    GOOD = 0
    SMALL = 1
    """The face is smaller than the training images can stand for."""
    BLURRED = 2
    TURNED = 4
    """The head is turned far to the side."""
    DARK = 8
    DOUBTFUL = 16
    """The detector itself is not sure that this is a face."""
    COVERED = 32
    """Mouth and chin lack what skin and lips show, as under a mask."""

    @property
    def words(self) -> str:
        """The flags in lower case, joined by `+`; `good` where there is none."""
        return "+".join(str(flag.name).lower() for flag in type(self) if flag and flag in self) or "good"


class MeasureGap(enum.IntFlag):
    """Why some of a face's measures are missing; 0 where all were taken."""

    NONE = 0
    SMALL = 1
    """The face has too few pixels."""
    NO_FACE = 2
    """The mesh finds no face there, as in many a drawing."""
    CUT_OFF = 4
    """The picture's border cuts the face."""
    PROFILE = 8
    """The head is turned so far that one half of the face is out of sight."""
    EYES_CLOSED = 16
    """Closed eyes have no gaze."""
    EYES_COVERED = 32
    """Dark glasses."""
    MOUTH_COVERED = 64
    """A mask or a scarf."""
    HALF_HIDDEN = 128
    """One eye is hidden, and with it half of the face."""

    @property
    def words(self) -> str:
        """The flags in lower case with blanks, joined by `+`; empty where there is none."""
        return "+".join(str(flag.name).lower().replace("_", " ") for flag in type(self) if flag and flag in self)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeasures:
    """What was measured on the faces of one frame; row i is face i.

    Attributes:
        names: the m names of the columns of `values`, see `fer_core.faces.measures`.
        values: float32 (n, m); NaN where something could not be measured.
        gaps: uint8 (n,), flags of `MeasureGap`, which say why values are missing.
    """

    names: tuple[str, ...]
    values: np.ndarray
    gaps: np.ndarray

    def __post_init__(self) -> None:
        """Check the shapes."""
        n = len(self.gaps)
        if np.shape(self.values) != (n, len(self.names)) or np.shape(self.gaps) != (n,):
            raise ValueError(
                f"FaceMeasures needs values of shape (n, {len(self.names)}) and gaps of shape (n,); "
                f"received {np.shape(self.values)} and {np.shape(self.gaps)}"
            )

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.gaps)

    def __getitem__(self, rows: np.ndarray | slice) -> FaceMeasures:
        """Return the chosen faces; `rows` is a boolean mask, an index array or a slice."""
        return FaceMeasures(self.names, self.values[rows], self.gaps[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """All faces of one frame; row i of every column is the same face.

    Attributes:
        boxes: float32 (n, 4), xyxy in pixels of the upright frame.
        scores: float32 (n,), the detector's confidence, 0 to 1.
        landmarks: float32 (n, 5, 2), pixels: eye, eye, nose, mouth corner, mouth corner, each pair with the one on the
            image's left first; NaN where the detector gives none.
        probabilities: float32 (n, k), of this frame alone; each row sums to 1.
        labels: the k names of the columns of `probabilities`.
        track_ids: int64 (n,), -1 where the faces were not followed from frame to frame.
        smoothed: float32 (n, k), probabilities smoothed along the track; the raw ones where there is no track.
        predicted: int64 (n,), index into `labels` of the expression to show, -1 for "unsure".
        quality: uint8 (n,), flags of `FaceQuality`.
        measures: head pose, eyes and mouth; None where they were not asked for.

    Example:
        >>> faces = Faces.none(("happy", "sad"))
        >>> len(faces), faces.empty
        (0, True)
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray
    probabilities: np.ndarray
    labels: tuple[str, ...]
    track_ids: np.ndarray
    smoothed: np.ndarray
    predicted: np.ndarray
    quality: np.ndarray
    measures: FaceMeasures | None = None

    def __post_init__(self) -> None:
        n, k = len(self.boxes), len(self.labels)
        expected = {
            "boxes": (n, 4),
            "scores": (n,),
            "landmarks": (n, 5, 2),
            "probabilities": (n, k),
            "track_ids": (n,),
            "smoothed": (n, k),
            "predicted": (n,),
            "quality": (n,),
        }
        for name, shape in expected.items():
            received = np.shape(getattr(self, name))
            if received != shape:
                raise ValueError(f"Faces.{name} must have shape {shape}; received {received}")
        if self.measures is not None and len(self.measures) != n:
            raise ValueError(f"Faces.measures must have shape ({n},); received ({len(self.measures)},)")

    @classmethod
    def none(cls, labels: tuple[str, ...]) -> Faces:
        """No face: a normal result."""
        return cls.detected(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)), np.empty((0, len(labels))), labels)

    @classmethod
    def detected(
        cls,
        boxes: np.ndarray,
        scores: np.ndarray,
        landmarks: np.ndarray,
        probabilities: np.ndarray,
        labels: tuple[str, ...],
        quality: np.ndarray | None = None,
    ) -> Faces:
        """Return the faces as recognised in one frame, before any tracking."""
        n = len(boxes)
        flags = np.zeros(n, np.uint8) if quality is None else np.asarray(quality, np.uint8)
        raw = np.asarray(probabilities, np.float32)
        return cls(
            boxes=np.asarray(boxes, np.float32),
            scores=np.asarray(scores, np.float32),
            landmarks=np.asarray(landmarks, np.float32),
            probabilities=raw,
            labels=labels,
            track_ids=np.full(n, -1, np.int64),
            smoothed=raw,
            predicted=np.where(flags == 0, raw.argmax(1) if raw.size else 0, -1).astype(np.int64),
            quality=flags,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def empty(self) -> bool:
        """Whether there is no face."""
        return len(self) == 0

    def __getitem__(self, rows: np.ndarray | slice) -> Faces:
        """Return the chosen faces; `rows` is a boolean mask, an index array or a slice."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        whole = {name for name, value in columns.items() if name == "labels" or value is None}
        return Faces(**{name: value if name in whole else value[rows] for name, value in columns.items()})

    def scaled(self, factor: float) -> Faces:
        """Return the same faces in a picture that is `factor` times as large."""
        size = np.float32(factor)
        return replace(self, boxes=self.boxes * size, landmarks=self.landmarks * size)

    def __iter__(self) -> Iterator[Faces]:
        """Return the faces one by one, each as `Faces` of length 1."""
        return (self[i : i + 1] for i in range(len(self)))


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """What was found in one frame that was looked at.

    Attributes:
        index: number of the frame in the source, from 0, counting every decoded frame.
        seconds: presentation time from the first frame, in seconds.
        faces: the faces; empty where there is none.
        shot: number of the shot, from 0; it grows by one at each cut.

    Example:
        >>> FrameResult(0, 0.0, Faces.none(("happy", "sad"))).seconds
        0.0
    """

    index: int
    seconds: float
    faces: Faces
    shot: int = 0
