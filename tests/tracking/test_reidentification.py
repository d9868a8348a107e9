"""Tracks that may be one person, by their look."""

import numpy as np
import pytest
from helpers import fakes

import fer_core.tracking.reidentification as people
from fer_core.tracking.reidentification import PersonGrouper

RED, BLUE = (40, 40, 200), (200, 60, 40)


class Picture:
    """A frame of one colour, that counts how often it was asked for."""

    def __init__(self, color):
        self.color, self.asked = color, 0

    def picked(self, max_side):
        self.asked += 1
        return np.full((120, 160, 3), self.color, np.uint8)


def results(tracks):
    """One frame for each (track, index, seconds)."""
    found = fakes.make_results({0: ["happy"]})[0].faces
    for track, index, seconds in tracks:
        faces = type(found)(
            **{n: getattr(found, n) for n in found.__slots__ if n != "track_ids"}, track_ids=np.array([track])
        )
        yield people.FrameResult(index, seconds, faces)


def test_those_alike_are_one_group_and_others_are_not():
    likeness = PersonGrouper(160)
    for color, result in zip((RED, BLUE, RED), results([(0, 0, 0.0), (1, 1, 2.0), (2, 2, 4.0)]), strict=True):
        likeness(Picture(color), result)
    assert likeness.groups() == [[0, 2]]


def test_at_the_same_time_nobody_is_the_same():
    likeness = PersonGrouper(160)
    for result in results([(0, 0, 0.0), (1, 1, 1.0), (0, 2, 2.0)]):
        likeness(Picture(RED), result)
    assert likeness.groups() == []


@pytest.mark.parametrize(("limit", "asked"), [(10, 3), (2, 2)])
def test_no_look_is_taken_of_tracks_beyond_the_limit(limit, asked):
    likeness, picture = PersonGrouper(160, limit=limit), Picture(RED)
    for result in results([(track, track + 1, float(track)) for track in range(3)]):
        likeness(picture, result)
    assert picture.asked == asked
    assert likeness.groups() == [list(range(min(3, limit)))]


def test_pairs_say_who_is_alike_and_how_much():
    likeness = PersonGrouper(160)
    tracks = [(0, 0, 0.0), (1, 1, 2.0), (2, 2, 4.0), (3, 3, 6.0)]
    for color, result in zip((RED, BLUE, RED, (50, 45, 190)), results(tracks), strict=True):
        likeness(Picture(color), result)
    pairs = likeness.pairs()
    assert (pairs[0].one, pairs[0].other) == (0, 2) and pairs[0].likeness > 0.9
    assert all(1 not in (pair.one, pair.other) for pair in pairs)
    assert [pair.likeness for pair in pairs] == sorted((pair.likeness for pair in pairs), reverse=True)
    assert PersonGrouper(160).pairs() == []
