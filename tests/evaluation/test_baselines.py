"""Published figures: plausible, in order, and each says whose it is and on which images."""

from __future__ import annotations

from fer_core.evaluation.baselines import CAUTION, PUBLISHED


def test_the_rows():
    assert [row.accuracy for row in PUBLISHED] == sorted(row.accuracy for row in PUBLISHED)
    assert len({row.title for row in PUBLISHED}) == len(PUBLISHED) >= 10
    for row in PUBLISHED:
        assert row.title and row.split and row.source
        assert 0.5 < row.accuracy < 0.79, "higher claims come from images that were trained on"


def test_none_is_of_the_split_that_is_measured_here():
    """Else a reader would take the two for the same."""
    assert not [row for row in PUBLISHED if row.split == "PublicTest"]
    assert "not measured here" in CAUTION


def test_known_figures():
    known = {row.title: row.accuracy for row in PUBLISHED}
    assert known["Kaggle winner 2013"] == 0.712 and known["EmoNeXt-XL"] == 0.761
