"""The workbook read back by openpyxl, and by pandas as its users do."""

from datetime import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest
from helpers.exported import HOSTILE, SETTINGS, TAKEN, export, make_result

from fer_core.exports import excel, tables


def test_a_sheet_a_table_with_real_numbers(tmp_path):
    result = make_result(clip={"recorded_at": TAKEN})
    path = export(result, tmp_path, "excel")
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == ["frames", "episodes", "people", "codebook", "settings"]
    for name, make in (
        ("frames", tables.frame_table),
        ("episodes", tables.episode_table),
        ("people", tables.people_table),
    ):
        before = make(result)
        assert list(sheets[name]) == list(before) and len(sheets[name]) == len(before)
        for column in before.select_dtypes("number"):
            assert sheets[name][column].dtype.kind in "fi", column
            want = before[column].to_numpy(float, na_value=np.nan)
            np.testing.assert_allclose(sheets[name][column], want, atol=0.051 if column in "xywh" else 6e-5)
    book = openpyxl.load_workbook(path)
    frames = book["frames"]
    header = {cell.value: cell.column for cell in frames[1]}
    assert frames.cell(2, header["clock_time"]).value == datetime(2026, 5, 1, 14, 3, 5, 250_000)
    assert type(frames.cell(2, header["happy"]).value) is float and type(frames.cell(2, header["frame"]).value) is int
    assert frames.cell(2, header["person"]).value == "Jürgen Ö."
    assert frames.freeze_panes == "A2"


def test_missing_cells_are_empty(tmp_path):
    frames = openpyxl.load_workbook(export(make_result(), tmp_path, "excel"))["frames"]
    names = [cell.value for cell in frames[1]]
    gone = [dict(zip(names, row, strict=True)) for row in frames.iter_rows(min_row=2, values_only=True)]
    gone = [row for row in gone if row["face_count"] == 0]
    assert len(gone) == 3
    filled = {name for row in gone for name, value in row.items() if value is not None}
    assert filled == {"clip", "frame", "time_s", "face_count", "shot"}


def test_settings_are_kept(tmp_path):
    sheet = pd.read_excel(export(make_result(), tmp_path, "excel"), sheet_name="settings").set_index(["of", "name"])
    assert sheet.loc[("analysis", "model_sha256"), "value"] == SETTINGS["model_sha256"]
    assert sheet.loc[("analysis", "smoothing.time_constant"), "value"] == 0.4
    assert sheet.loc[("clip", "name"), "value"] == "Jürgen.mp4"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_text_and_never_a_formula(tmp_path, name):
    book = openpyxl.load_workbook(export(make_result(names={0: name}, clip={"name": name}), tmp_path, "excel"))
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    people = [cell.value for cell in book["people"]["B"]]
    assert people[1] == tables.clean_text(name)  # as it was given: no apostrophe is needed here


def test_more_rows_than_a_sheet_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "MOST_ROWS", 15)
    result = make_result({0: ["happy"] * 40})
    sheets = pd.read_excel(export(result, tmp_path, "excel"), sheet_name=None)
    parts = [sheets[name] for name in ("frames", "frames 2", "frames 3")]
    assert [len(part) for part in parts] == [15, 15, 10]
    assert pd.concat(parts)["frame"].tolist() == list(range(40))
