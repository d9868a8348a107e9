"""Faces between two searches: they glide where it is calm, and each frame is searched where it is not."""

import numpy as np
import pytest
from helpers.fakes import Still

from fer_core.faces.interpolation import GROWTH, MOVE, between, detect_between, same_faces
from fer_core.faces.yunet import Detections

GRAY = np.full((90, 160, 3), 90, np.uint8)


def faces(*places: tuple[float, float, float], score: float = 0.9) -> Detections:
    """Square faces, each at (left, top) with a side."""
    boxes = np.array([(x, y, x + side, y + side) for x, y, side in places], np.float32).reshape(-1, 4)
    points = np.repeat(boxes[:, None, :2], 5, 1) + 1
    return Detections(boxes, np.full(len(boxes), score, np.float32), points)


def searched(first: Detections, last: Detections, images=(GRAY,) * 4) -> tuple[list[int], list[Detections]]:
    """Numbers of the frames that were searched in between, and what was found in all."""
    asked: list[int] = []

    def detect(frame):
        asked.append(frame.index)
        return faces((0, 0, 7))

    frames = [Still(i, image) for i, image in enumerate(images)]
    return asked, detect_between(frames, [0.0, 0.04, 0.06, 0.08][: len(images)], first, last, detect)


def test_calm_faces_glide_in_time():
    asked, found = searched(faces((10, 10, 40), score=0.8), faces((12, 10, 40), score=0.9))
    assert asked == []
    assert [f.boxes[0, 0] for f in found] == pytest.approx([10, 11, 11.5, 12])
    assert [f.landmarks[0, 4, 0] for f in found] == pytest.approx([11, 12, 12.5, 13])
    assert [f.scores[0] for f in found] == pytest.approx([0.8, 0.85, 0.875, 0.9])


def test_two_who_come_out_in_another_order_stay_who_they_are():
    _, found = searched(faces((10, 10, 40), (100, 10, 39)), faces((100, 11, 40), (11, 10, 39)))
    assert found[2].boxes[:, 0] == pytest.approx([10.75, 100])
    assert found[3].boxes[:, 0].tolist() == [100, 11]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (faces((10, 10, 40)), faces()),
        (faces(), faces((10, 10, 40))),
        (faces((10, 10, 40)), faces((10, 10, 40), (90, 10, 40))),
        (faces((10, 10, 40)), faces((10 + 40 * MOVE * 1.05, 10, 40))),
        (faces((10, 10, 40)), faces((10, 10, 40 * np.exp(GROWTH * 1.05)))),
        (faces((10, 10, 40), (11, 10, 40)), faces((10, 10, 40), (90, 10, 40))),
    ],
)
def test_each_frame_is_searched_where_somebody_comes_goes_or_moves_fast(first, last):
    asked, found = searched(first, last)
    assert asked == [1, 2]
    assert [f.boxes[0, 2] for f in found[1:3]] == [7, 7]
    assert found[0] is first and found[3] is last


def test_each_frame_is_searched_where_the_picture_changes():
    same = faces((10, 10, 40))
    assert searched(same, same, (GRAY, GRAY, GRAY, GRAY + 20))[0] == []
    assert searched(same, same, (GRAY, GRAY, GRAY, GRAY + 30))[0] == [1, 2]


def test_nobody_between_nobodies():
    asked, found = searched(faces(), faces())
    assert asked == [] and [len(f.boxes) for f in found] == [0] * 4


def test_two_frames_have_nothing_between():
    first, last = faces((10, 10, 40)), faces((90, 10, 40))
    assert searched(first, last, (GRAY, GRAY)) == ([], [first, last])


def test_same_faces_and_between():
    rows = same_faces(faces((0, 0, 40), (50, 0, 40)), faces((51, 0, 40), (1, 0, 40)))
    assert rows is not None and rows.tolist() == [1, 0]
    nan = Detections(faces((0, 0, 40)).boxes, np.array([0.5], np.float32), np.full((1, 5, 2), np.nan, np.float32))
    assert np.isnan(between(nan, nan, 0.5).landmarks).all()  # Haar gives none
