"""Head pose, eyes, gaze, brows and mouth of each face, measured on its mesh; definitions and limits: docs/measures.md.

These are geometric measures. They are no action units of FACS: nothing here was trained on, or checked against, faces
that certified coders scored.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fer_core.faces.head_pose import DEPTH, HeadPose, fit_pose
from fer_core.faces.mesh import Eyes, FaceMesh, Mesh
from fer_core.faces.visibility import visible_parts
from fer_core.types import FaceMeasures, FaceQuality, Faces, MeasureGap

__all__ = ["MEASURES", "FaceMeasurer", "eye_opening", "gaze_angles", "measures_of", "with_measures"]

MEASURES = (
    "head_yaw",
    "head_pitch",
    "head_roll",
    "gaze_x",
    "gaze_y",
    "eye_open_left",
    "eye_open_right",
    "brow_left",
    "brow_right",
    "mouth_open",
    "mouth_width",
    "smile_asymmetry",
)
"""Names of the measures, which are also columns of the native table. Left and right are the person's own."""

HEAD, PITCH, GAZE, EYES = slice(0, 3), slice(1, 2), slice(3, 5), slice(5, 7)
BROWS, MOUTH = slice(7, 9), slice(9, 12)

SMALLEST = 40.0
"""Pixels of box height under which nothing is measured."""
SMALLEST_EYES = 75.0
"""Pixels of box height under which eyes and gaze are not measured: of blinks behind glasses 2 of 5 are then found."""
LEAST_SCORE = 0.99
"""Confidence of the mesh under which there is no face: 699 of 703 news photos have 0.999 and more, a smiley 0.92."""
LARGEST_MISFIT = 0.6
"""Centimetres of the canonical face beyond which the mesh is no face."""
MOST_OUTSIDE = 0.1
"""Share of the mesh that may lie outside the picture."""
FURTHEST = 60.0
"""Degrees of yaw beyond which nothing is measured."""
NOSE_ASIDE, NOSE_YAW = 0.1, 15.0
"""Eye distances that the detector's nose lies to one side, and degrees that the mesh is turned to the other."""
SIDEWAYS = 40.0
"""Degrees of yaw beyond which one eye, and one corner of the mouth, are out of sight."""
TURNED = 45.0
"""Degrees of yaw beyond which the expression cannot be read well, see `FaceQuality.TURNED`."""
CLOSED = 0.18
"""Opening under which an eye is closed, so that it has no gaze."""

REACH = 0.54
"""Centimetres by which the iris of an eye that looks aside by 90 degrees leaves the middle of its corners. By anatomy
it is 1.05, but the corners that the iris network draws go half of the way along with the iris (on portraits whose
irises were moved). The face mesh's own corners do not, but tremble so much that the gaze is noisier still."""
SOCKET = (0.0, -0.145, 0.39)
"""Centimetres from the middle between the eye's corners to that of the eyeball, in the head's axes: back, and up, as
the iris of eyes that look straight ahead lies 1.4 mm above the corners (median of 703 news photos)."""

_OUTER_CORNERS = (33, 263)
_RIGHT_BROW, _LEFT_BROW = [70, 63, 105, 66, 107], [300, 293, 334, 296, 336]
_RIGHT_EYE, _LEFT_EYE = [33, 133], [362, 263]
_LIPS, _RIGHT_MOUTH, _LEFT_MOUTH = (13, 14), 61, 291


