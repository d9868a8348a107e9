"""Charts of a comparison: what is drawn is what was measured, and a click names its cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fer_core.charts import evaluation as charts
from fer_core.evaluation.corruptions import CONDITIONS
from fer_core.evaluation.metrics import reliability, risk_coverage
from fer_core.labels import SERIES

rng = np.random.default_rng(0)
GIVEN = rng.dirichlet(np.ones(3), 60)
TRUTH = rng.integers(0, 3, 60)


def values(chart: Any) -> list[dict[str, Any]]:
    """All rows of all datasets of a chart."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def domain(chart: Any) -> tuple[list[str], list[str]]:
    """Models and their colours."""
    whole = chart.to_dict()
    scale = next(
        part["encoding"]["color"]["scale"]
        for part in whole.get("layer", [whole])
        if part.get("encoding", {}).get("color", {}).get("field") == "model"
    )
    return scale["domain"], scale["range"]


def test_a_confusion_has_a_cell_for_each_pair_and_a_click_names_it():
    chart = charts.confusion([[3, 1], [0, 0]], ["happy", "sad"])
    rows = values(chart)
    assert [(r["truth"], r["said"], r["images"], r["share"]) for r in rows] == [
        ("happy", "happy", 3, 0.75),
        ("happy", "sad", 1, 0.25),
        ("sad", "happy", 0, 0.0),
        ("sad", "sad", 0, 0.0),
    ]
    (parameter,) = chart.to_dict()["params"]
    assert parameter["name"] == "cell" and parameter["select"]["fields"] == ["truth", "said"]


def test_curves_hold_what_was_measured_and_models_keep_their_colour():
    bins = {"A": reliability(GIVEN, TRUTH, 5), "B": reliability(GIVEN, TRUTH, 3)}
    rows = [r for r in values(charts.reliability(bins)) if "model" in r]
    assert [r["n"] for r in rows if r["model"] == "A"] == [b["n"] for b in bins["A"]]
    assert sum(r["n"] for r in rows if r["model"] == "B") == 60
    coverage, risk = risk_coverage(GIVEN, TRUTH)
    curve = charts.risk_coverage({"A": {"coverage": coverage, "risk": risk}, "B": {"coverage": [1.0], "risk": [0.5]}})
    drawn = [r for r in values(curve) if r["model"] == "A"]
    assert [r["risk"] for r in drawn] == pytest.approx(risk.tolist())
    assert domain(charts.reliability(bins)) == domain(curve) == (["A", "B"], list(SERIES[:2]))


@pytest.mark.parametrize("name", CONDITIONS)
def test_each_condition_is_drawn_alone(name):
    rows = [
        {"condition": c, "amount": a, "accuracy": 0.5, "n": 4} for c, amounts in CONDITIONS.items() for a in amounts
    ]
    drawn = [r for r in values(charts.condition({"A": rows, "B": rows}, name)) if "model" in r]
    assert [r["amount"] for r in drawn] == [*CONDITIONS[name], *CONDITIONS[name]]


def legends(chart: Any) -> dict[str, dict[str, Any]]:
    """What each way of telling models apart is made of, by its name."""
    parts = chart.to_dict()["layer"]
    return {
        way: part["encoding"][way]
        for part in parts
        for way in ("color", "shape")
        if part["encoding"].get(way, {}).get("field") == "model"
    }


def test_models_keep_their_marker_and_no_two_share_one():
    titles = [f"Model {i}" for i in range(6)]
    rows = [
        {"condition": c, "amount": a, "accuracy": 0.5, "n": 4} for c, amounts in CONDITIONS.items() for a in amounts
    ]
    bins, (coverage, risk) = reliability(GIVEN, TRUTH, 5), risk_coverage(GIVEN, TRUTH)
    drawn = [
        charts.reliability(dict.fromkeys(titles, bins)),
        charts.risk_coverage({key: {"coverage": coverage, "risk": risk} for key in titles}),
        *(charts.condition(dict.fromkeys(titles, rows), name) for name in CONDITIONS),
    ]
    first = legends(drawn[0])
    assert len(set(first["shape"]["scale"]["range"])) == len(set(first["color"]["scale"]["range"])) == 6
    for chart in drawn:
        found = legends(chart)
        assert found == first and found["shape"]["legend"] == found["color"]["legend"]


def test_a_curve_of_hundreds_of_points_has_a_marker_at_each_tenth():
    coverage, risk = np.arange(1, 501) / 500, np.linspace(0, 0.4, 500)
    chart = charts.risk_coverage({"A": {"coverage": coverage, "risk": risk}, "few": {"coverage": [1], "risk": [0.5]}})
    (signs,) = [part for part in chart.to_dict()["layer"] if "shape" in part["encoding"]]
    assert signs["transform"] == [{"filter": "datum.marked"}]
    marked = [(row["model"], row["coverage"]) for row in values(chart) if row["marked"]]
    assert marked == [*(("A", pytest.approx(i / 10)) for i in range(1, 11)), ("few", 1)]


def test_long_titles_stand_below_each_other_and_the_chart_grows():
    bins = reliability(GIVEN, TRUTH, 5)
    narrow, wide = (charts.reliability(dict.fromkeys(titles, bins)) for titles in (["A", "B" * 30], ["A", "B"]))
    assert legends(narrow)["color"]["legend"]["columns"] == 1 and legends(wide)["color"]["legend"]["columns"] == 2
    assert narrow.height > wide.height


def test_a_handful_of_images_is_drawn_but_not_joined():
    bins = [{"confidence": c, "accuracy": 1, "n": n} for c, n in ((0.2, 1), (0.4, 400), (0.6, 599))]
    chart = charts.reliability({"A": bins})
    assert {r["n"]: r["joined"] for r in values(chart) if "n" in r} == {1: False, 400: True, 599: True}
    parts = chart.to_dict()["layer"]
    assert [p["mark"]["type"] for p in parts if p.get("transform") == [{"filter": "datum.joined"}]] == ["line"]


def test_people_stand_beside_the_models_in_grey():
    chart = charts.opinions({"A": [0.2, 0.8], charts.PEOPLE: [0.5, 0.5], "B": [1, 0]}, ["x", "y"])
    assert [r["share"] for r in values(chart) if r["model"] == charts.PEOPLE] == [0.5, 0.5]
    titles, colors = domain(chart)
    assert titles == ["A", charts.PEOPLE, "B"] and [colors[0], colors[2]] == list(SERIES[:2])
    assert colors[1] not in SERIES
