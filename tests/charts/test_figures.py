"""Figures for papers: what is drawn, in which colors, and of what they say that they cannot be drawn."""

import pandas as pd
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.events import Event, cut_by_event
from fer_core.charts.figures import heat_map_figure, mean_curves_figure, shares_figure, timeline_figure
from fer_core.errors import OptionError
from fer_core.labels import COLORS, SERIES
from fer_core.statistics.descriptives import describe
from fer_core.statistics.mean_curves import mean_curves

EVENTS = [Event(0.5, "joke", 0.5), Event(2.0, "bang")]


def clip(person: str = "Ann") -> pd.DataFrame:
    return make_table({0: ["neutral"] * 10 + ["happy"] * 10 + [GONE] * 10 + ["happy"] * 5}, {0: person})


def study() -> pd.DataFrame:
    parts = [
        cut_by_event(clip(), EVENTS, 0.5, 1).assign(participant=f"P{i}", condition=condition, clip=f"{condition}{i}")
        for i in range(6)
        for condition in ("film", "control")
    ]
    return pd.concat(parts, ignore_index=True)


def rows(spec: dict, layer: dict) -> list[dict]:
    return spec["datasets"][layer.get("data", spec.get("data"))["name"]]


def test_timeline_draws_one_person_with_gaps_and_events():
    both = pd.concat([clip(), make_table({1: ["sad"] * 35}, {1: "Bob"})], ignore_index=True)
    spec = timeline_figure(both, "Ann", events=EVENTS).to_dict()
    shade, rule, words, lines = spec["layer"]
    drawn = rows(spec, lines)
    assert {row["person"] for row in drawn} == {"Ann"}
    assert len({row["segment"] for row in drawn}) == 2  # no line over the gap
    assert spec["title"]["text"] == "Ann: expressions over time"
    assert lines["encoding"]["x"]["title"] == "Time (s)"
    scale = lines["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True))["happy"] == COLORS["happy"]
    assert len(rows(spec, shade)) == 1
    assert len(rows(spec, rule)) == 2
    assert [row["label"] for row in rows(spec, words)] == ["joke", "bang"]
    with pytest.raises(OptionError, match="it has Ann, Bob"):
        timeline_figure(both, "Eve")


def test_long_clips_are_thinned():
    spec = timeline_figure(make_table({0: ["happy"] * 4000}), "Person 1").to_dict()
    assert len(rows(spec, spec["layer"][-1])) <= 7 * 1000


def test_mean_curves_by_event_and_by_condition():
    curves = mean_curves(study(), 0.25)
    spec = mean_curves_figure(curves, expressions=["happy", "neutral"]).to_dict()
    assert [panel["title"]["text"] for panel in spec["concat"]] == ["joke", "bang"]
    line = spec["concat"][0]["layer"][2]
    assert line["encoding"]["color"]["scale"] == {
        "domain": ["happy", "neutral"],
        "range": [COLORS["happy"], COLORS["neutral"]],
    }
    assert {row["expression"] for row in rows(spec, spec["concat"][0]["layer"][1])} == {"happy", "neutral"}
    by_condition = mean_curves(study(), 0.25, by=["event", "condition"])
    joke = by_condition[by_condition["event"] == "joke"]
    spec = mean_curves_figure(joke, panel="expression", color="condition", expressions=["happy"]).to_dict()
    line = spec["concat"][0]["layer"][2]
    assert line["encoding"]["color"]["scale"]["range"] == list(SERIES[:2])
    assert line["encoding"]["strokeDash"]["scale"]["domain"] == ["film", "control"]
    with pytest.raises(OptionError, match="several curves for one line"):
        mean_curves_figure(by_condition, panel="expression", color="condition")
    with pytest.raises(OptionError, match="nothing to draw"):
        mean_curves_figure(curves, expressions=["joy"])


def test_shares_fill_each_bar():
    spec = shares_figure(describe(study(), ["condition"])).to_dict()
    bars = pd.DataFrame(rows(spec, spec["layer"][0]))
    assert list(dict.fromkeys(bars["condition"])) == ["film", "control"]
    for _, bar in bars.groupby("condition"):
        assert bar["_from"].iloc[0] == 0
        assert bar["_to"].iloc[-1] == pytest.approx(1)
        assert bar["_from"].iloc[1:].to_numpy() == pytest.approx(bar["_to"].iloc[:-1].to_numpy())
    assert set(bars["_words"]) - {""} == {f"{share:.0%}" for share in bars["share"]}
    assert spec["layer"][0]["encoding"]["color"]["scale"]["range"] == [COLORS["happy"], COLORS["neutral"]]


def test_heat_map_has_a_cell_for_each_event_and_expression():
    described = describe(study(), ["event"])
    spec = heat_map_figure(described, value="share").to_dict()
    cells = pd.DataFrame(rows(spec, spec["layer"][0]))
    assert list(dict.fromkeys(cells["event"])) == ["joke", "bang"]  # in order of time
    happy = cells[(cells["event"] == "bang") & (cells["expression"] == "happy")].iloc[0]
    assert happy["_words"] == f"{happy['share']:.2f}"
    assert spec["layer"][0]["encoding"]["color"]["scale"]["range"] == ["#FFFFFF", COLORS["sad"]]
    words = [row for layer in spec["layer"][1:] for row in rows(spec, layer)]
    assert len(words) == len(cells)
    with pytest.raises(OptionError, match="received 'joy'"):
        heat_map_figure(described, value="joy")
    with pytest.raises(OptionError, match="no column 'condition'"):
        shares_figure(described)


def test_letters_have_the_size_that_was_asked_for():
    spec = timeline_figure(clip(), "Ann", font_pt=9, height_mm=25.4).to_dict()
    assert spec["config"]["axis"]["labelFontSize"] == 9
    assert spec["height"] == pytest.approx(72)
    with pytest.raises(OptionError, match="Journals ask for 7 to 9"):
        timeline_figure(clip(), "Ann", font_pt=40)
