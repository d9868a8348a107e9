import dataclasses

import numpy as np
import pytest
from helpers.fakes import make_faces

from fer_core.labels import FER7
from fer_core.types import FaceMeasures, FaceQuality, Faces, FrameResult, MeasureGap


def test_no_face_is_a_normal_result():
    none = Faces.none(FER7)
    assert none.empty and len(none) == 0 and list(none) == []
    assert none.probabilities.shape == (0, 7)
    assert none[np.zeros(0, bool)].empty


@pytest.mark.parametrize("column", [f.name for f in dataclasses.fields(Faces) if f.name != "labels"])
def test_a_wrong_shape_is_refused_with_both_shapes(column):
    faces = make_faces(["happy", "sad"])
    wrong = np.zeros((3, 9))
    with pytest.raises(ValueError, match=rf"Faces.{column} must have shape \((2|3),") as e:
        dataclasses.replace(faces, **{column: wrong})
    assert "received (" in str(e.value)


def test_frozen():
    faces = make_faces(["happy"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        faces.boxes = faces.boxes  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        FrameResult(0, 0.0, faces).index = 2  # type: ignore[misc]


def test_choosing_faces_keeps_rows_together():
    faces = make_faces(["happy", "sad", "fear"], ids=[5, 6, 7], quality=[0, 1, 2])
    for rows in (np.array([True, False, True]), np.array([0, 2]), slice(None, None, 2)):
        chosen = faces[rows]
        assert chosen.track_ids.tolist() == [5, 7]
        assert chosen.quality.tolist() == [0, 2]
        assert [FER7[i] for i in chosen.predicted] == ["happy", "fear"]
        assert chosen.labels == FER7
        np.testing.assert_array_equal(chosen.boxes, faces.boxes[[0, 2]])
    assert [int(face.track_ids[0]) for face in faces] == [5, 6, 7]
    assert all(len(face) == 1 for face in faces)


def test_detected_shows_the_likeliest_and_unsure_where_flagged():
    p = np.array([[0.1, 0.9], [0.8, 0.2]])
    box, points = np.zeros((2, 4)), np.zeros((2, 5, 2))
    faces = Faces.detected(box, np.ones(2), points, p, ("a", "b"), np.array([0, FaceQuality.BLURRED]))
    assert faces.predicted.tolist() == [1, -1]
    assert faces.track_ids.tolist() == [-1, -1]
    assert faces.boxes.dtype == faces.probabilities.dtype == np.float32
    np.testing.assert_array_equal(faces.smoothed, faces.probabilities)


def test_scaled_moves_boxes_and_landmarks_alone():
    faces = make_faces(["happy"])
    twice = faces.scaled(2)
    np.testing.assert_allclose(twice.boxes, 2 * faces.boxes)
    np.testing.assert_allclose(twice.landmarks, 2 * faces.landmarks)
    assert twice.boxes.dtype == np.float32
    assert twice.probabilities is faces.probabilities


def test_quality_in_words():
    assert FaceQuality.GOOD.words == "good"
    assert FaceQuality.SMALL.words == "small"
    assert (FaceQuality.DARK | FaceQuality.SMALL | FaceQuality.TURNED).words == "small+turned+dark"
    assert FaceQuality(31).words == "small+blurred+turned+dark+doubtful"
    assert max(FaceQuality) < 256  # kept in a byte


def measures(n: int) -> FaceMeasures:
    return FaceMeasures(("a", "b"), np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n, dtype=np.uint8))


def test_measures_go_with_their_faces():
    faces = dataclasses.replace(make_faces(["happy", "sad", "fear"]), measures=measures(3))
    chosen = faces[np.array([2, 0])]
    assert chosen.measures.values.tolist() == [[4, 5], [0, 1]] and chosen.measures.gaps.tolist() == [2, 0]
    assert faces.scaled(2).measures is faces.measures
    assert [len(face.measures) for face in faces] == [1, 1, 1]
    assert make_faces(["happy", "sad"])[:1].measures is None


@pytest.mark.parametrize("values", [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(2)])
def test_measures_of_a_wrong_shape_are_refused(values):
    with pytest.raises(ValueError, match=r"values of shape \(n, 2\) and gaps of shape \(n,\); received"):
        FaceMeasures(("a", "b"), values, np.zeros(2, np.uint8))


def test_gaps_in_words():
    assert MeasureGap.NONE.words == ""
    assert (MeasureGap.EYES_COVERED | MeasureGap.SMALL).words == "small+eyes covered"
    assert max(MeasureGap) < 256  # kept in a byte
