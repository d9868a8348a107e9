"""Frames measured beforehand, in any order, are followed as if their pictures were at hand."""

from __future__ import annotations

import numpy as np
from helpers import fakes

from fer_core.labels import FER7
from fer_core.tracking.features import measure_frame
from fer_core.tracking.tracker import Tracker


def test_following_measured_frames_gives_what_update_gives() -> None:
    recognize = fakes.FakeRecognizer()
    images = [fakes.patch_frame([(10 + 3 * i, 30, 30), (100, 40 + 2 * i, 24)], seed=i // 6) for i in range(12)]
    faces = [recognize(image) for image in images]
    features = {i: measure_frame(images[i], faces[i].boxes) for i in reversed(range(12))}
    assert all(len(features[i].descriptors) == 2 for i in range(12))
    first, second = Tracker(FER7), Tracker(FER7)
    for i in range(12):
        expected = first.update(i, i / 10, faces[i], images[i])
        received = second.follow(i, i / 10, faces[i], features[i])
        assert received.shot == expected.shot
        np.testing.assert_array_equal(received.faces.track_ids, expected.faces.track_ids)
        np.testing.assert_array_equal(received.faces.smoothed, expected.faces.smoothed)
