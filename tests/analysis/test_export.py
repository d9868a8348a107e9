import csv
import io
import json
import os

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_faces, make_table

from fer_core.analysis.episodes import episodes
from fer_core.analysis.export import FORMATS, ClipResult, timeline_parts, to_csv, to_json
from fer_core.analysis.table import ResultTable, columns
from fer_core.labels import FER7

CLIP = {"name": "clip.mp4", "width": 640, "seconds": None, "complete": True}
PEOPLE = {0: ["happy"] * 10 + [GONE] * 3 + ["sad"] * 7, 1: [GONE] * 5 + ["neutral"] * 5 + [GONE] * 10}
NAMES = [
    'Ada "the first" Lovelace',
    "two\nlines",
    "a, b; c",
    "Zoë 😀",
    "שלום",
    "<script>alert(1)</script>",
    "NULL",
    "1e5",
    "x" * 300,
]


def result(names: dict[int, str] | None = None, people=PEOPLE) -> ClipResult:
    return ClipResult(make_table(people, names), CLIP, {"fps": 10.0, "model": "expression-s"})


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def test_csv_can_be_read_back():
    before = result().table
    data = to_csv(result())
    after = pd.read_csv(io.BytesIO(data))
    assert list(after.columns) == columns(FER7)
    assert len(after) == len(before)
    for name in before.columns:
        if before[name].dtype.kind in "fiu":
            tolerance = 0.051 if name in "xywh" else 6e-5
            np.testing.assert_allclose(
                after[name].to_numpy(float), before[name].to_numpy(float, na_value=np.nan), atol=tolerance
            )
        else:
            assert after[name].fillna("-").tolist() == before[name].fillna("-").tolist()
    gone = read(data)[15]
    assert gone["face_count"] == "0" and {gone[name] for name in ("track_id", "person", "x", "happy", "label")} == {""}
    assert read(data)[0]["track_id"] == "0"


@pytest.mark.parametrize("name", NAMES)
def test_names_survive_csv_and_json(name):
    given = result({0: name})
    assert {row["person"] for row in read(to_csv(given))} == {name, "Person 2", ""}
    document = json.loads(to_json(given))
    assert document["people"][0]["person"] == name
    assert document["frames"][0]["faces"][0]["person"] == name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_name_is_never_a_formula(start):
    name = start + 'HYPERLINK("http://example.com")'
    given = result({0: name})
    assert {row["person"] for row in read(to_csv(given))} == {
        "'" + name.replace("\r", "\n"),
        "Person 2",
        "",
    }
    assert json.loads(to_json(given))["people"][0]["person"] == name  # JSON is no spreadsheet
    assert given.table["person"].iloc[0] == name  # and the table itself is not changed


def strict(data: bytes) -> dict:
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(data, parse_constant=refuse)


def test_json_holds_everything():
    document = strict(to_json(result({1: "Ada"})))
    assert document["clip"] == CLIP and document["settings"]["fps"] == 10.0
    assert document["labels"] == list(FER7)
    assert [frame["frame"] for frame in document["frames"]] == list(range(20))
    assert [len(frame["faces"]) for frame in document["frames"]] == [1] * 5 + [2] * 5 + [0] * 3 + [1] * 7
    face = document["frames"][7]["faces"][1]
    assert (face["person"], face["track_id"], face["label"], face["quality"]) == ("Ada", 1, "neutral", "good")
    assert face["box"] == [110.0, 20.0, 60.0, 80.0]
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert set(face["smoothed"]) == set(FER7)
    assert [e["label"] for e in document["episodes"]] == ["happy", "neutral", "sad"]
    assert [p["person"] for p in document["people"]] == ["Person 1", "Ada"]


def timeline_file(table: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(b"".join(timeline_parts(ClipResult(table, CLIP, {})))))


def test_the_timeline_as_a_file_has_a_row_for_each_episode():
    table = make_table(PEOPLE)
    pd.testing.assert_frame_equal(timeline_file(table), episodes(table), atol=1e-3, check_dtype=False)
    assert timeline_file(table)["label"].tolist() == ["happy", "neutral", "sad"]
    formula = table.assign(person=table["person"].where(table["person"].isna(), "=1+1"))
    assert set(timeline_file(formula)["person"]) == {"'=1+1"}
    assert len(timeline_file(make_table({0: [GONE] * 3}))) == 0


@pytest.mark.parametrize(
    "table",
    [make_table({0: [GONE] * 3}), make_table({0: [None] * 3}), ResultTable(FER7).table(), make_table({0: ["fear"]})],
    ids=["no face", "unsure", "no frame", "one frame"],
)
@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_clips_with_little_in_them(kind, table):
    data = b"".join(FORMATS[kind](ClipResult(table, CLIP, {})))
    if kind == "json":
        document = strict(data)
        assert all(person["strongest_label"] is None for person in document["people"])
    else:
        assert len(read(data)) == len(table)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_is_strict_or_none(number):
    with pytest.raises(ValueError):
        to_json(ClipResult(make_table(PEOPLE), CLIP | {"seconds": number}, {}))


def test_a_file_name_that_is_no_text():
    # Linux lets a name hold any bytes; Python keeps them as surrogates, which no file can hold.
    name = os.fsdecode(b"caf\xe9.mp4")
    given = ClipResult(make_table(PEOPLE), CLIP | {"name": name}, {})
    assert strict(to_json(given))["clip"]["name"] == "caf?.mp4"


def test_numbers_are_plain():
    recorder = ResultTable(FER7)
    from fer_core.types import FrameResult

    recorder.add(FrameResult(0, 1 / 3, make_faces(["happy"], ids=[0], boxes=[[1 / 3, 2 / 3, 100 / 3, 50.06]])))
    row = read(to_csv(ClipResult(recorder.table(), CLIP, {})))[0]
    assert (row["time_s"], row["x"], row["h"], row["happy"]) == ("0.3333", "0.3", "49.4", "0.8")
