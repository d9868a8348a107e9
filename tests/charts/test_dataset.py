"""Charts of a dataset: what they draw, what a click in them selects, and the colours of labels of any name."""

from __future__ import annotations

import numpy as np

from fer_core.charts.dataset import colors_of, count_chart, histogram_chart, people_chart, vote_color
from fer_core.curation.image_stats import histogram
from fer_core.curation.summary import counts, people_say
from fer_core.datasets.dataset import Dataset
from fer_core.labels import COLORS, FERPLUS_VOTES, UNSURE


def some() -> Dataset:
    votes = np.zeros((4, 10), np.uint8)
    votes[:, 1] = 10
    splits = np.array(["Training", "Training", 'it\'s \\ "odd"', "Training"])
    return Dataset(np.zeros((4, 48, 48), np.uint8), np.array([0, 1, 1, 1]), ("happy", "=a.b[c]"), splits, votes)


def selections(chart) -> dict[str, list[str]]:
    return {p["name"]: p["select"]["fields"] for p in chart.to_dict()["params"]}


def test_a_click_selects_by_the_fields_that_pages_read():
    data = some()
    assert selections(count_chart(counts(data))) == {"bar": ["label", "split"]}
    assert selections(people_chart(people_say(data))) == {"cell": ["label", "people"]}
    assert selections(histogram_chart(histogram(np.arange(9.0)), "brightness")) == {"bin": ["bin"]}


def test_splits_are_stacked_in_their_order_whatever_they_are_called():
    spec = count_chart(counts(some())).to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert {row["split"]: row["order"] for row in rows} == {"Training": 0, 'it\'s \\ "odd"': 1}
    assert sum(row["images"] for row in rows) == 4


def test_the_lowest_bar_can_be_hit():
    spec = histogram_chart(histogram(np.array([0.0] * 99 + [1.0]), 4), "contrast").to_dict()
    bars, target = spec["layer"]
    assert spec["params"][0]["views"] == [target["name"]]
    assert target["encoding"]["y"]["field"] == "top" and bars["encoding"]["y"]["field"] == "images"
    assert {row["top"] for row in next(iter(spec["datasets"].values()))} == {99}


def test_colours_of_labels():
    colors = colors_of(["Happy", "anger", "boredom", "interest", UNSURE])
    assert colors["Happy"] == COLORS["happy"] and colors["anger"] == COLORS["angry"]
    assert len(set(colors.values())) == 5
    many = colors_of([f"label {i}" for i in range(30)])
    assert len(many) == 30 and len(set(list(many.values())[:7])) == 7
    assert vote_color("happiness") == COLORS["happy"]
    assert {vote_color(name) for name in FERPLUS_VOTES[-2:]} == {COLORS[UNSURE]}
