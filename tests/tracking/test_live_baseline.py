"""A person's own neutral face before a camera."""

import numpy as np
import pytest
from helpers.fakes import make_faces, probabilities

from fer_core.errors import OptionError
from fer_core.labels import FER7
from fer_core.tracking.live_baseline import BaselineFilter, BaselineRecorder
from fer_core.tracking.neutral import adjust
from fer_core.types import FaceQuality

SAD = probabilities("sad", 0.6)


def recorded(seconds: float = 2.0) -> BaselineRecorder:
    recorder = BaselineRecorder(FER7, seconds=seconds)
    for i in range(50):
        recorder.add(i / 10, SAD)
    return recorder


def test_two_seconds_are_enough_and_no_more_are_taken():
    recorder = BaselineRecorder(FER7)
    ready = [recorder.add(5 + i / 10, SAD) for i in range(30)]
    assert ready.index(True) == 20
    own = recorder.baseline("Ann")
    assert (own.frames, own.start_s, own.end_s) == (21, 5.0, pytest.approx(7.0))
    assert own.z == pytest.approx(np.log(SAD), abs=1e-6)


def test_bad_readings_and_pauses_do_not_count():
    recorder = BaselineRecorder(FER7)
    for i in range(40):
        recorder.add(i / 10, SAD, good=i < 10)
    assert not recorder.ready
    assert recorder.progress == pytest.approx(0.45)
    recorder.add(60.0, SAD)
    assert recorder.progress == pytest.approx(0.7)  # a minute away counts half a second
    with pytest.raises(OptionError, match=r"1\.4 of 2 seconds"):
        recorder.baseline("Ann")


def test_repeated_times_are_left_out():
    recorder = BaselineRecorder(FER7, seconds=0.1)
    for _ in range(9):
        recorder.add(1.0, SAD)
    assert recorder.progress == 0


def test_wrong_shape_and_length_are_refused():
    with pytest.raises(ValueError, match=r"\(7,\)"):
        BaselineRecorder(FER7).add(0, np.zeros(3))
    with pytest.raises(OptionError, match="between 0 and 60"):
        BaselineRecorder(FER7, seconds=0)


def test_faces_with_a_baseline_are_adjusted_and_others_stay():
    own = recorded().baseline("Ann")
    faces = make_faces(["sad", "sad"], ids=[4, 5], confidence=0.6)
    done = BaselineFilter()(1.0, faces, {4: own})
    assert [FER7[i] for i in done.predicted] == ["neutral", "sad"]
    assert done.smoothed[0] == pytest.approx(adjust(SAD, own), abs=1e-6)
    assert done.probabilities[0] == pytest.approx(adjust(SAD, own), abs=1e-6)
    assert done.smoothed[1] == pytest.approx(faces.smoothed[1])
    assert [FER7[i] for i in faces.predicted] == ["sad", "sad"]


def test_flagged_and_doubtful_faces_are_unsure():
    own = recorded().baseline("Ann")
    dark = make_faces(["sad"], ids=[4], quality=[int(FaceQuality.DARK)])
    assert BaselineFilter()(1.0, dark, {4: own}).predicted.tolist() == [-1]
    faces = make_faces(["sad"], ids=[4], confidence=0.6)
    assert BaselineFilter(confidence_threshold=0.9)(1.0, faces, {4: own}).predicted.tolist() == [-1]


def test_baseline_of_another_model_is_refused():
    other = BaselineRecorder(("neutral", "happy"), seconds=0.1)
    for i in range(9):
        other.add(i / 10, np.array([0.7, 0.3]))
    with pytest.raises(OptionError, match="another model"):
        BaselineFilter()(0.0, make_faces(["sad"], ids=[1]), {1: other.baseline("Ann")})
