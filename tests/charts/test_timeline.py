import json

import altair as alt
import numpy as np
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.episodes import episodes, summary
from fer_core.charts import timeline as charts
from fer_core.charts.timeline import MOST_POINTS
from fer_core.labels import COLORS, FER7, UNSURE

TWO = {0: ["happy"] * 12 + ["sad"] * 8, 1: [GONE] * 5 + ["neutral"] * 10 + [GONE] * 5}


def spec(chart: charts.Spec) -> dict:
    """The specification as a browser gets it: valid Vega-Lite, and strict JSON; Streamlit sends its tables apart."""
    found = {name: part for name, part in chart.items() if name != "datasets"}
    tables = {name: table.to_dict("records") for name, table in chart["datasets"].items()}
    alt.Chart.from_dict(found) if "layer" not in found else alt.LayerChart.from_dict(found)  # raises where it is wrong
    assert {part["data"]["name"] for part in found.get("layer", [found]) if "data" in part} <= set(tables)
    json.dumps([found, tables], allow_nan=False)
    return found | {"datasets": tables}


def values(found: dict) -> int:
    return sum(len(rows) for rows in found.get("datasets", {}).values())


def one_person(table, person="Person 1"):
    return table[(table["person"] == person) | (table["face_count"] == 0)]


def scales(node) -> list[dict]:
    """All colour scales with a domain, wherever they are in the specification."""
    found = []
    if isinstance(node, dict):
        scale = node.get("color", {}).get("scale") if isinstance(node.get("color"), dict) else None
        if scale:
            found.append(scale)
        for child in node.values():
            found += scales(child)
    elif isinstance(node, list):
        for child in node:
            found += scales(child)
    return found


@pytest.mark.parametrize("area", [False, True])
@pytest.mark.parametrize("person", ["Person 1", "Person 2"])
def test_timeline(area, person):
    found = spec(charts.timeline(one_person(make_table(TWO), person), area=area))
    (scale,) = scales(found)
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {name: COLORS[name] for name in FER7}
    assert {param["name"] for param in found["params"]} >= {"hover", "moment"}
    rows = 12 + 8 if person == "Person 1" else 10
    assert values(found) == 7 * rows + rows


def test_a_timeline_of_a_given_stretch():
    found = spec(charts.timeline(one_person(make_table(TWO)), domain=(0.0, 60.0), legend=False))
    assert '"domain": [0.0, 60.0]' in json.dumps(found)


@pytest.mark.parametrize("count", [5001, 12000])
def test_a_long_clip_is_thinned(count):
    table = make_table({0: ["happy"] * count}, frame_rate=25)
    found = spec(charts.timeline(table))
    assert values(found) < MOST_POINTS * 7 + MOST_POINTS + 1
    assert values(found) > 4 * MOST_POINTS  # and no more than need be


def test_a_short_clip_is_not_thinned():
    assert values(spec(charts.timeline(make_table({0: ["happy"] * MOST_POINTS})))) == MOST_POINTS * 8


@pytest.mark.parametrize("labels", [[GONE] * 5, ["happy"], [None] * 5, [GONE]])
@pytest.mark.parametrize("area", [False, True])
def test_clips_with_little_in_them(labels, area):
    table = make_table({0: labels})
    assert spec(charts.timeline(table, area=area))
    assert spec(charts.ribbon(table, episodes(table)))


def test_somebody_of_whom_nothing_is_left():
    table = make_table(TWO)
    nobody = table[table["person"] == "Nobody"]
    assert spec(charts.timeline(nobody, domain=(0.0, 2.0)))


def test_ribbon():
    table = make_table(TWO, {1: 'Ada "the first"\n<b>'})
    found = spec(charts.ribbon(table, episodes(table)))
    (scale,) = scales(found)
    assert scale["domain"] == ["happy", "neutral", "sad"]
    assert scale["range"] == [COLORS[name] for name in ("happy", "neutral", "sad")]
    assert values(found) == 3
    assert [param["name"] for param in found["params"]] == ["zoom"]
    assert "params" not in spec(charts.ribbon(table, episodes(table), zoom=False))


