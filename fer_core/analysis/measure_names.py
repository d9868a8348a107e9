"""Measures under the names, units and signs of OpenFace and Py-feat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_core.analysis.measure_events import blinks_measurable, eye_opening, measure_events
from fer_core.faces.head_pose import rotation_of

__all__ = ["to_openface", "to_pyfeat"]


def to_openface(table: pd.DataFrame) -> pd.DataFrame:
    """Return head pose, gaze and blinks as OpenFace 2 writes them.

    OpenFace's axes: x to the picture's right, y down, z away from the camera. Its rotation is Rx Ry Rz (`Utilities::
    Euler2RotationMatrix`), so that pose_Ry is positive for a face turned to the picture's left and pose_Rx for one
    that is lowered. Its gaze is that in the world, not in the head. Of its action units only AU45 has a counterpart,
    and that is a blink found from the eyes' opening, not a score of a coder's kind.

    Args:
        table: the native table with measures.

    Returns:
        pose_Rx, pose_Ry, pose_Rz, gaze_angle_x, gaze_angle_y (radians) and AU45_c (1 within a blink, else 0, missing
        where blinks cannot be measured), with the table's index.
    """
    turned = _rotations(table)
    seen = np.einsum("nij,nj->ni", turned, _gaze(table))
    columns = {
        "pose_Rx": np.arctan2(-turned[:, 1, 2], turned[:, 2, 2]),
        "pose_Ry": np.arcsin(np.clip(turned[:, 0, 2], -1, 1)),
        "pose_Rz": np.arctan2(-turned[:, 0, 1], turned[:, 0, 0]),
        "gaze_angle_x": np.arctan2(seen[:, 0], -seen[:, 2]),
        "gaze_angle_y": np.arctan2(seen[:, 1], -seen[:, 2]),
    }
    return pd.DataFrame(columns, index=table.index).assign(AU45_c=_within_blinks(table))


def to_pyfeat(table: pd.DataFrame) -> pd.DataFrame:
    """Return head pose as Py-feat writes it: Pitch, Roll and Yaw in degrees, with the table's index.

    By Py-feat's own formula (`feat.utils.image_operations.convert_to_euler`, of img2pose): Pitch is positive for a
    raised face, Roll for one tilted clockwise in the picture, Yaw for one turned to the picture's left.
    """
    back = _rotations(table).transpose(0, 2, 1)
    angles = {
        "Pitch": np.arctan2(back[:, 2, 1], back[:, 2, 2]),
        "Roll": -np.arctan2(back[:, 1, 0], back[:, 0, 0]),
        "Yaw": np.arcsin(np.clip(back[:, 2, 0], -1, 1)),
    }
    return pd.DataFrame({name: np.rad2deg(values) for name, values in angles.items()}, index=table.index)


def _rotations(table: pd.DataFrame) -> np.ndarray:
    """Rotations (n, 3, 3) from the head to the picture; NaN where an angle is missing."""
    angles = table[["head_yaw", "head_pitch", "head_roll"]].to_numpy(np.float64)
    return np.array([rotation_of(*row) for row in angles]).reshape(-1, 3, 3)


def _gaze(table: pd.DataFrame) -> np.ndarray:
    """Directions (n, 3) of the gaze in the head's axes."""
    x, y = np.deg2rad(table[["gaze_x", "gaze_y"]].to_numpy(np.float64)).T
    return np.column_stack([np.sin(x) * np.cos(y), -np.sin(y), -np.cos(x) * np.cos(y)])


def _within_blinks(table: pd.DataFrame) -> np.ndarray:
    if not blinks_measurable(table):
        return np.full(len(table), np.nan)
    inside = np.zeros(len(table))
    events = measure_events(table)
    times, tracks = table["time_s"].to_numpy(), table["track_id"].fillna(-1).to_numpy()
    for blink in events[events["event"] == "blink"].itertuples():
        inside[(tracks == blink.track_id) & (times >= blink.start_s) & (times < blink.end_s - 1e-6)] = 1
    return np.where(eye_opening(table).notna(), inside, np.nan)
