"""From clip to crop: the detector's crops of FER2013-like pictures are the squares that the network was trained on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.fer2013 import fer2013

from fer_core.faces.alignment import crop_square
from fer_core.faces.detector import FaceDetector
from fer_core.models.preprocessing import CROP_SIDE, INPUT_SIDE, standardize
from fer_core.training.augmentation import Augmentation, augment

SIDE = 192
"""Pixels of a training image in the picture that the detector sees."""

MARGIN = 96


def picture(image: np.ndarray) -> np.ndarray:
    """A training image, enlarged, in the middle of a larger picture."""
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR)


@pytest.fixture(scope="module")
def found() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(images, squares, landmarks) of 400 training images, in units of the image's side, and the share found."""
    data = fer2013().split("Training")
    images = data.images[np.random.default_rng(1).permutation(len(data))[:400]]
    detector = FaceDetector(side=384)
    kept, squares, points = [], [], []
    for image in images:
        faces = detector(picture(image))
        if len(faces.boxes):
            x, y, side, roll = crop_square(faces.boxes[0], faces.landmarks[0])
            squares.append([(x - MARGIN) / SIDE, (y - MARGIN) / SIDE, side / SIDE, roll])
            points.append((faces.landmarks[0] - MARGIN) / SIDE)
            kept.append(image)
    return np.array(kept), np.array(squares), np.array(points), len(kept) / len(images)


def test_nearly_all_faces_are_found(found) -> None:
    assert found[3] > 0.9


def test_the_crop_is_the_training_image(found) -> None:
    x, y, side, roll = np.median(found[1], 0)
    assert x == pytest.approx(0.5, abs=0.02)
    assert y == pytest.approx(0.5, abs=0.03)
    assert side == pytest.approx(1.0, abs=0.04)
    assert roll == 0
    low, high = Augmentation().scale
    assert np.percentile(found[1][:, 2], 10) > low * 0.9 and np.percentile(found[1][:, 2], 90) < high * 1.1
    assert (np.percentile(np.abs(found[1][:, :2] - 0.5), 80, 0) < Augmentation().shift).all()


def test_eyes_and_mouth_lie_where_training_images_have_them(found) -> None:
    _, squares, points, _ = found
    corner = squares[:, None, :2] - squares[:, None, 2:3] / 2
    inside = (points - corner) / squares[:, None, 2:3]
    eyes, mouth = inside[:, :2].mean(1), inside[:, 3:].mean(1)
    distance = np.hypot(*(inside[:, 1] - inside[:, 0]).T)
    assert np.median(eyes[:, 0]) == pytest.approx(0.5, abs=0.02)
    assert np.median(eyes[:, 1]) == pytest.approx(0.39, abs=0.03)
    assert np.median(distance) == pytest.approx(0.37, abs=0.025)
    assert np.median(mouth[:, 1]) == pytest.approx(0.76, abs=0.03)


def test_training_crop_and_inference_crop_are_the_same_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, CROP_SIDE, CROP_SIDE), np.uint8)
    nothing = Augmentation(0.0, (1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    trained = standardize(augment(image, np.random.default_rng(1), nothing))[0]
    assert trained.shape == (INPUT_SIDE, INPUT_SIDE, 1)
    predicted = standardize(image)[0]
    assert any(np.allclose(trained, view, atol=1e-5) for view in (predicted, predicted[:, ::-1]))
