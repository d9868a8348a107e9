"""Names, units and signs of others, against their own formulas."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.measured import blinking, measured_table
from scipy.spatial.transform import Rotation

from fer_core.analysis.measure_names import to_openface, to_pyfeat
from fer_core.faces.head_pose import rotation_of

ANGLES = {"head_yaw": [0.0, 20, 0, 0, 25], "head_pitch": [0.0, 0, 15, 0, -10], "head_roll": [0.0, 0, 0, 30, 12]}


def openface_rotation(x: float, y: float, z: float) -> np.ndarray:
    """Utilities::Euler2RotationMatrix of OpenFace: R = Rx Ry Rz."""
    return Rotation.from_euler("XYZ", [x, y, z]).as_matrix()


def pyfeat_angles(rotation: np.ndarray) -> list[float]:
    """convert_to_euler of Py-feat: pitch, roll, yaw."""
    angle = Rotation.from_matrix(rotation.T).as_euler("xyz", degrees=True)
    return [angle[0], -angle[2], -angle[1]]


def test_openface_head_pose_is_the_same_rotation_in_radians() -> None:
    table = measured_table(ANGLES)
    theirs = to_openface(table)
    for i in range(5):
        ours = rotation_of(*(ANGLES[name][i] for name in ("head_yaw", "head_pitch", "head_roll")))
        again = openface_rotation(*theirs[["pose_Rx", "pose_Ry", "pose_Rz"]].iloc[i])
        np.testing.assert_allclose(again, ours, atol=1e-6)
    assert theirs["pose_Ry"].iloc[1] == pytest.approx(-np.deg2rad(20))  # the picture's left is positive
    assert theirs["pose_Rx"].iloc[2] == pytest.approx(-np.deg2rad(15))  # down is positive
    assert theirs["pose_Rz"].iloc[3] == pytest.approx(np.deg2rad(30))


def test_openface_gaze_is_that_in_the_world() -> None:
    courses = {"head_yaw": [0.0, 20, 0], "gaze_x": [10.0, -20, 0], "gaze_y": [5.0, 0, 0], "head_pitch": [0.0, 0, 12]}
    theirs = to_openface(measured_table(courses))
    assert theirs["gaze_angle_x"].tolist() == pytest.approx(np.deg2rad([10, 0, 0]), abs=1e-6)
    vertical = [np.arctan2(-np.sin(np.deg2rad(5)), np.cos(np.deg2rad(5)) * np.cos(np.deg2rad(10))), 0, -np.deg2rad(12)]
    assert theirs["gaze_angle_y"].tolist() == pytest.approx(vertical, abs=1e-6)  # up is negative


def test_py_feat_by_its_own_formula() -> None:
    theirs = to_pyfeat(measured_table(ANGLES))
    for i in range(5):
        ours = rotation_of(*(ANGLES[name][i] for name in ("head_yaw", "head_pitch", "head_roll")))
        assert theirs.iloc[i].tolist() == pytest.approx(pyfeat_angles(ours), abs=1e-4)
    assert list(theirs) == ["Pitch", "Roll", "Yaw"]
    assert theirs["Yaw"].iloc[1] == pytest.approx(-20) and theirs["Pitch"].iloc[2] == pytest.approx(15)


def test_au45_is_a_blink_and_nothing_else() -> None:
    courses = blinking(100, {20: 3, 60: 25})
    courses["eye_open_left"][90] = courses["eye_open_right"][90] = float("nan")
    blinks = to_openface(measured_table(courses))["AU45_c"]
    assert np.flatnonzero(blinks == 1).tolist() == [20, 21, 22]
    assert np.flatnonzero(blinks.isna()).tolist() == [90]
    assert to_openface(measured_table(courses, frame_rate=10))["AU45_c"].isna().all()


def test_what_is_missing_stays_missing() -> None:
    table = measured_table({"head_pitch": [float("nan"), 0.0], "gaze_x": [0.0, float("nan")]})
    table.index = [7, 9]
    theirs = to_openface(table)
    assert theirs.index.tolist() == [7, 9]
    assert theirs.loc[7, ["pose_Rx", "gaze_angle_x"]].isna().all() and theirs.loc[9, "gaze_angle_x"] != 0
    assert np.isnan(theirs.loc[9, "gaze_angle_x"]) and theirs.loc[9, "pose_Rx"] == 0
    assert to_pyfeat(table).loc[7].isna().all()
