"""fer's table read back by pandas, with what its own `Video.get_first_face` and `get_emotions` do."""

import ast

import numpy as np
import pandas as pd
from helpers.exported import export, make_result
from helpers.fakes import GONE

from fer_core.exports import fer


def test_every_frame_with_its_time(tmp_path):
    result = make_result()
    table = pd.read_csv(export(result, tmp_path, "fer"))
    assert table["frame"].tolist() == list(range(20))
    np.testing.assert_allclose(table["timestamp"], np.arange(20) / 10, atol=1e-4)
    assert list(table)[2:6] == ["angry0", "angry1", "box0", "box1"]
    assert table.loc[10:12, "box0":].isna().all(axis=None)
    assert table.loc[0, "happy0"] == 0.8 and np.isnan(table.loc[0, "happy1"])
    assert table.loc[7, ["happy0", "neutral1"]].tolist() == [0.8, 0.8]
    assert ast.literal_eval(table.loc[0, "box0"]) == [10, 20, 60, 80]


def test_strict_is_what_fer_writes(tmp_path):
    table = pd.read_csv(export(make_result(), tmp_path, "fer-strict"))
    assert len(table) == 17  # no row without a face
    assert list(table) == sorted([f"{name}{i}" for name in (*fer.EMOTIONS, "box") for i in (0, 1)])
    first = table[[name for name in table if name.endswith("0")]]  # get_first_face
    first.columns = [name[:-1] for name in first]
    emotions = first[[name for name in first if "box" not in name]]  # get_emotions
    assert set(emotions) == set(fer.EMOTIONS)
    np.testing.assert_allclose(emotions.sum(axis=1), 1, atol=1e-3)


def test_more_than_ten_faces_are_numbered_rightly(tmp_path):
    table = pd.read_csv(export(make_result({i: ["happy"] * 3 for i in range(12)}, None), tmp_path, "fer"))
    assert [name for name in table if name.startswith("angry")] == [f"angry{i}" for i in range(12)]
    assert ast.literal_eval(table.loc[0, "box11"])[0] == 1110


def test_an_eighth_expression_is_there_but_not_in_strict(tmp_path):
    result = make_result()
    eight = type(result)(result.table.assign(contempt=0.25, contempt_smoothed=0.25), result.clip, result.settings)
    assert pd.read_csv(export(eight, tmp_path, "fer")).loc[0, "contempt0"] == 0.25
    assert not any("contempt" in name for name in pd.read_csv(export(eight, tmp_path, "fer-strict")))


def test_nobody(tmp_path):
    result = make_result({0: [GONE] * 3})
    assert list(pd.read_csv(export(result, tmp_path, "fer"))) == ["frame", "timestamp"]
    strict = pd.read_csv(export(result, tmp_path, "fer-strict"))
    assert strict.empty and "happy0" in strict and "box0" in strict
