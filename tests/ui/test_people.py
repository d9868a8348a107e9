"""Who is shown first of a result's people."""

from __future__ import annotations

from helpers.fakes import GONE, make_table

from fer_core.analysis.episodes import summary
from ui.components.people import ALL_SHOWN, MAIN, main_people


def crowd(count: int) -> list[str]:
    """People of whom each is seen a frame longer than the one before."""
    seen = {track: [GONE] * (count - track) + ["happy"] * (track + 1) for track in range(count)}
    return main_people(summary(make_table(seen)))


def test_a_few_are_all_shown_and_of_a_crowd_those_seen_longest() -> None:
    assert len(crowd(ALL_SHOWN)) == ALL_SHOWN
    assert crowd(12) == ["Person 12", "Person 11", "Person 10", "Person 9"] and len(crowd(12)) == MAIN