def test_many_people():
    table = make_table({i: ["happy"] * 5 for i in range(60)})
    found = spec(charts.ribbon(table, episodes(table)))
    assert values(found) == 60
    assert len(found["encoding"]["y"]["sort"]) == 60
    assert spec(charts.timeline(one_person(table, "Person 31")))


def test_shares():
    row = summary(make_table({0: ["happy"] * 6 + ["sad"] * 3 + [None]})).iloc[0]
    found = spec(charts.shares(row, FER7))
    (rows,) = found["datasets"].values()
    assert {r["expression"]: round(r["share"], 2) for r in rows} == {"Happy": 0.6, "Sad": 0.3, UNSURE.capitalize(): 0.1}
    (scale,) = scales(found)
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "Happy": COLORS["happy"],
        "Sad": COLORS["sad"],
        "Unsure": COLORS[UNSURE],
    }


def test_labels_of_another_model_get_a_colour_too():
    table = make_table({0: ["happy"] * 5}).rename(columns={"happy": "joy", "happy_smoothed": "joy_smoothed"})
    (scale,) = scales(spec(charts.timeline(table)))
    assert scale["range"][scale["domain"].index("joy")] == COLORS[UNSURE]


def test_each_chart_is_written_once_and_none_changes_another():
    table = make_table(TWO)
    ada, bob = one_person(table), one_person(table, "Person 2")
    first = charts.timeline(ada, domain=(0.0, 60.0))
    before = json.dumps({name: part for name, part in first.items() if name != "datasets"})
    written = charts._timeline.cache_info().misses
    second = charts.timeline(bob, domain=(-60.0, 0.0), height=90)
    assert charts._timeline.cache_info().misses == written
    assert json.dumps({name: part for name, part in first.items() if name != "datasets"}) == before
    assert [layer["encoding"]["x"]["scale"]["domain"] for layer in second["layer"]] == [[-60.0, 0.0]] * 2
    assert second["height"] == first["height"] - 50


def test_the_table_is_not_changed():
    table = make_table(TWO)
    before = table.copy()
    charts.timeline(one_person(table))
    charts.ribbon(table, episodes(table))
    assert table.equals(before)
    assert np.array_equal(table.columns, before.columns)


def test_the_legend_of_areas_has_their_colors():
    def symbols(area):
        found = json.dumps(charts.timeline(one_person(make_table(TWO)), area=area)["layer"])
        return {kind for kind in ("stroke", "square") if f'"symbolType": "{kind}"' in found}

    assert symbols(False) == {"stroke"} and symbols(True) == {"square"}


def test_unsure_is_thinner_than_an_expression_and_nobody_is_nothing():
    table = make_table({0: ["happy"] * 10 + [None] * 10 + [GONE] * 10})
    found = spec(charts.ribbon(table, episodes(table, unsure=True)))
    drawn = [(row["label"], row["start_s"]) for row in found["datasets"]["episodes"]]
    assert drawn == [("happy", 0.0), (UNSURE, 1.0)]
    size = found["encoding"]["size"]
    (condition,) = size["condition"]
    assert condition["value"] < size["value"] and UNSURE in condition["test"]
    assert scales(found)[0]["domain"] == ["happy", UNSURE]
    assert list(episodes(table)["label"]) == ["happy"]


def test_shares_are_in_order_of_size():
    row = summary(make_table({0: ["happy"] * 2 + ["sad"] * 5 + ["angry"] * 3})).iloc[0]
    found = spec(charts.shares(row, FER7))
    assert [part["expression"] for part in found["datasets"]["shares"]] == ["Sad", "Angry", "Happy"]
    assert '"sort": null' in json.dumps(found)
