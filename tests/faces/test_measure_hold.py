"""A face keeps its measures for a frame; a new one, or one that moved far, is measured."""

from __future__ import annotations

import numpy as np
from helpers.fakes import make_faces

from fer_core.faces.measure_hold import MeasureHold
from fer_core.faces.measures import MEASURES, with_measures
from fer_core.types import FaceMeasures, Faces


class Counter:
    """Measures every face as the number of the call."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, rows: np.ndarray) -> FaceMeasures:
        self.calls.append(int(rows.sum()))
        values = np.full((rows.sum(), len(MEASURES)), len(self.calls), np.float32)
        return FaceMeasures(MEASURES, values, np.zeros(rows.sum(), np.uint8))


def faces_at(*lefts: float) -> Faces:
    return make_faces(["happy"] * len(lefts), boxes=[[x, 20, x + 60, 100] for x in lefts])


def yaws(faces: Faces) -> list[float]:
    assert faces.measures is not None
    return faces.measures.values[:, 0].tolist()


def measured(faces: Faces, yaw: float) -> Faces:
    values = np.full((len(faces), len(MEASURES)), yaw, np.float32)
    return with_measures(faces, FaceMeasures(MEASURES, values, np.zeros(len(faces), np.uint8)))


def test_a_face_that_stays_keeps_its_measures() -> None:
    counter = Counter()
    hold = MeasureHold()
    hold(measured(faces_at(10, 200), 30), counter)
    assert yaws(hold(faces_at(203, 12), counter)) == [30, 30] and counter.calls == []
    assert yaws(hold(faces_at(206, 14), counter)) == [30, 30]  # held on from frame to frame


def test_each_face_keeps_its_own() -> None:
    hold, counter = MeasureHold(), Counter()
    first = measured(faces_at(10, 200), 1)
    first.measures.values[1] = 40  # type: ignore[union-attr]
    hold(first, counter)
    assert yaws(hold(faces_at(201, 11), counter)) == [40, 1]


def test_a_new_face_is_measured_and_the_old_one_is_not() -> None:
    counter = Counter()
    hold = MeasureHold()
    before = hold(measured(faces_at(10), 30), counter)
    assert yaws(hold(faces_at(12, 300), counter)) == [30, 1] and counter.calls == [1]
    assert yaws(before) == [30]


def test_a_face_that_jumped_is_measured() -> None:
    counter = Counter()
    hold = MeasureHold()
    hold(measured(faces_at(10), 30), counter)
    assert yaws(hold(faces_at(25), counter)) == [1]


def test_without_landmarks_and_at_the_beginning_every_face_is_measured() -> None:
    counter = Counter()
    hold = MeasureHold()
    assert yaws(hold(faces_at(10), counter)) == [1]
    unknown = faces_at(10)
    unknown.landmarks[:] = np.nan
    assert yaws(hold(unknown, counter)) == [2]
    assert yaws(hold(faces_at(10), counter)) == [3]


def test_no_face_then_one() -> None:
    hold, counter = MeasureHold(), Counter()
    assert len(hold(faces_at(), counter)) == 0
    assert yaws(hold(faces_at(50), counter)) == [2]
