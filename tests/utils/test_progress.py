"""How long work still takes, from how far it is."""

from __future__ import annotations

import pytest

from fer_core.utils.progress import part, time_left


@pytest.mark.parametrize(
    "seconds, share, left", [(10, 0.25, 30), (60, 1, 0), (0.5, 0.5, None), (10, 0, None), (2, 0.5, 2)]
)
def test_time_left_at_the_pace_so_far(seconds, share, left):
    assert time_left(seconds, share) == left


def test_a_part_of_the_work():
    told: list[float] = []
    step = part(told.append, 0.5, 0.75)
    step(0)
    step(1)
    assert told == [0.5, 0.75]
