"""FaceReader's detailed log read back as scripts in R and Python read it: find the header, FIT_FAILED is missing."""

import pandas as pd
import pytest
from helpers.exported import HOSTILE, PEOPLE, TAKEN, export, make_result
from helpers.fakes import GONE

from fer_core.exports import write_exports
from fer_core.exports.facereader import FAILED


def read(path) -> tuple[dict[str, str], pd.DataFrame]:
    """Head and table of a log."""
    lines = path.read_bytes().decode().split("\r\n")
    assert lines[0] == "Video analysis detailed log"
    start = next(i for i, line in enumerate(lines) if line.startswith("Video Time\t"))
    head = dict(line.split("\t") for line in lines[1:start] if line)
    return head, pd.read_csv(path, sep="\t", skiprows=start, na_values=FAILED)


def test_a_log_for_each_person(tmp_path):
    paths = write_exports(make_result(clip={"recorded_at": TAKEN}), tmp_path, "clip", ["facereader"])
    assert [path.name for path in paths] == ["clip-jürgen-ö-facereader.txt", "clip-zoë-facereader.txt"]
    head, table = read(paths[1])
    assert head == {
        "Face Model:": "expression-s",
        "Calibration:": "None",
        "Start time:": "01.05.2026 14:03:05.250",
        "Filename:": "Jürgen.mp4",
        "Frame rate:": "10.000000000",
    }
    names = ["Video Time", "Neutral", "Happy", "Sad", "Angry", "Surprised", "Scared", "Disgusted", "Valence"]
    assert list(table) == [*names, "Participant Name", "Analysis Index"]
    assert table["Video Time"].tolist() == [f"00:00:0{i // 10}.{i % 10}00" for i in range(20)]
    seen = [shown != GONE for shown in PEOPLE[1]]
    assert table["Happy"].notna().tolist() == seen and table["Valence"].notna().tolist() == seen
    assert table["Scared"].iloc[13] == pytest.approx(0.8)
    assert set(table["Participant Name"]) == {"Zoë"}


def test_failures_stand_as_facereader_writes_them(tmp_path):
    path = export(make_result({0: [GONE, "happy", GONE]}), tmp_path, "facereader")
    lines = path.read_text("utf-8").splitlines()[-3:]
    assert [line.count(FAILED) for line in lines] == [8, 0, 8]


def test_valence_is_happy_minus_the_strongest_negative(tmp_path):
    _, table = read(export(make_result({0: ["happy", "sad", "neutral"]}), tmp_path, "facereader"))
    rest = 0.2 / 6
    assert table["Valence"].tolist() == pytest.approx([0.8 - rest, rest - 0.8, 0], abs=1e-5)


def test_contempt_is_there_where_it_is_measured(tmp_path):
    result = make_result({0: ["happy"] * 3})
    eight = type(result)(result.table.assign(contempt=0.25, contempt_smoothed=0.2), result.clip, result.settings)
    _, table = read(export(eight, tmp_path, "facereader"))
    assert table["Contempt"].tolist() == [0.25] * 3 and list(table).index("Contempt") == 8


def test_a_model_without_happy_has_no_valence(tmp_path):
    result = make_result({0: ["sad"] * 3})
    fewer = type(result)(result.table.drop(columns=["happy", "happy_smoothed"]), result.clip, result.settings)
    _, table = read(export(fewer, tmp_path, "facereader"))
    assert "Valence" not in table and "Happy" not in table and table["Sad"].notna().all()


def test_nobody_is_one_log_of_failures(tmp_path):
    path = export(make_result({0: [GONE] * 3}), tmp_path, "facereader")
    assert path.name == "clip-facereader.txt"
    _, table = read(path)
    assert len(table) == 3 and table["Happy"].isna().all()


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    result = make_result({0: ["happy"] * 3}, {0: name}, clip={"name": name, "recorded_at": None})
    head, table = read(export(result, tmp_path, "facereader"))
    assert len(table) == 3 and head["Start time:"] == ""
    assert head["Filename:"][0] not in "=+-@" and str(table["Participant Name"].iloc[0])[0] not in "=+-@"
