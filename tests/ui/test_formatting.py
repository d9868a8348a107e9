"""Numbers as pages show them."""

from __future__ import annotations

import pytest

from ui.app.formatting import small_number


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.05, "0.05"), (0.0003, "0.0003"), (0.00001, "0.00001"), (3e-7, "below 0.00001"), (0.0, "0"), (1.0, "1")],
)
def test_a_small_number_never_ends_in_a_point(value: float, words: str) -> None:
    assert small_number(value) == words
