"""Images are made worse as said, and by no more than said."""

import numpy as np
import pytest

from fer_core.evaluation.corruptions import CONDITIONS, TITLES, UNTOUCHED, corrupt

FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_amount_keeps_the_form_and_one_leaves_all_as_it_is(condition):
    for amount in CONDITIONS[condition]:
        found = corrupt(FACES, condition, amount)
        assert found.shape == FACES.shape and found.dtype == np.uint8
        assert (found == FACES).all() == (amount == UNTOUCHED[condition])
    assert UNTOUCHED[condition] in CONDITIONS[condition] and condition in TITLES
    assert corrupt(FACES[:0], condition, 0.5).shape == (0, 48, 48)


def test_smaller_is_the_mean_of_blocks():
    flat = FACES[:, :24, :24].repeat(2, 1).repeat(2, 2)
    found = corrupt(flat, "size", 24.0)
    assert abs(float(found.mean()) - float(flat.mean())) < 1
    spread = [corrupt(FACES, "size", side).std() for side in (12.0, 24.0, 48.0)]
    assert spread == sorted(spread)


def test_blur_has_the_deviation_said():
    dot = np.zeros((1, 48, 48), np.uint8)
    dot[0, 24, 24] = 255
    found = corrupt(dot, "blur", 1.3)[0].astype(float)
    y, x = np.mgrid[:48, :48] - 24
    gauss = np.exp(-(x**2 + y**2) / (2 * 1.3**2))
    np.testing.assert_allclose(found, 255 * gauss / gauss.sum(), atol=1)


def test_brightness_multiplies_and_stops_at_white():
    found = corrupt(np.array([[[0, 50, 100, 200]]], np.uint8), "brightness", 1.5)
    assert found.tolist() == [[[0, 75, 150, 255]]]


@pytest.mark.parametrize("amount, corner", [(20.0, "right"), (-20.0, "left")])
def test_roll_is_clockwise(amount, corner):
    bar = np.zeros((1, 48, 48), np.uint8)
    bar[0, :24, 23:25] = 255  # a hand of a clock that shows twelve
    top = corrupt(bar, "roll", amount)[0, 5].astype(float)
    where = (top * np.arange(48)).sum() / top.sum()
    assert where > 27 if corner == "right" else where < 20


def test_an_unknown_condition():
    with pytest.raises(ValueError, match="size, blur, brightness, roll"):
        corrupt(FACES, "rain", 1.0)
