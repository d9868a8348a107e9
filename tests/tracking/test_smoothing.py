from __future__ import annotations

import numpy as np
import pytest

from fer_core.errors import OptionError
from fer_core.tracking.smoothing import FLAGGED_WEIGHT, ExpressionFilter, OneEuro, Smoothing

LABELS = 3


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max())
    return e / e.sum()


def test_mean_equals_the_closed_form_at_irregular_times():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.5, 12))
    rows = rng.dirichlet([2, 2, 2], 12)
    for time_constant in (0.1, 0.4, 2.0):
        filter_ = ExpressionFilter(Smoothing(time_constant=time_constant))
        for n, (seconds, row) in enumerate(zip(times, rows, strict=True)):
            smoothed, _ = filter_.update(seconds, row, True, 1.0)
            decay = np.exp(-(seconds - times[: n + 1]) / time_constant)
            # Frame i holds what is left of it minus what was left when it came in; the first one holds the rest.
            weights = np.concatenate([decay[:1], decay[1:] - np.exp(-(seconds - times[:n]) / time_constant)])
            np.testing.assert_allclose(weights.sum(), 1, atol=1e-9)
            np.testing.assert_allclose(smoothed, softmax(weights @ np.log(rows[: n + 1])), atol=1e-6)


def test_the_mean_does_not_depend_on_the_sampling_rate():
    ends = []
    for rate in (5, 10, 60):
        filter_ = ExpressionFilter(Smoothing())
        filter_.update(0.0, np.array([0.8, 0.1, 0.1]), True, 1.0)
        for k in range(1, rate + 1):
            smoothed, _ = filter_.update(k / rate, np.array([0.1, 0.1, 0.8]), True, 1.0)
        ends.append(smoothed)
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)
    np.testing.assert_allclose(ends[0], ends[2], atol=1e-6)


def test_smoothing_off_returns_the_raw_row():
    filter_ = ExpressionFilter(Smoothing(time_constant=0))
    for k, row in enumerate(np.eye(3, dtype=np.float32)):
        np.testing.assert_array_equal(filter_.update(k / 30, row, k != 1, 1.0)[0], row)


def test_a_certain_network_cannot_outvote_the_rest():
    filter_ = ExpressionFilter(Smoothing())
    for k in range(30):
        filter_.update(k / 30, np.array([0.9, 0.05, 0.05]), True, 1.0)
    smoothed, predicted = filter_.update(1.0, np.array([0.0, 1.0, 0.0]), True, 1.0)
    assert predicted == 0 and smoothed[0] > 0.7 and np.isfinite(smoothed).all()


def test_the_mean_starts_anew_after_a_gap():
    filter_ = ExpressionFilter(Smoothing(time_constant=30))
    filter_.update(0.0, np.array([0.9, 0.05, 0.05]), True, 1.0)
    assert filter_.update(1.0, np.array([0.05, 0.9, 0.05]), True, 1.0)[0].argmax() == 0
    smoothed, predicted = filter_.update(2.5, np.array([0.05, 0.9, 0.05]), True, 1.0)
    np.testing.assert_allclose(smoothed, [0.05, 0.9, 0.05], atol=1e-6)
    assert predicted == 1


def test_flagged_frames_count_a_quarter_and_only_until_a_good_one():
    first, second = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.8, 0.1])
    filter_ = ExpressionFilter(Smoothing(time_constant=0.4))
    filter_.update(0.0, first, True, 1.0)
    smoothed, _ = filter_.update(0.2, second, False, 1.0)
    weight = 1 - np.exp(-FLAGGED_WEIGHT * 0.2 / 0.4)
    np.testing.assert_allclose(smoothed, softmax((1 - weight) * np.log(first) + weight * np.log(second)), atol=1e-6)

    filter_ = ExpressionFilter(Smoothing())
    for k in range(10):
        filter_.update(k / 10, first, False, 1.0)
    np.testing.assert_allclose(filter_.update(1.0, second, True, 1.0)[0], second, atol=1e-6)


