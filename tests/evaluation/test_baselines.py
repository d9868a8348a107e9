"""Published figures: plausible, in order, and each says whose it is and on which images."""

from __future__ import annotations

from fer_core.evaluation.baselines import BASELINES, CAUTION


def test_the_rows():
    assert [row.accuracy for row in BASELINES] == sorted(row.accuracy for row in BASELINES)
    assert len({row.title for row in BASELINES}) == len(BASELINES) >= 10
    for row in BASELINES:
        assert row.title and row.split and row.source
        assert 0.5 < row.accuracy < 0.79, "higher claims come from images that were trained on"


def test_none_is_of_the_split_that_is_measured_here():
    """Else a reader would take the two for the same."""
    assert not [row for row in BASELINES if row.split == "PublicTest"]
    assert "not measured here" in CAUTION


def test_known_figures():
    known = {row.title: row.accuracy for row in BASELINES}
    assert known["Kaggle winner 2013"] == 0.712 and known["EmoNeXt-XL"] == 0.761
