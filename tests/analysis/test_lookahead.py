"""Groups of frames: which are searched for faces, and that nothing else changes what is found in a frame."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers.fakes import SAMPLE, FakeRecognizer, patch_frame, real_recognizer
from helpers.media import make_clip

from fer_core.analysis import lookahead
from fer_core.analysis.lookahead import FrameGroups, Lookahead
from fer_core.analysis.pipeline import AnalysisOptions, FrameSelector, analyze, recognize_frame
from fer_core.analysis.table import to_table
from fer_core.types import FrameResult
from fer_core.video.reader import FrameReader


class Watched(FakeRecognizer):
    """Remembers which frames were searched."""

    def __init__(self):
        super().__init__()
        self.searched: list[int] = []

    def detect(self, frame):
        self.searched.append(frame.index)
        return super().detect(frame)


def still(tmp_path, count=13, rate=25.0, times=None):
    image = patch_frame([(40, 30, 40)])
    return make_clip(tmp_path / "a.mp4", [image] * count, frame_rate=rate, times=times)


def run(clip, **options) -> tuple[list[int], list[FrameResult]]:
    watched = Watched()
    results = list(analyze(clip, watched, AnalysisOptions(**options)))
    return sorted(watched.searched), results


@pytest.mark.parametrize(
    ("rate", "options", "expected"),
    [
        (25.0, {}, [0, 3, 6, 9, 12]),
        (30.0, {}, [0, 3, 6, 9, 12]),
        (60.0, {}, [0, 4, 8, 12]),
        (12.0, {}, list(range(13))),
        (25.0, {"start": 0.16}, [4, 6, 9, 12]),
        (25.0, {"end": 0.32}, [0, 3, 6, 7]),
        (25.0, {"frame_stride": 2}, list(range(0, 13, 2))),
        (60.0, {"frame_stride": 2}, [0, 4, 8, 12]),
        (60.0, {"frame_stride": 3}, [0, 3, 6, 9, 12]),
        (25.0, {"sample_fps": 10.0}, [0, 3, 5, 8, 10]),
        (25.0, {"sample_fps": 25.0}, [0, 3, 6, 9, 12]),
    ],
)
def test_which_frames_are_searched(tmp_path, rate, options, expected):
    searched, results = run(still(tmp_path, rate=rate), **options)
    assert searched == expected
    assert [len(r.faces) for r in results] == [1] * len(results)


def test_frames_far_apart_are_each_searched(tmp_path):
    times = [0.0, 0.04, 0.08, 0.12, 0.9, 1.8, 1.84, 1.88, 1.92, 1.96, 2.0, 2.04, 2.08]
    searched, _ = run(still(tmp_path, times=times))
    assert {3, 4, 5, 6} <= set(searched)


def test_somebody_who_comes_or_goes_is_seen_in_each_frame(tmp_path):
    images = [patch_frame([(40, 30, 40)])] * 5 + [patch_frame([])] * 5 + [patch_frame([(40, 30, 40)])] * 6
    _, results = run(make_clip(tmp_path / "a.mp4", images))
    assert [len(r.faces) for r in results] == [1] * 5 + [0] * 5 + [1] * 6


def test_a_face_that_runs_is_searched_for_in_each_frame(tmp_path):
    images = [patch_frame([(10 + 6 * i, 30, 40)]) for i in range(13)]
    searched, results = run(make_clip(tmp_path / "a.mp4", images))
    assert sorted(set(searched)) == list(range(13))
    assert [r.faces.boxes[0, 0] for r in results] == pytest.approx([10 + 6 * i for i in range(13)], abs=4)


@pytest.fixture(scope="module")
def whole():
    """The sample's first four seconds: the cut to two people is in it."""
    return list(analyze(SAMPLE, real_recognizer(), AnalysisOptions(end=4.0)))


def equal(one: FrameResult, other: FrameResult) -> bool:
    return all(
        np.array_equal(getattr(one.faces, name), getattr(other.faces, name))
        for name in ("boxes", "scores", "landmarks", "probabilities", "quality")
    )


def test_the_same_clip_gives_the_same_table(whole):
    again = list(analyze(SAMPLE, real_recognizer(), AnalysisOptions(end=4.0)))
    assert to_table(whole).equals(to_table(again))


def test_a_part_that_begins_with_a_group_gives_what_the_whole_gives(whole):
    part = list(analyze(SAMPLE, real_recognizer(), AnalysisOptions(start=1.2, end=2.44)))
    assert [r.index for r in part] == list(range(30, 61))
    assert all(equal(whole[r.index], r) for r in part[:-1])  # the last one begins a group that is cut off


def test_searching_each_frame_gives_the_same_table(whole, monkeypatch):
    monkeypatch.setattr(lookahead, "LONGEST", 1)
    each = list(analyze(SAMPLE, real_recognizer(), AnalysisOptions(end=4.0)))
    assert [r.shot for r in whole] == [r.shot for r in each]
    assert [sorted(r.faces.track_ids) for r in whole] == [sorted(r.faces.track_ids) for r in each]
    boxes, labels = [], []
    for one, other in zip(whole, each, strict=True):
        for i, track in enumerate(one.faces.track_ids):
            j = other.faces.track_ids.tolist().index(track)
            box = other.faces.boxes[j]
            boxes.append(np.abs(one.faces.boxes[i] - box).max() / (box[2:] - box[:2]).mean())
            labels.append(one.faces.predicted[i] == other.faces.predicted[j])
    assert np.mean(labels) >= 0.99
    assert np.quantile(boxes, 0.98) < 0.03 and max(boxes) < 0.08
    assert max(boxes) > 0  # so it was not the same work


def test_a_frame_alone_gives_what_a_searched_frame_gives(whole):
    with FrameReader(SAMPLE) as reader:
        frame = next(reader)
    faces, features = recognize_frame(frame, real_recognizer(), 640)
    assert np.array_equal(faces.boxes, whole[0].faces.boxes)
    assert np.array_equal(faces.probabilities, whole[0].faces.probabilities)
    assert len(features.descriptors) == len(faces)


def test_boxes_are_told_in_pixels_of_the_clip_where_its_size_changes(tmp_path):
    with FrameReader(still(tmp_path, 1)) as reader:
        frame = next(reader)
    own, _ = recognize_frame(frame, FakeRecognizer(), 160)
    larger, features = recognize_frame(frame, FakeRecognizer(), 480)
    np.testing.assert_allclose(larger.boxes, 3 * own.boxes)
    assert features.descriptors.any()


def test_few_frames_are_in_hand(tmp_path):
    clip, held = still(tmp_path, 60), []
    options = AnalysisOptions(frame_stride=1)
    with FrameReader(clip) as reader, ThreadPoolExecutor(2) as pool:
        given = 0

        def counted():
            nonlocal given
            for frame in reader:
                given += 1
                yield frame

        groups = FrameGroups(FrameSelector(options), options, 25.0)
        for number, _ in enumerate(Lookahead(counted(), groups, FakeRecognizer(), pool, width=160)):
            held.append(given - number)
    assert max(held) <= lookahead.AHEAD + 1