class FaceMeasurer:
    """Measures faces that a detector found. May be shared between threads.

    Example:
        >>> from fer_core.faces.detector import FaceDetector
        >>> from fer_core.utils.distribution import sample_clip
        >>> from fer_core.video.reader import FrameReader
        >>> with FrameReader(sample_clip()) as reader:
        ...     image = next(iter(reader)).image()
        >>> found = FaceDetector()(image)
        >>> measures = FaceMeasurer()(image, found.boxes, found.landmarks)
        >>> measures.names[:3], measures.gaps.tolist()
        (('head_yaw', 'head_pitch', 'head_roll'), [0])
        >>> bool(abs(measures.values[0, 0]) < 10)  # degrees of yaw: she faces the camera
        True
    """

    def __init__(self, mesh: FaceMesh | None = None):
        """Load the mesh.

        Args:
            mesh: the one to use; a new one if None.

        Raises:
            ModelError: the part that holds the networks is not installed.
        """
        self._mesh = mesh or FaceMesh()

    def __call__(self, image: np.ndarray, boxes: np.ndarray, landmarks: np.ndarray) -> FaceMeasures:
        """Measure the faces of one picture.

        Args:
            image: uint8 (h, w, 3), BGR.
            boxes: (n, 4), xyxy in pixels.
            landmarks: (n, 5, 2), pixels, the two eyes first; NaN where unknown.
        """
        values = np.full((len(boxes), len(MEASURES)), np.nan, np.float32)
        gaps = np.zeros(len(boxes), np.uint8)
        for i, (box, points) in enumerate(zip(boxes, landmarks, strict=True)):
            values[i], gaps[i] = self._measure(image, box, points)
        return FaceMeasures(MEASURES, values, gaps)

    def _measure(self, image: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, MeasureGap]:
        values = np.full(len(MEASURES), np.nan)
        height = float(box[3] - box[1])
        if height < SMALLEST:
            return values, MeasureGap.SMALL
        mesh = self._mesh(image, box, landmarks)
        pose = fit_pose(mesh.points)
        gap = _why_not(image, mesh, pose, landmarks)
        if gap:
            return values, gap
        values[HEAD] = pose.yaw, pose.pitch, pose.roll
        if abs(pose.yaw) > SIDEWAYS:
            return values, MeasureGap.PROFILE
        seen = visible_parts(image, mesh.points)
        if not seen.skin:
            return np.full(len(MEASURES), np.nan), MeasureGap.NO_FACE
        if seen.left_eye != seen.right_eye:
            return np.full(len(MEASURES), np.nan), MeasureGap.HALF_HIDDEN
        frontal = _frontal(mesh.points, pose)
        values[BROWS], values[MOUTH] = _brow_heights(frontal), _mouth_geometry(frontal)
        if not seen.mouth:
            values[MOUTH], values[PITCH], gap = np.nan, np.nan, gap | MeasureGap.MOUTH_COVERED
        if not seen.left_eye:
            values[BROWS], values[PITCH], gap = np.nan, np.nan, gap | MeasureGap.EYES_COVERED
        elif height < SMALLEST_EYES:
            gap |= MeasureGap.SMALL
        else:
            gap |= self._measure_eyes(values, image, mesh, pose)
        return values, gap

    def _measure_eyes(self, values: np.ndarray, image: np.ndarray, mesh: Mesh, pose: HeadPose) -> MeasureGap:
        eyes = self._mesh.eyes(image, mesh.points)
        opening = eye_opening(eyes, pose)
        values[EYES] = opening[::-1]  # the person's left eye, on the picture's right, comes first
        if opening.mean() < CLOSED:
            return MeasureGap.EYES_CLOSED
        values[GAZE] = gaze_angles(eyes, pose)
        return MeasureGap.NONE


def measures_of(recognizer: object) -> tuple[str, ...]:
    """Return the names of what a recognizer measures by itself; none where it has no measurer."""
    return () if getattr(recognizer, "measurer", None) is None else MEASURES


def with_measures(faces: Faces, measures: FaceMeasures) -> Faces:
    """Return the faces with their measures; `FaceQuality.TURNED` is then judged by degrees, where these are known."""
    yaw = np.abs(measures.values[:, 0])
    profile = (measures.gaps & MeasureGap.PROFILE) > 0
    known = np.isfinite(yaw) | profile
    turned = np.where(np.isfinite(yaw), yaw > TURNED, profile)
    without = faces.quality & ~np.uint8(FaceQuality.TURNED)
    quality = np.where(known, without | np.where(turned, FaceQuality.TURNED, 0), faces.quality).astype(np.uint8)
    predicted = np.where(quality == 0, faces.probabilities.argmax(1), -1) if len(faces) else faces.predicted
    return replace(faces, measures=measures, quality=quality, predicted=predicted.astype(np.int64))


def _why_not(image: np.ndarray, mesh: Mesh, pose: HeadPose, landmarks: np.ndarray) -> MeasureGap:
    """Return what stands against the whole mesh."""
    height, width = image.shape[:2]
    x, y = mesh.points[:, 0], mesh.points[:, 1]
    outside = ((x < 0) | (y < 0) | (x >= width) | (y >= height)).mean()
    if outside > MOST_OUTSIDE:
        return MeasureGap.CUT_OFF
    if mesh.score < LEAST_SCORE or pose.misfit > LARGEST_MISFIT:
        return MeasureGap.NO_FACE
    if abs(pose.yaw) > FURTHEST or _nose_says_otherwise(landmarks, pose):
        return MeasureGap.PROFILE
    return MeasureGap.NONE


