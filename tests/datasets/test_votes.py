"""What most people saw, among eight expressions and among seven."""

import numpy as np

from fer_core.datasets.votes import fer7_majority, majority
from fer_core.labels import FER7, FERPLUS_VOTES


def votes(**given: int) -> list[int]:
    return [given.get(name, 0) for name in FERPLUS_VOTES]


def test_majorities() -> None:
    given = np.array(
        [
            votes(happiness=6, neutral=4),
            votes(sadness=5, neutral=5),
            votes(contempt=9, neutral=1),
            votes(fear=4, surprise=3, sadness=3),
            votes(not_face=8, anger=2),
            votes(),
        ],
        np.uint8,
    )
    assert majority(given)[0].tolist() == [True, False, True, False, False, False]
    clear, seen = fer7_majority(given)
    assert clear.tolist() == [True, False, False, False, False, False]
    assert FER7[seen[0]] == "happy" and FER7[seen[3]] == "fear", "the most frequent, also without a majority"
    assert seen[2] == seen[4] == -1, "contempt and no face are none of the seven"
