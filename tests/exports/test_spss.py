"""The .sav file read back by pyreadstat, which is what R's haven and pandas use too (ReadStat)."""

from datetime import datetime

import numpy as np
import pyreadstat
import pytest
from helpers.exported import HOSTILE, PEOPLE, TAKEN, export, make_result
from helpers.fakes import GONE

from fer_core.exports import spss, tables


def test_numbers_labels_and_missing_values(tmp_path):
    result = make_result(clip={"recorded_at": TAKEN})
    table, meta = pyreadstat.read_sav(export(result, tmp_path, "spss"))
    before = tables.frame_table(result)
    assert list(table) == list(before) and len(table) == len(before)
    for name in before.select_dtypes("number"):
        want = before[name].to_numpy(float, na_value=np.nan)
        np.testing.assert_allclose(table[name].to_numpy(float), want, atol=1e-12)  # nothing is rounded
    assert table["clip"].iloc[0] == "Jürgen.mp4" and table["person"].iloc[0] == "Jürgen Ö."
    assert table["clock_time"].iloc[0] == datetime(2026, 5, 1, 14, 3, 5, 250_000)
    assert meta.column_names_to_labels["happy"] == "Probability of happy in this frame alone"
    assert meta.column_names_to_labels["time_s"].endswith("(s)")
    assert all(meta.column_names_to_labels.values())
    assert meta.variable_measure["happy"] == "scale" and meta.variable_measure["label"] == "nominal"
    gone = table[table["face_count"] == 0]
    assert len(gone) == 3 and gone[["happy", "label", "track_id", "x"]].isna().all(axis=None)


def test_the_expression_is_a_number_with_its_name(tmp_path):
    path = export(make_result(), tmp_path, "spss")
    codes, meta = pyreadstat.read_sav(path)
    names, _ = pyreadstat.read_sav(path, apply_value_formats=True)
    values = meta.variable_value_labels["label"]
    assert values[0] == "unsure" and values[1] == "angry" and len(values) == 8
    own = names[names["person"] == "Zoë"]["label"].tolist()
    assert own == [shown or "unsure" for shown in PEOPLE[1] if shown != GONE]
    assert set(codes["label"].dropna()) == {0.0, 3.0, 4.0, 5.0, 6.0}


def test_names_that_spss_takes():
    given = ["frame", "1st", "with", "Überraschung", "a b", "a_b", "A_B", "x" * 100, "", "_y"]
    made = spss.variable_names(given)
    assert made[0] == "frame"
    assert len({name.upper() for name in made}) == len(given)
    assert all(name[0].isalpha() and name.isascii() and len(name) <= 64 for name in made)
    assert not {name.upper() for name in made} & spss.RESERVED


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_people(tmp_path, name):
    table, _ = pyreadstat.read_sav(export(make_result(names={0: name}), tmp_path, "spss"))
    assert table["person"].iloc[0].strip() == tables.clean_text(name).strip()
