"""AFFDEX's table read back by pandas, as scripts for iMotions' export do."""

import numpy as np
import pandas as pd
import pytest
from helpers.exported import HOSTILE, PEOPLE, export, make_result
from helpers.fakes import GONE

from fer_core.exports import write_exports

COLUMNS = ["Timestamp", "SourceStimuliName", "SampleNumber", "Anger", "Contempt", "Disgust", "Fear", "Joy", "Sadness"]
COLUMNS += ["Surprise", "Neutral", "Engagement", "Valence"]


def test_a_table_for_each_person(tmp_path):
    paths = write_exports(make_result(), tmp_path, "clip", ["affdex"])
    assert len(paths) == 2
    table = pd.read_csv(paths[1])
    assert list(table) == COLUMNS and set(table["SourceStimuliName"]) == {"Jürgen.mp4"}
    np.testing.assert_allclose(table["Timestamp"], np.arange(20) * 100)  # milliseconds
    assert table["SampleNumber"].tolist() == list(range(1, 21))
    assert table["Fear"].notna().tolist() == [shown != GONE for shown in PEOPLE[1]]
    assert table["Fear"].iloc[13] == pytest.approx(80) and table["Neutral"].iloc[6] == pytest.approx(80)


def test_what_is_not_measured_is_missing(tmp_path):
    table = pd.read_csv(export(make_result({0: ["happy"] * 3}), tmp_path, "affdex"))
    assert table[["Contempt", "Engagement", "Valence"]].isna().all(axis=None) and table["Joy"].notna().all()
    result = make_result({0: ["happy"] * 3})
    eight = type(result)(result.table.assign(contempt=0.25, contempt_smoothed=0.2), result.clip, result.settings)
    assert pd.read_csv(export(eight, tmp_path, "affdex"))["Contempt"].tolist() == [25] * 3


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    table = pd.read_csv(export(make_result({0: ["happy"] * 3}, {0: name}, clip={"name": name}), tmp_path, "affdex"))
    assert len(table) == 3 and not table["SourceStimuliName"].astype(str).str.match(r"[=+\-@\t]").any()
