"""What is drawn for a face: words, bars, and boxes that rest."""

import numpy as np
import pytest
from helpers.fakes import make_faces

from fer_core.annotation.overlays import Overlay, SteadyOverlays, overlays
from fer_core.labels import FER7, UNSURE
from fer_core.types import FrameResult


def test_marks_say_what_is_shown():
    faces = make_faces(["happy", None, "sad"], ids=[0, 4, -1], confidence=[0.9, 0.6, 0.7])
    found = overlays(faces, {4: "Ada"})
    assert [(m.track_id, m.name, m.label) for m in found] == [
        (0, "Person 1", "happy"),
        (4, "Ada", UNSURE),
        (-1, "", "sad"),
    ]
    assert [m.confidence for m in found] == pytest.approx([0.9, 0.6, 0.7])
    assert found[0].box == pytest.approx(tuple(faces.boxes[0]))
    assert overlays(faces[:0]) == []


def test_bars_are_the_smoothed_probabilities_by_name():
    faces = make_faces(["happy", None], confidence=[0.82, 0.4])
    assert [mark.bars for mark in overlays(faces)] == [(), ()]
    for mark, row in zip(overlays(faces, bars=True), faces.smoothed, strict=True):
        assert [name for name, _ in mark.bars] == list(FER7)
        assert [value for _, value in mark.bars] == pytest.approx(row.tolist())


def test_a_mark_moves_with_its_picture():
    mark = Overlay(3, (10.0, 20.0, 30.0, 60.0), "Ada", "happy", 0.9, (("happy", 0.9),))
    assert mark.scaled(2).box == (20, 40, 60, 120)
    assert mark.scaled(1) is mark
    assert mark.mirrored(100).box == (70, 20, 90, 60)
    assert mark.mirrored(100).mirrored(100) == mark
    assert mark.at(np.array([1, 2, 3, 4], np.float32)) == Overlay(
        3, (1, 2, 3, 4), "Ada", "happy", 0.9, (("happy", 0.9),)
    )


def test_boxes_rest_while_their_faces_do_and_follow_the_right_one():
    steady, random = SteadyOverlays({1: "Ada"}, bars=True), np.random.default_rng(0)
    seen = []
    for i in range(60):
        shaken = random.normal(0, 1.5, (2, 4))
        boxes = np.array([[10, 20, 70, 100], [200, 20, 260, 100]]) + shaken
        order = [0, 1] if i % 2 else [1, 0]  # the detector may give them in any order
        faces = make_faces(["happy", "sad"], boxes=boxes[order], ids=order)
        found = {mark.track_id: mark for mark in steady(FrameResult(i, i / 30, faces))}
        assert found[1].name == "Ada" and len(found[0].bars) == 7
        seen.append([found[0].box, found[1].box])
    last = np.array(seen[20:])
    assert last.std(0).max() < 1.1, "it shakes less than what it was given"
    assert np.abs(last.mean(0) - [[10, 20, 70, 100], [200, 20, 260, 100]]).max() < 2


def test_who_comes_back_begins_anew():
    steady = SteadyOverlays()
    for i, ids in enumerate(([0], [], [0])):
        boxes = [[10 + 100 * i, 20, 70 + 100 * i, 100]] * len(ids)
        found = steady(FrameResult(i, float(i), make_faces(["happy"] * len(ids), boxes=boxes, ids=ids)))
    assert found[0].box == (210, 20, 270, 100)