def _nose_says_otherwise(landmarks: np.ndarray, pose: HeadPose) -> bool:
    """Return whether the detector has the nose on the other side than the mesh: one of them misread a profile."""
    line = landmarks[1] - landmarks[0]
    aside = (landmarks[2] - landmarks[:2].mean(0)) @ line / max(float(line @ line), 1e-6)
    return bool(aside * np.sign(pose.yaw) < -NOSE_ASIDE and abs(pose.yaw) > NOSE_YAW)


def _frontal(points: np.ndarray, pose: HeadPose) -> np.ndarray:
    """Points (468, 2) as if the head faced the camera, in distances of the outer corners of the eyes; y is up."""
    head = (points.astype(np.float64) * [1.0, 1.0, DEPTH]) @ pose.rotation
    unit = np.linalg.norm(head[_OUTER_CORNERS[1]] - head[_OUTER_CORNERS[0]])
    return np.asarray(head[:, :2] * [1.0, -1.0] / unit)


def _brow_heights(p: np.ndarray) -> tuple[float, float]:
    """Return how far the person's left and right brow lie above the middle of their eye, in eye distances."""
    left, right = (
        float(p[brow, 1].mean() - p[eye, 1].mean())
        for brow, eye in ((_LEFT_BROW, _LEFT_EYE), (_RIGHT_BROW, _RIGHT_EYE))
    )
    return left, right


def _mouth_geometry(p: np.ndarray) -> tuple[float, float, float]:
    """Return the gap between the lips, the width of the mouth and smile asymmetry, in eye distances.

    Smile asymmetry is how much higher the person's left corner of the mouth lies than the right one, against the line
    through the eyes.
    """
    corners = p[_LEFT_MOUTH] - p[_RIGHT_MOUTH]
    across = p[_LEFT_EYE].mean(0) - p[_RIGHT_EYE].mean(0)
    normal = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    upper, lower = p[list(_LIPS)]
    return abs(float(upper[1] - lower[1])), float(np.linalg.norm(corners)), float(corners @ normal)


def eye_opening(eyes: Eyes, pose: HeadPose) -> np.ndarray:
    """Return the eye aspect ratio, height of the opening by width, of the eyes on the picture's left and right.

    Soukupová and Čech, "Real-time eye blink detection using facial landmarks", 2016, with five pairs of lid points for
    their two, and with what the head's turn shortens given back.

    Args:
        eyes: outlines in pixels.
        pose: the head's turn.

    Returns:
        float64 (2,); about 0.3 for an open eye, under 0.2 for a closed one.
    """
    outlines = eyes.outlines.astype(np.float64)
    height = np.linalg.norm(outlines[:, 10:15] - outlines[:, 2:7], axis=2).mean(1)
    width = np.linalg.norm(outlines[:, 8] - outlines[:, 0], axis=1)
    shorter = np.cos(np.deg2rad(pose.pitch)) / np.cos(np.deg2rad(pose.yaw))
    return np.asarray(height / np.maximum(width, 1e-6) / shorter)


def gaze_angles(eyes: Eyes, pose: HeadPose) -> tuple[float, float]:
    """Return where the eyes look relative to the head, in degrees: to the picture's right, and up; mean of both eyes.

    The iris lies on a ball whose middle lies behind the line between the eye's corners; where the iris is seen gives
    the direction (a geometric eye model as in Hansen and Ji, "In the eye of the beholder", 2010), which is then turned
    back with the head. It is not calibrated to the person: several degrees of constant offset are usual.

    Args:
        eyes: outlines and irises in pixels.
        pose: the head's turn and scale.
    """
    outlines = eyes.outlines.astype(np.float64)
    corners = (outlines[:, 0] + outlines[:, 8]) / 2
    middle = corners + (pose.rotation @ SOCKET)[:2] * pose.scale
    across = (eyes.irises[:, 0] - middle) / (REACH * pose.scale)
    length = np.linalg.norm(across, axis=1)
    across *= (np.minimum(length, 0.95) / np.maximum(length, 1e-9))[:, None]  # an iris beside its ball is at its edge
    seen = np.column_stack([across, -np.sqrt(1 - (across**2).sum(1))])
    x, y, z = (seen @ pose.rotation).mean(0)
    return float(np.rad2deg(np.arctan2(x, -z))), float(np.rad2deg(np.arctan2(-y, np.hypot(x, z))))
