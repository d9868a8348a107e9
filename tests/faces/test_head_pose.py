"""Angles and rotations match, and heads turned by known angles are measured so."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.heads import mesh_of, portrait, turn_head, turn_picture
from fer_core.faces.head_pose import CANONICAL, DEPTH, HeadPose, angles_of, fit_pose, rotation_of


def posed(yaw: float, pitch: float, roll: float, scale: float = 9.0) -> np.ndarray:
    """A mesh (468, 3) whose canonical points are turned so, in pixels about (300, 200)."""
    points = np.zeros((468, 3))
    model = np.array(list(CANONICAL.values())) * [1.0, -1.0, -1.0]
    points[list(CANONICAL)] = scale * model @ rotation_of(yaw, pitch, roll).T / [1, 1, DEPTH] + [300, 200, 0]
    return points


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, -20, 0), (0, 0, 45), (-50, 15, -100)])
def test_an_ideal_mesh_gives_its_angles_back(angles: tuple[float, float, float]) -> None:
    pose = fit_pose(posed(*angles))
    assert pose[:3] == pytest.approx(angles, abs=1e-6)
    assert pose.scale == pytest.approx(9.0) and pose.misfit == pytest.approx(0.0, abs=1e-9)


def test_signs_are_those_that_are_said() -> None:
    nose = np.array([0.0, 0.0, -1.0])  # towards the camera; x right, y down, z away
    assert (rotation_of(20, 0, 0) @ nose)[0] > 0.3  # the picture's right
    assert (rotation_of(0, 20, 0) @ nose)[1] < -0.3  # up
    crown = np.array([0.0, -1.0, 0.0])
    assert (rotation_of(0, 0, 20) @ crown)[0] > 0.3  # clockwise


def test_a_mirrored_mesh_is_no_rotation() -> None:
    points = posed(10, 0, 0)
    points[:, 0] *= -1
    pose = fit_pose(points)
    assert np.linalg.det(pose.rotation) == pytest.approx(1.0) and pose.misfit > 1


def further(base: HeadPose, yaw: float, pitch: float, roll: float) -> np.ndarray:
    return np.array(angles_of(rotation_of(yaw, pitch, roll) @ base.rotation))


@pytest.mark.parametrize("name", ["collins", "hopper"])
def test_pictures_turned_in_their_plane(name: str) -> None:
    image = portrait(name)
    mesh, box = mesh_of(image)
    base = fit_pose(mesh.points)
    for degrees in (-30, -15, 15, 30):
        turned, _ = mesh_of(turn_picture(image, degrees, (box[:2] + box[2:]) / 2))
        error = np.array(fit_pose(turned.points)[:3]) - further(base, 0, 0, degrees)
        assert abs(error[2]) < 2, degrees
        assert np.abs(error[:2]).max() < 4, degrees


@pytest.mark.parametrize(("name", "yaw", "pitch"), [("collins", 20, 0), ("hopper", -25, 0), ("hopper", 0, 15)])
def test_heads_turned_in_space(name: str, yaw: float, pitch: float) -> None:
    base = fit_pose(mesh_of(portrait(name))[0].points)
    found = fit_pose(mesh_of(turn_head(name, yaw, pitch))[0].points)
    assert np.abs(np.array(found[:3]) - further(base, yaw, pitch, 0)).max() < 7