def shown_after(rows: list[list[float]], step: float, **settings: float) -> list[int]:
    filter_ = ExpressionFilter(Smoothing(time_constant=0, **settings))
    return [filter_.update(k * step, np.array(row), True, 1.0)[1] for k, row in enumerate(rows)]


def test_a_small_lead_is_shown_after_the_hold():
    old, new = [0.5, 0.4, 0.1], [0.43, 0.5, 0.07]
    assert shown_after([old] * 3 + [new] * 8, 0.1, min_dwell_s=0.3) == [0] * 6 + [1] * 5
    assert shown_after([old] * 3 + [new] * 2, 0.1, min_dwell_s=0.0) == [0, 0, 0, 1, 1]


def test_a_flickering_lead_is_not_shown():
    old, new = [0.5, 0.4, 0.1], [0.43, 0.5, 0.07]
    assert set(shown_after([old] + [new, new, old] * 10, 0.1, min_dwell_s=0.3)) == {0}


def test_a_change_of_leader_starts_the_hold_again():
    a, b, c = [0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4]
    assert shown_after([a, b, b, c, c, c, c], 0.1, min_dwell_s=0.3) == [0, 0, 0, 0, 0, 0, 2]


def test_a_clear_lead_is_shown_at_once():
    assert shown_after([[0.5, 0.4, 0.1], [0.3, 0.6, 0.1]], 0.1) == [0, 1]
    assert shown_after([[0.5, 0.4, 0.1], [0.3, 0.6, 0.1]], 0.1, switch_margin=0.4) == [0, 0]


@pytest.mark.parametrize("name,value", [("time_constant", -0.1), ("min_dwell_s", float("nan")), ("switch_margin", 1.5)])
def test_smoothing_names_the_wrong_setting(name, value):
    with pytest.raises(OptionError, match=name):
        Smoothing(**{name: value})


def trembling_box(speed: float, size: float, rate: int = 30, noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(0, 4, 1 / rate)
    clean = np.array([0, 0, size, size]) + (speed * size * times)[:, None]
    return clean, clean + np.random.default_rng(0).normal(0, noise * size, clean.shape)


@pytest.mark.parametrize("size", [30.0, 400.0])
def test_one_euro_steadies_a_face_at_rest_and_keeps_up_with_a_moving_one(size):
    for speed in (0.0, 4.0):
        clean, noisy = trembling_box(speed, size)
        filter_ = OneEuro()
        steady = np.array([filter_(k / 30, box) for k, box in enumerate(noisy)])[30:]
        error = np.abs(steady - clean[30:]).mean() / size
        assert error < (0.005 if speed == 0 else 0.06)
    assert steady.shape[1] == 4 and steady.dtype == np.float32


def test_one_euro_does_not_depend_on_the_resolution():
    _, noisy = trembling_box(1.0, 100.0)
    small, large = OneEuro(), OneEuro()
    for k, box in enumerate(noisy):
        np.testing.assert_allclose(4 * small(k / 30, box), large(k / 30, 4 * box), rtol=1e-5)


def test_one_euro_equals_the_paper_for_a_step():
    filter_ = OneEuro(min_cutoff=1.0, beta=0.0)
    filter_(0.0, np.array([0.0, 0.0, 100.0, 100.0]))
    moved = filter_(0.1, np.array([10.0, 10.0, 110.0, 110.0]))
    alpha = 1 / (1 + (1 / (2 * np.pi * 1.0)) / 0.1)
    np.testing.assert_allclose(moved, np.array([0, 0, 100, 100]) + 10 * alpha, rtol=1e-6)


def test_one_euro_and_odd_times():
    filter_ = OneEuro()
    box = np.array([0.0, 0.0, 10.0, 10.0])
    filter_(1.0, box)
    np.testing.assert_array_equal(filter_(1.0, box + 5), box)
    np.testing.assert_array_equal(filter_(0.5, box + 7), box + 7)
    with pytest.raises(OptionError):
        OneEuro(0.0)
    with pytest.raises(ValueError, match="shape"):
        filter_(2.0, np.zeros((2, 4)))
