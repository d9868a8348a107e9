"""FER2013 as people have it, the table and the pictures in folders: the same images with the same labels either way."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from helpers.fer2013 import unpacker

from fer_core.curation.quality_report import check_dataset
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_dataset
from fer_core.labels import FER7


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset, np.ndarray]:
    """As read from the table with votes and from the folders; and each line's row in the original file."""
    tool = unpacker()
    folder = tmp_path_factory.mktemp("fer2013")
    everything = images, labels, usage, _, rows = tool.load()
    words = [str(level) for level in range(256)]
    with open(folder / "fer2013.csv", "w") as file:  # what tool.write_csv writes, in a quarter of the time
        file.write("emotion,pixels,Usage\n")
        for image, label, use in zip(images, labels, usage, strict=True):
            pixels = " ".join(map(words.__getitem__, image.tobytes()))
            file.write(f"{tool.KAGGLE_CODES[label]},{pixels},{use}\n")
    tool.write_ferplus(folder / "fer2013new.csv", *everything)
    tool.write_folder(folder / "pictures", *everything)
    table, left = read_dataset(folder / "fer2013.csv", folder / "fer2013new.csv", keep=False)
    pictures, out = read_dataset(folder / "pictures", keep=False)
    assert len(left) == len(out) == 0
    return table, pictures, rows


def test_the_same_images_and_labels_both_ways(layouts: tuple[Dataset, Dataset, np.ndarray]) -> None:
    table, pictures, rows = layouts
    assert len(table) == len(pictures) == 32_297 and table.names == pictures.names == FER7
    order = np.argsort(pictures.rows)  # folders are read by label; a file's name has the row of the original table
    np.testing.assert_array_equal(pictures.rows[order], rows)
    np.testing.assert_array_equal(pictures.labels[order], table.labels)
    np.testing.assert_array_equal(pictures.splits[order], table.splits)
    # The pictures are JPEG files, so grey levels differ a little; the next image is far.
    far = np.empty((2, len(table)))
    for i, k in enumerate(order):
        own = pictures.images[k].astype(np.int16)
        far[:, i] = np.abs(own - table.images[i]).mean(), np.abs(own - table.images[i - 1]).mean()
    assert far[0].max() < 4 and far[0].mean() < 1.5
    assert (far[0] < far[1]).sum() > 0.999 * len(table)  # a copy may be the next


def test_the_table_is_what_was_unpacked(layouts: tuple[Dataset, Dataset, np.ndarray]) -> None:
    table, _, _ = layouts
    images, labels, usage, votes, _ = unpacker().load()
    np.testing.assert_array_equal(table.images, images)
    np.testing.assert_array_equal(table.votes, votes)
    assert [table.names[i] for i in table.labels] == labels.tolist() and table.splits.tolist() == usage.tolist()
    assert Counter(table.splits.tolist()) == {"Training": 28_708, "PublicTest": 3_589}


def test_the_faults_counted_a_second_way(layouts: tuple[Dataset, Dataset, np.ndarray]) -> None:
    """By sorting the pixels of what was unpacked; `check_dataset` puts the images of the table into a dictionary."""
    images, labels, usage, votes, _ = unpacker().load()
    found = check_dataset(layouts[0])
    flat = images.reshape(len(images), -1)
    _, group, size = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    per_group = [[set(what[group == k].tolist()) for k in np.flatnonzero(size > 1)] for what in (usage, labels)]
    assert len(found.groups) == (size > 1).sum() == 1273
    assert sum(map(len, found.groups)) == size[size > 1].sum()
    assert len(found.crossing) == sum(where == {"Training", "PublicTest"} for where in per_group[0]) == 270
    assert len(found.conflicting) == sum(len(said) > 1 for said in per_group[1]) == 48

    # Blank: black all over, or so few greys so near each other that nothing can be seen. Nobody voted on any of them.
    blank = np.flatnonzero(np.ptp(flat, axis=1) < 10)
    assert found.blank.tolist() == blank.tolist() and len(blank) == 13
    assert (flat[blank] == 0).all(1).sum() == 12 and not votes[blank].any()
