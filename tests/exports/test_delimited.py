"""CSV read back by pandas, in the ways of R's readers and of Excel with German settings."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from helpers.exported import HOSTILE, TAKEN, export, make_result

from fer_core.exports import codebook, tables


def same_numbers(after: pd.DataFrame, before: pd.DataFrame) -> None:
    for name in before.select_dtypes("number"):
        tolerance = 0.051 if name in "xywh" else 6e-5
        want = before[name].to_numpy(float, na_value=np.nan)
        np.testing.assert_allclose(after[name].to_numpy(float), want, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("name", "make"),
    [("csv", tables.frame_table), ("episodes", tables.episode_table), ("people", tables.people_table)],
)
def test_tidy_csv(tmp_path, name, make):
    result = make_result(clip={"recorded_at": TAKEN})
    path = export(result, tmp_path, name)
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf") and b"\r" not in data and "Jürgen".encode() in data
    before, after = make(result), pd.read_csv(path)
    assert list(after) == list(before) and len(after) == len(before)
    same_numbers(after, before)
    for column in [c for c in before if c.endswith("clock") or c == "clock_time"]:
        assert pd.to_datetime(after[column]).tolist() == before[column].tolist()


def test_missing_is_empty_and_never_invented(tmp_path):
    rows = list(csv.DictReader(io.StringIO(export(make_result(), tmp_path, "csv").read_text("utf-8"))))
    gone = [row for row in rows if row["face_count"] == "0"]
    assert [row["frame"] for row in gone] == ["10", "11", "12"]
    filled = {name for row in gone for name, value in row.items() if value}
    assert filled == {"clip", "frame", "time_s", "face_count", "shot"}
    assert {row["clock_time"] for row in rows} == {""}


def test_numbers_stay_numbers_in_long_clips(tmp_path):
    result = make_result({0: ["happy"] * 4500})
    after = pd.read_csv(export(result, tmp_path, "csv"))
    assert len(after) == 4500 and after["frame"].tolist() == list(range(4500))  # one header, though written in parts
    assert after["happy"].dtype == float


def test_german_excel(tmp_path):
    result = make_result(clip={"recorded_at": TAKEN})
    path = export(result, tmp_path, "csv-excel")
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == data.count(b"\n") == len(result.table) + 1
    after = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")  # as Excel with German settings reads
    same_numbers(after, tables.frame_table(result))
    assert after["clip"].iloc[0] == "Jürgen.mp4" and set(after["person"].dropna()) == {"Jürgen Ö.", "Zoë"}
    assert after["clock_time"].iloc[0] == "01.05.2026 14:03:05,250"
    clock = pd.to_datetime(after["clock_time"], format="%d.%m.%Y %H:%M:%S,%f")
    assert clock.tolist() == tables.frame_table(result)["clock_time"].dt.tz_localize(None).tolist()
    line = data.decode("utf-8-sig").splitlines()[1]
    assert "0,8" in line and "0.8" not in line


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["csv", "csv-excel", "episodes", "people"])
def test_a_name_is_never_a_formula(tmp_path, name, kind):
    path = export(make_result(names={0: name}, clip={"name": name}), tmp_path, kind)
    sep = ";" if kind == "csv-excel" else ","
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file, delimiter=sep))
    assert len({len(row) for row in rows}) == 1
    texts = [cell for row in rows[1:] for cell in row if cell]
    for text in texts:
        try:
            float(text.replace(",", "."))
        except ValueError:
            assert text.strip()[0] not in "=+-@" and text[0] != "\t"


def test_the_codebook_as_a_file(tmp_path):
    result = make_result()
    after = pd.read_csv(export(result, tmp_path, "codebook"), keep_default_na=False)
    pd.testing.assert_frame_equal(after, codebook.codebook(result), check_dtype=False)
