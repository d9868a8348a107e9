import json

import altair as alt
import pandas as pd
import pytest
from helpers.fake_runs import batch_table, epoch_table

from fer_core.charts import training as curves
from fer_core.charts.training import FER2013_REFERENCES, MOST_BATCHES, guessing
from fer_core.labels import COLORS, FER7, SERIES

GROWING = [0.2, 0.4, 0.5, 0.55]


def spec(chart: alt.LayerChart) -> dict:
    """The specification as a browser gets it: valid Vega-Lite, and strict JSON."""
    found = chart.to_dict(validate=True)
    json.dumps(found, allow_nan=False)
    return found


def rows(found: dict, *columns: str) -> list[dict]:
    """The rows of the first dataset that has all these columns."""
    return next(data for data in found["datasets"].values() if data and set(columns) <= set(data[0]))


def test_accuracy_shows_both_parts_of_one_run():
    found = spec(curves.accuracy({"run": epoch_table(GROWING)}, epochs=10))
    data = rows(found, "part")
    assert [r["value"] for r in data if r["part"] == "validation"] == GROWING
    assert len(data) == 8
    text = json.dumps(found)
    assert '"domain": [0, 10]' in text and '"domain": ["training", "validation"]' in text


def test_the_axis_ends_with_the_longest_run():
    found = spec(curves.loss({"a": epoch_table(GROWING), "b": epoch_table(GROWING[:2])}))
    assert '"domain": [0, 4]' in json.dumps(found)


def test_several_runs_have_a_colour_each():
    found = spec(curves.accuracy({name: epoch_table(GROWING) for name in ("first", "second")}))
    assert {r["run"] for r in rows(found, "part")} == {"first", "second"}
    assert json.dumps({"domain": ["first", "second"], "range": list(SERIES[:2])})[1:-1] in json.dumps(found)


def test_more_runs_than_colours():
    assert spec(curves.accuracy({str(i): epoch_table(GROWING) for i in range(len(SERIES) + 2)}))


def test_reference_lines_carry_their_names():
    lines = (guessing(7), *FER2013_REFERENCES)
    data = rows(spec(curves.accuracy({"run": epoch_table(GROWING)}, references=lines)), "name", "below", "value")
    assert {r["name"] for r in data} == {line.name for line in lines}
    assert data[0]["name"] == "guessing 14 %"
    assert guessing(7).accuracy == pytest.approx(1 / 7)


def test_batches_lie_within_their_epochs():
    found = spec(curves.accuracy({"run": epoch_table(GROWING[:2])}, batches=batch_table(3), epochs=5))
    (data,) = [d for d in found["datasets"].values() if d and set(d[0]) == {"epoch", "value"}]
    assert [r["epoch"] for r in data][:10] == pytest.approx([i / 10 for i in range(1, 11)])
    assert max(r["epoch"] for r in data) == pytest.approx(3)


def test_an_epoch_under_way_does_not_spread_out():
    table = batch_table(2)
    table = table[(table["epoch"] == 1) | (table["batch"] <= 3)]
    found = spec(curves.loss({"run": epoch_table(GROWING[:1])}, batches=table))
    (data,) = [d for d in found["datasets"].values() if d and set(d[0]) == {"epoch", "value"}]
    assert max(r["epoch"] for r in data) == pytest.approx(1.3)


def test_many_batches_are_thinned():
    found = spec(curves.loss({"run": epoch_table(GROWING)}, batches=batch_table(4, 1000)))
    (data,) = [d for d in found["datasets"].values() if d and set(d[0]) == {"epoch", "value"}]
    assert MOST_BATCHES / 2 < len(data) <= MOST_BATCHES


def test_what_is_no_number_leaves_a_gap():
    table = epoch_table(GROWING)
    table.loc[2, ["loss", "val_loss"]] = [float("nan"), float("inf")]
    data = rows(spec(curves.loss({"run": table})), "part")
    assert [r["value"] for r in data if r["epoch"] == 3] == [None, None]


def test_recall_has_the_colours_of_the_expressions():
    found = spec(curves.recall(epoch_table(GROWING), last=9))
    assert {r["expression"] for r in rows(found, "expression")} == set(FER7)
    text = json.dumps(found)
    assert json.dumps([COLORS[name] for name in FER7]) in text and '"domain": [0, 9]' in text


def test_recall_of_classes_that_have_no_colour_and_epochs_without_recall():
    table = epoch_table(GROWING)
    table["recall"] = [None, {"odd": 0.5}, {"odd": None}, {"odd": 0.7}]
    data = rows(spec(curves.recall(table)), "expression")
    assert [r["value"] for r in data] == [0.5, None, 0.7]


def test_learning_rate():
    table = epoch_table([0.1] * 6)
    data = rows(spec(curves.learning_rate(table)), "value")
    assert [r["value"] for r in data] == pytest.approx([5e-4] * 5 + [5e-5])


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_that_has_hardly_begun(count):
    table, batches = epoch_table(GROWING[:count]), batch_table(1).iloc[:count]
    for chart in (
        curves.accuracy({"run": table}, batches=batches, references=FER2013_REFERENCES, epochs=3),
        curves.loss({"run": table}, batches=batches),
        curves.recall(table),
        curves.learning_rate(table),
    ):
        assert spec(chart)


def test_no_run_at_all():
    assert spec(curves.accuracy({}))
    assert spec(curves.loss({"run": pd.DataFrame({"epoch": []})}))
