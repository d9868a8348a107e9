"""The Fex table read back as Py-feat's own reader does.

`feat.utils.io.read_feat` is `pandas.read_csv` and a choice of columns by name; importing it takes PyTorch, so that its
lines stand here. Its lists of columns are those of py-feat 2.1.5 (`feat.utils`).
"""

import numpy as np
import pandas as pd
import pytest
from helpers.exported import HOSTILE, export, make_result
from helpers.fakes import GONE
from helpers.measured import measured_table

from fer_core.analysis.export import ClipResult
from fer_core.analysis.measure_names import to_pyfeat

FEAT_EMOTION_COLUMNS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
FEAT_FACEBOX_COLUMNS = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]


def read_feat(path) -> pd.DataFrame:
    table = pd.read_csv(path)
    assert not {"valence", "arousal"} <= set(table) and not any(c.startswith("mesh_x_") for c in table)
    assert not [name for name in table if "AU" in name]
    return table


def test_the_accessors_find_their_columns(tmp_path):
    table = read_feat(export(make_result(names={0: "Jürgen"}), tmp_path, "pyfeat"))
    emotions, boxes = table[FEAT_EMOTION_COLUMNS], table[FEAT_FACEBOX_COLUMNS]
    faces = table["FaceScore"].notna()
    assert len(table) == 32 and (~faces).sum() == 3
    np.testing.assert_allclose(emotions[faces].sum(axis=1), 1, atol=1e-3)
    assert emotions[~faces].isna().all(axis=None) and boxes[~faces].isna().all(axis=None)
    assert table["Identity"].dropna().unique().tolist() == ["Jürgen", "Person_1"]
    assert set(table["input"]) == {"Jürgen.mp4"} and table["frame"].max() == 19
    row = table.iloc[0]
    assert row["happiness"] == pytest.approx(0.8) and row[FEAT_FACEBOX_COLUMNS[:4]].tolist() == [10, 20, 60, 80]


def test_time_is_minutes_and_seconds(tmp_path):
    result = make_result({0: ["happy"] * 3}, times=[0.0, 59.96, 61.5], clip={"seconds": 62})
    table = read_feat(export(result, tmp_path, "pyfeat"))
    assert table["approx_time"].tolist() == ["00:00", "00:59", "01:01"]
    assert table["time_s"].tolist() == [0.0, 59.96, 61.5]


def test_an_expression_that_the_model_lacks_is_missing(tmp_path):
    result = make_result()
    fewer = result.table.drop(columns=["disgust", "disgust_smoothed"])
    table = read_feat(export(type(result)(fewer, result.clip, result.settings), tmp_path, "pyfeat"))
    assert table["disgust"].isna().all() and table["happiness"].notna().any()


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    table = read_feat(export(make_result(names={0: name}, clip={"name": name}), tmp_path, "pyfeat"))
    assert len(table) == 32 and not table["Identity"].dropna().str.match(r"[=+\-@\t]").any()


def test_pose_is_there_where_it_was_measured(tmp_path):
    table = measured_table({"head_yaw": [20.0, -5.0], "head_pitch": [3.0, 10.0]})
    made = read_feat(export(ClipResult(table, {"name": "a.mp4"}, {}), tmp_path, "pyfeat"))
    np.testing.assert_allclose(made[["Pitch", "Roll", "Yaw"]], to_pyfeat(table), atol=1e-4)
    assert abs(made["Yaw"].iloc[0]) > 15
    assert "Pitch" not in read_feat(export(make_result(), tmp_path, "pyfeat"))


def test_nobody(tmp_path):
    table = read_feat(export(make_result({0: [GONE] * 3}), tmp_path, "pyfeat"))
    assert len(table) == 3 and table[FEAT_EMOTION_COLUMNS].isna().all(axis=None)
