"""Portraits whose head is turned by known angles, whose lids are closed, or whose face is partly covered.

Both portraits are in the public domain: Eileen Collins (NASA, of scikit-image) and Grace Hopper (United States Navy, of
matplotlib).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data
from scipy.interpolate import RBFInterpolator

from fer_core.faces.detector import FaceDetector
from fer_core.faces.head_pose import CANONICAL, fit_pose, rotation_of
from fer_core.faces.mesh import Eyes, FaceMesh, Mesh

__all__ = ["DEPTHS", "PORTRAITS", "close_eyes", "cover", "mesh_of", "portrait", "turn_head", "turn_picture"]

PORTRAITS = ("collins", "hopper")
DEPTHS = (0.85, 1.0, 1.15)
"""Heads that are flatter and deeper than the canonical one: people differ by about so much."""

JAW = (
    *(93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323),
    *(330, 280, 195, 50, 101),
)
"""Points around a mask: the jaw from ear to ear, then back below the eyes and over the nose."""


@cache
def portrait(name: str) -> np.ndarray:
    """Return a portrait, uint8 (h, w, 3), BGR, of a face about 220 pixels tall; not to be written to."""
    if name == "collins":
        whole = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
        image = cv2.resize(whole, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)[:700, 100:800]
    else:
        read = cv2.imread(str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"))
        assert read is not None
        image = read
    image.flags.writeable = False
    return image


def mesh_of(image: np.ndarray) -> tuple[Mesh, np.ndarray]:
    """Return the mesh and the box of a picture's largest face."""
    found = FaceDetector()(image)
    return FaceMesh()(image, found.boxes[0], found.landmarks[0]), found.boxes[0]


@cache
def _surface(name: str, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel of a portrait lies in front of the eyes, in pixels, and the middle of the face.

    Depth is that of the canonical face, not what the mesh network says: what is tested must not make the test.
    """
    image = portrait(name)
    points = mesh_of(image)[0].points
    pose = fit_pose(points)
    flat = points[list(CANONICAL), :2].astype(np.float64)
    model = np.array(list(CANONICAL.values())) * [1.0, -1.0, -1.0]
    front = -depth * pose.scale * ((model - model.mean(0)) @ pose.rotation.T)[:, 2]
    # Around the face the head goes back as an ellipsoid does, to the plane of the shoulders.
    middle, reach = flat.mean(0), 8.5 * pose.scale
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = middle + reach * np.column_stack([0.95 * np.sin(around), 1.25 * np.cos(around)])
    back = np.full(len(ring), front.min() - depth * 6.0 * pose.scale)
    spline = RBFInterpolator(np.vstack([flat, ring]), np.concatenate([front, back]), kernel="thin_plate_spline")
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height:4, 0:width:4]
    coarse = spline(np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)).reshape(x.shape).astype(np.float32)
    whole = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(whole, np.float32(back[0])), middle


def turn_head(name: str, yaw: float = 0.0, pitch: float = 0.0, depth: float = 1.0) -> np.ndarray:
    """Return a portrait with its head turned further, by degrees as `HeadPose` has them, seen by a distant camera."""
    image = portrait(name)
    surface, middle = _surface(name, depth)
    height, width = image.shape[:2]
    double = (2 * width, 2 * height)
    texture = cv2.resize(image, double, interpolation=cv2.INTER_CUBIC).reshape(-1, 3)
    y, x = np.mgrid[0 : double[1], 0 : double[0]].astype(np.float32) / 2
    front = cv2.resize(surface, double, interpolation=cv2.INTER_LINEAR)
    points = np.stack([x - np.float32(middle[0]), y - np.float32(middle[1]), -front], -1).reshape(-1, 3)
    points = points @ rotation_of(yaw, pitch, 0.0).T.astype(np.float32)
    column, row = np.round(points[:, 0] + middle[0]).astype(int), np.round(points[:, 1] + middle[1]).astype(int)
    inside = np.flatnonzero((column >= 0) & (column < width) & (row >= 0) & (row < height))
    inside = inside[np.argsort(-points[inside, 2], kind="stable")]  # what is nearest is drawn last
    turned, hole = np.zeros_like(image), np.ones((height, width), np.uint8)
    turned[row[inside], column[inside]] = texture[inside]
    hole[row[inside], column[inside]] = 0
    return np.asarray(cv2.inpaint(turned, hole, 3, cv2.INPAINT_TELEA))


def turn_picture(image: np.ndarray, degrees: float, center: np.ndarray) -> np.ndarray:
    """Return the picture turned clockwise about a point."""
    matrix = cv2.getRotationMatrix2D((float(center[0]), float(center[1])), -degrees, 1.0)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def close_eyes(image: np.ndarray, eyes: Eyes, amount: float) -> np.ndarray:
    """Return the picture with both upper lids drawn down over that share of the eyes' opening, 0 to 1."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for outline in eyes.outlines:
        lower = outline[np.argsort(outline[:9, 0])]
        upper = np.vstack([outline[:1], outline[9:], outline[8:9]])
        upper = upper[np.argsort(upper[:, 0])]
        size = lower[-1, 0] - lower[0, 0]
        for column in range(int(np.ceil(lower[0, 0])), int(lower[-1, 0]) + 1):
            low = float(np.interp(column, lower[:, 0], lower[:, 1]))
            high = min(float(np.interp(column, upper[:, 0], upper[:, 1])), low) - 0.5
            top, edge = high - 0.35 * size, high + amount * (low - high)
            rows = np.arange(max(0, int(top)), min(height, int(np.ceil(edge)) + 1))
            stretched = top + (rows - top) * (high - top) / max(edge - top, 1e-3)
            y[rows, column] = np.where(rows < edge, stretched, rows)
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def cover(image: np.ndarray, mesh: Mesh, box: np.ndarray, what: str) -> np.ndarray:
    """Return the picture with "glasses", a "mask", or a sheet over the "left half" or "right half" of the face."""
    covered = image.copy()
    points = mesh.points[:, :2]
    left, top, right, bottom = box.astype(int).tolist()
    tall, middle = bottom - top, (left + right) // 2
    if what == "glasses":
        for outer, inner in ((33, 133), (263, 362)):
            center, size = (points[outer] + points[inner]) / 2, float(np.linalg.norm(points[outer] - points[inner]))
            axes = (round(0.85 * size), round(0.65 * size))
            cv2.ellipse(covered, np.round(center).astype(int).tolist(), axes, 0, 0, 360, (40, 60, 80), -1, cv2.LINE_AA)
    elif what == "mask":
        cv2.fillPoly(covered, [np.round(points[list(JAW)]).astype(np.int32)], (200, 170, 120), cv2.LINE_AA)
        for share in (0.0, 0.2, 0.4):
            ends = points[[58, 288]] * (1 - share) + points[[93, 323]] * share
            cv2.line(covered, *np.round(ends).astype(int).tolist(), (170, 145, 102), 1, cv2.LINE_AA)
    else:
        columns = slice(max(0, left - tall // 2), middle) if what == "left half" else slice(middle, right + tall // 2)
        covered[max(0, top - tall // 2) : bottom + tall // 3, columns] = (90, 110, 140)
    return covered
