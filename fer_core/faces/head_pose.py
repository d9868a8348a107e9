"""Head pose: yaw, pitch and roll of a face mesh against the canonical face of MediaPipe.

References:
    The canonical face (`canonical_face_model.obj`) and the points that hardly move with expression
    (`geometry_pipeline_metadata`) are facts of google-ai-edge/mediapipe, Apache-2.0.
    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.

A least-squares fit of both point sets in 3-D is used, not PnP on the mesh's x and y alone (`cv2.solvePnP`). On
portraits turned by up to 20 degrees it is off by 2.1, 2.0 and 0.9 degrees of yaw, pitch and roll on average, PnP by
3.4, 2.1 and 2.3; at 30 and 40 degrees of yaw by 5.2, 2.6 and 1.4, PnP by 8.8, 3.5 and 5.8 (`benchmarks/measures.py`).
And PnP needs to know the lens and the middle of the picture, which a cropped clip does not tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["CANONICAL", "HeadPose", "angles_of", "fit_pose", "rotation_of"]

CANONICAL: dict[int, tuple[float, float, float]] = {
    4: (0.0, -0.463170, 7.586580),
    6: (0.0, 2.473255, 5.788627),
    33: (-4.445859, 2.663991, 3.173422),
    117: (-5.258659, 0.945811, 2.974312),
    119: (-3.300681, 0.861641, 3.872784),
    121: (-1.820731, 1.467954, 4.224124),
    129: (-1.785794, -0.978284, 4.850470),
    133: (-1.856432, 2.585245, 3.757904),
    198: (-1.246815, 0.230297, 5.681036),
    205: (-3.832928, -1.537326, 4.137731),
    263: (4.445859, 2.663991, 3.173422),
    346: (5.258659, 0.945811, 2.974312),
    348: (3.300681, 0.861641, 3.872784),
    350: (1.820731, 1.467954, 4.224124),
    358: (1.785794, -0.978284, 4.850470),
    362: (1.856432, 2.585245, 3.757904),
    420: (1.246815, 0.230297, 5.681036),
    425: (3.832928, -1.537326, 4.137731),
}
"""Centimetres; x to the picture's right, y up, z towards the camera. Nose, eye corners and cheeks; ears, jaw and
forehead are left out, as hair hides them and they differ most between people."""

DEPTH = 1.3
"""How far the network's depth is stretched: it draws turned heads flatter than they are. Without it 78 % of a yaw is
seen, with it about 92 % (portraits turned by known angles)."""

_IDS = np.array(list(CANONICAL))
_MODEL = np.array(list(CANONICAL.values())) * [1.0, -1.0, -1.0]  # as pictures have it: y down, z away from the camera
_MODEL -= _MODEL.mean(0)


class HeadPose(NamedTuple):
    """How a head is turned.

    Attributes:
        yaw: degrees; positive where the face is turned to the picture's right, which is the person's left.
        pitch: degrees; positive where it is turned up.
        roll: degrees; positive where the head is tilted clockwise as the picture shows it.
        rotation: float64 (3, 3), from the head to the picture: x right, y down, z away from the camera.
        scale: pixels a centimetre of the canonical face.
        misfit: root of the mean squared distance between mesh and canonical face, in canonical centimetres.
    """

    yaw: float
    pitch: float
    roll: float
    rotation: np.ndarray
    scale: float
    misfit: float


def fit_pose(points: np.ndarray) -> HeadPose:
    """Fit the canonical face to a mesh; angles are those against the line of sight to the face.

    Args:
        points: (468, 3), pixels, as `Mesh.points`.
    """
    seen = points[_IDS].astype(np.float64) * [1.0, 1.0, DEPTH]
    seen -= seen.mean(0)
    left, weights, right = np.linalg.svd(seen.T @ _MODEL)
    upright = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * upright) @ right
    scale = max(float((weights * upright).sum() / (_MODEL**2).sum()), 1e-6)
    apart = seen / scale - _MODEL @ rotation.T
    return HeadPose(*angles_of(rotation), rotation, scale, float(np.sqrt((apart**2).sum(1).mean())))


def rotation_of(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the rotation (3, 3) of three angles in degrees: first pitch, then yaw, then roll in the picture's plane.

    Example:
        >>> tuple(round(a) for a in angles_of(rotation_of(20, -10, 5)))
        (20, -10, 5)
    """
    a, b, c = np.deg2rad([-yaw, -pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def angles_of(rotation: np.ndarray) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees of a rotation (3, 3); the inverse of `rotation_of`."""
    yaw = np.arcsin(np.clip(rotation[2, 0], -1, 1))
    pitch = -np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return float(np.rad2deg(yaw)), float(np.rad2deg(pitch)), float(np.rad2deg(roll))
