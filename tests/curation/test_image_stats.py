"""Measures of images: against plain loops, at their limits, and on images that stand far out."""

from __future__ import annotations

import numpy as np

from fer_core.curation.image_stats import STATISTICS, histogram, image_stats, outliers
from fer_core.datasets.dataset import Dataset

RNG = np.random.default_rng(0)


def test_measures_against_plain_loops():
    images = RNG.integers(0, 256, (3, 6, 5)).astype(np.uint8)
    table = image_stats(images)
    assert tuple(table) == STATISTICS
    for image, row in zip(images.astype(float), table.to_numpy(), strict=True):
        laplacian = [
            image[y - 1, x] + image[y + 1, x] + image[y, x - 1] + image[y, x + 1] - 4 * image[y, x]
            for y in range(1, 5)
            for x in range(1, 4)
        ]
        np.testing.assert_allclose(row, [image.mean(), image.std(), np.std(laplacian)], rtol=1e-4)


def test_measures_of_none_and_of_more_than_a_part():
    assert image_stats(np.zeros((0, 48, 48), np.uint8)).shape == (0, 3)
    images = np.zeros((1500, 4, 4), np.uint8)
    images[1400] = 200
    table = image_stats(images)
    assert len(table) == 1500 and table["brightness"].to_numpy().nonzero()[0].tolist() == [1400]


def test_a_histogram_counts_every_value_once():
    values = np.array([0, 1, 2, 3, 4, 4], np.float32)
    table = histogram(values, 4)
    assert table["images"].tolist() == [1, 1, 1, 3] and table["low"].tolist() == [0, 1, 2, 3]
    assert table["high"].iloc[-1] == 4
    assert histogram(np.full(7, 5.0))["images"].sum() == 7
    assert histogram(np.zeros(0))["images"].sum() == 0


def test_what_stands_far_out_is_odd():
    images = np.clip(RNG.normal(128, 40, (60, 48, 48)) + RNG.normal(0, 10, (60, 1, 1)), 0, 255).astype(np.uint8)
    images[3] = images[3] // 16  # dark, flat and smooth
    images[7] = 0  # blank, which is told elsewhere
    images[9] = np.where(np.indices((48, 48)).sum(0) % 2, 255, 0)  # a chessboard
    votes = np.zeros((60, 10), np.uint8)
    votes[:, 0] = 10
    votes[11] = [4, 0, 0, 0, 0, 0, 0, 0, 0, 6]
    votes[12] = [5, 0, 0, 0, 0, 0, 0, 0, 0, 5]
    data = Dataset(images, np.zeros(60, np.int64), ("happy",), np.array(["Training"] * 60), votes)
    found = outliers(data, image_stats(images))
    assert set(found) == {3, 9, 11}
    assert found[3] == "very dark, very flat, very blurred" and next(iter(found)) == 3
    assert "very sharp" in found[9] and found[11] == "no face, people say"


def test_images_that_are_all_alike_are_not_odd():
    for image in (np.zeros((48, 48)), RNG.integers(0, 256, (48, 48))):
        images = np.repeat(image[None].astype(np.uint8), 4, 0)
        data = Dataset(images, np.zeros(4, np.int64), ("happy",), np.array(["Training"] * 4))
        assert outliers(data, image_stats(images)) == {}
