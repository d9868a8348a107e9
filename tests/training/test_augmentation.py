import dataclasses

import cv2
import numpy as np
import pytest
from helpers.fakes import portrait, real_recognizer

from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import FaceDetector
from fer_core.training.augmentation import Augmentation, augment

NOTHING = Augmentation(0.0, (1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def smile() -> np.ndarray:
    found = FaceDetector()(portrait())
    return crop_faces(portrait(), found.boxes[:1], found.landmarks[:1])


def test_without_change_it_cuts_the_middle_or_mirrors_it():
    crop = smile()
    middle = crop[0, 2:46, 2:46]
    found = augment(np.repeat(crop, 40, 0), np.random.default_rng(0), NOTHING)
    straight = [(image == middle).all() for image in found]
    mirrored = [(image == middle[:, ::-1]).all() for image in found]
    assert all(a or b for a, b in zip(straight, mirrored, strict=True))
    assert 8 < sum(mirrored) < 32


def test_networks_that_see_the_whole_crop_get_all_of_it():
    crop = smile()
    found = augment(np.repeat(crop, 20, 0), np.random.default_rng(0), NOTHING, 48)
    assert all((image == crop[0]).all() or (image == crop[0, :, ::-1]).all() for image in found)
    assert augment(crop, np.random.default_rng(0), Augmentation(), 48).shape == (1, 48, 48)


def test_shapes_and_types():
    out = augment(smile(), np.random.default_rng(0), Augmentation())
    assert out.shape == (1, 44, 44) and out.dtype == np.uint8
    assert augment(smile()[:0], np.random.default_rng(0), Augmentation()).shape == (0, 44, 44)


def test_the_seed_decides_all_and_the_input_stays():
    crops = np.repeat(smile(), 30, 0)
    before = crops.copy()
    one, same, other = (augment(crops, np.random.default_rng(seed), Augmentation()) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    np.testing.assert_array_equal(crops, before)
    assert len(np.unique(one.reshape(30, -1), axis=0)) == 30


@pytest.mark.parametrize(
    "field",
    ["rotate", "scale", "shift", "light_p", "jpeg_p", "blur_p", "shrink_p", "side_light_p", "erase_p", "noise_p"],
)
def test_each_change_changes_something(field):
    value = {"rotate": 15.0, "scale": (0.8, 1.25), "shift": 0.1}.get(field, 1.0)
    crops = np.repeat(smile(), 4, 0)
    middle = crops[0, 2:46, 2:46]
    for image in augment(crops, np.random.default_rng(0), dataclasses.replace(NOTHING, **{field: value})):
        assert (image != middle).any() and (image != middle[:, ::-1]).any()


def test_low_light_leaves_a_darker_noisier_picture():
    gray = np.full((50, 48, 48), 128, np.uint8)
    out = augment(gray, np.random.default_rng(0), dataclasses.replace(NOTHING, noise_p=1.0)).astype(float)
    assert out.mean((1, 2)).max() < 90 and out.std((1, 2)).min() > 0.2


def test_shifts_and_rolls_stay_within_what_was_asked():
    dot = np.zeros((200, 48, 48), np.uint8)
    dot[:, 22:26, 22:26] = 255
    for how, reach in ((dataclasses.replace(NOTHING, shift=0.1), 4.8), (dataclasses.replace(NOTHING, rotate=30), 0.3)):
        at = [np.array(cv2.minMaxLoc(cv2.blur(i, (5, 5)))[3]) for i in augment(dot, np.random.default_rng(0), how)]
        far = np.abs(np.array(at) - 21.5).max()
        assert far <= reach + 1
        assert far > 0.6 * reach


def test_a_varied_smile_still_looks_like_one():
    crops = np.repeat(smile(), 100, 0)
    padded = np.pad(augment(crops, np.random.default_rng(0), Augmentation.weak()), ((0, 0), (2, 2), (2, 2)), "edge")
    classifier = real_recognizer().classifier
    happy = classifier(padded)[:, classifier.labels.index("happy")]
    assert (happy > 0.5).mean() > 0.95
