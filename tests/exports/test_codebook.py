import pytest
from helpers.exported import make_result
from helpers.measured import measured_table

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import NOT_MEASURED, measure_names
from fer_core.exports import codebook, tables
from fer_core.exports.codebook import NOT_DESCRIBED
from fer_core.labels import FER7, UNSURE


def test_every_column_of_every_table_is_described():
    result = make_result()
    book = codebook.codebook(result)
    made = {
        "frames": tables.frame_table(result),
        "episodes": tables.episode_table(result),
        "people": tables.people_table(result),
    }
    for name, table in made.items():
        assert book.loc[book["table"] == name, "column"].tolist() == list(table)
    assert not book["meaning"].eq(NOT_DESCRIBED).any()
    assert not book.duplicated(["table", "column"]).any()
    assert not set(codebook.COLUMNS) - set(book["column"]), "a description of a column that no table has"


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("frames", "happy", "in this frame alone"),
        ("frames", "happy_smoothed", "smoothed over time"),
        ("people", "happy", "Share of the person's time"),
        ("people", UNSURE, "Share of the person's time"),
        ("episodes", "seconds", "Length of the episode"),
        ("people", "seconds", "is seen"),
        ("episodes", "confidence", "Highest confidence"),
        ("frames", "confidence", "Smoothed probability"),
        ("frames", "pupil", "no description"),
    ],
)
def test_a_column_means_what_its_table_holds(table, column, words):
    assert words in codebook.describe(table, column, FER7)[0]


def test_measures_are_described():
    table = measured_table({"head_yaw": [0.0] * 5})
    book = codebook.codebook(ClipResult(table, {"name": "a.mp4"}, {}))
    assert set(codebook.MEASURES) == {*measure_names(table), NOT_MEASURED} <= set(book["column"])
    assert not book["meaning"].eq(NOT_DESCRIBED).any()


def test_an_eighth_expression_is_described_from_the_table():
    result = make_result()
    table = result.table.assign(contempt=0.1, contempt_smoothed=0.1)
    book = codebook.codebook(type(result)(table, result.clip, result.settings))
    assert not book["meaning"].eq(NOT_DESCRIBED).any()
    assert (book["column"] == "contempt").sum() == 2  # frames and people
