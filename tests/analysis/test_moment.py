"""More of each moment."""

import numpy as np
import pytest
from helpers.fakes import GONE, make_table

from fer_core.analysis.moment import INTENSITY, add_moment_columns, intensity_word, valence
from fer_core.errors import OptionError
from fer_core.labels import FER7


def table(**smoothed: float):
    made = make_table({0: ["neutral", GONE]})
    for name in FER7:
        made.loc[0, f"{name}_smoothed"] = smoothed.get(name, 0.0)
    return made


def test_valence_is_happy_minus_the_strongest_negative():
    made = table(happy=0.5, sad=0.1, angry=0.3, surprise=0.9)
    assert valence(made)[0] == pytest.approx(0.2)
    assert np.isnan(valence(made)[1])
    assert valence(table(happy=0.1, disgust=0.7, fear=0.2))[0] == pytest.approx(-0.6)
    raw = valence(made, smoothed=False)[0]
    assert raw == pytest.approx(0.0)  # all but neutral are the same in one frame alone


def test_second_guess_and_margin():
    found = add_moment_columns(table(happy=0.5, surprise=0.3, sad=0.2))
    assert found.loc[0, "second_label"] == "surprise"
    assert found.loc[0, "second_confidence"] == pytest.approx(0.3)
    assert found.loc[0, "margin"] == pytest.approx(0.2)
    assert found.loc[0, "valence"] == pytest.approx(0.3)
    assert found.loc[1, ["second_label", "second_confidence", "margin", "valence"]].isna().all()


def test_models_without_a_smile_have_no_valence():
    made = table(sad=0.6, neutral=0.4)
    made = made.drop(columns=[c for c in made.columns if c.startswith("happy")])
    with pytest.raises(OptionError, match="this model names angry"):
        valence(made)
    assert add_moment_columns(made)["valence"].isna().all()
    assert add_moment_columns(made).loc[0, "second_label"] == "neutral"


def test_words_begin_at_their_thresholds():
    assert [intensity_word(value) for value in (0, 0.099, 0.1, 0.3, 0.499, 0.5, 0.75, 1)] == [
        "none",
        "none",
        "trace",
        "slight",
        "slight",
        "clear",
        "strong",
        "strong",
    ]
    assert list(INTENSITY.values()) == sorted(INTENSITY.values())
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(OptionError, match="between 0 and 1"):
            intensity_word(wrong)
