"""A face keeps its measures for a frame; a new one, or one that moved far, is measured."""

from __future__ import annotations

import numpy as np
from helpers.fakes import Still, make_faces

from fer_core.faces.measure_hold import MeasureHold
from fer_core.faces.measures import MEASURES, with_measures
from fer_core.types import FaceMeasures, Faces

IMAGE = np.zeros((200, 400, 3), np.uint8)
FRAME = Still(0, IMAGE)


class Counter:
    """Measures every face as the number of the call."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, image: np.ndarray, boxes: np.ndarray, landmarks: np.ndarray) -> FaceMeasures:
        self.calls.append(len(boxes))
        values = np.full((len(boxes), len(MEASURES)), len(self.calls), np.float32)
        return FaceMeasures(MEASURES, values, np.zeros(len(boxes), np.uint8))


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
    hold = MeasureHold(counter)  # type: ignore[arg-type]
    hold(measured(faces_at(10, 200), 30), FRAME)
    assert yaws(hold(faces_at(203, 12), FRAME)) == [30, 30] and counter.calls == []
    assert yaws(hold(faces_at(206, 14), FRAME)) == [30, 30]  # held on from frame to frame


def test_each_face_keeps_its_own() -> None:
    hold = MeasureHold(Counter())  # type: ignore[arg-type]
    first = measured(faces_at(10, 200), 1)
    first.measures.values[1] = 40  # type: ignore[union-attr]
    hold(first, FRAME)
    assert yaws(hold(faces_at(201, 11), FRAME)) == [40, 1]


def test_a_new_face_is_measured_and_the_old_one_is_not() -> None:
    counter = Counter()
    hold = MeasureHold(counter)  # type: ignore[arg-type]
    before = hold(measured(faces_at(10), 30), FRAME)
    assert yaws(hold(faces_at(12, 300), FRAME)) == [30, 1] and counter.calls == [1]
    assert yaws(before) == [30]


def test_a_face_that_jumped_is_measured() -> None:
    counter = Counter()
    hold = MeasureHold(counter)  # type: ignore[arg-type]
    hold(measured(faces_at(10), 30), FRAME)
    assert yaws(hold(faces_at(25), FRAME)) == [1]


def test_without_landmarks_and_at_the_beginning_every_face_is_measured() -> None:
    counter = Counter()
    hold = MeasureHold(counter)  # type: ignore[arg-type]
    assert yaws(hold(faces_at(10), FRAME)) == [1]
    unknown = faces_at(10)
    unknown.landmarks[:] = np.nan
    assert yaws(hold(unknown, FRAME)) == [2]
    assert yaws(hold(faces_at(10), FRAME)) == [3]


def test_no_face_then_one() -> None:
    hold = MeasureHold(Counter())  # type: ignore[arg-type]
    assert len(hold(faces_at(), FRAME)) == 0
    assert yaws(hold(faces_at(50), FRAME)) == [2]
