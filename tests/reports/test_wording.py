"""Figures in words that hold for any figure."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.evaluation.metrics import mcnemar
from fer_core.reports.wording import chance, difference


@pytest.mark.parametrize(
    "p, words",
    [
        (1.0, "in 100 of 100 comparisons"),
        (0.34, "in 34 of 100 comparisons"),
        (0.01, "in 1 of 100 comparisons"),
        (0.0049, "once in 204 comparisons"),
        (1e-5, "once in 100,000 comparisons"),
        (0.0, "less than once in 100,000 comparisons"),
    ],
)
def test_how_often(p, words):
    assert chance(p) == words


def test_a_difference_that_is_told_and_one_that_is_not():
    right, wrong = np.ones(40, bool), np.arange(40) >= 12
    assert "B is better on images like these" in difference("A", "B", mcnemar(wrong, right))
    assert "A is better on images like these" in difference("A", "B", mcnemar(right, wrong))
    one = mcnemar(np.array([True, True]), np.array([False, True]))
    assert difference("A", "B", one) == (
        "A alone is right on 1 image, B alone on 0. If both were equally good, a difference at least as large would "
        "come up in 100 of 100 comparisons: these images do not tell which is better."
    )
    assert difference("A", "B", mcnemar(right, right)) == "A and B are right on the very same images."
