"""Who is in each image, from a column of the dataset's file."""

import gzip

import numpy as np
import pytest

from fer_core.datasets.readers import read_dataset
from fer_core.datasets.subjects import read_subjects
from fer_core.errors import DatasetError

IMAGES = np.random.default_rng(0).integers(0, 255, (3, 48, 48)).astype(np.uint8)


def lines(separator: str = ",") -> str:
    pixels = [" ".join(map(str, image.ravel())) for image in IMAGES]
    rows = [["subject", "emotion", "pixels"], ["Ann", "6", pixels[0]], ["nobody", "99", pixels[1]]]
    rows += [["", "3", pixels[1]], ['"Bo, C"' if separator == "," else "Bo, C", "0", pixels[2]]]
    return "\n".join(separator.join(row) for row in rows) + "\n"


@pytest.mark.parametrize("separator", [",", ";"])
def test_lines_that_were_left_out_do_not_shift_people(tmp_path, separator):
    path = tmp_path / "a.csv"
    path.write_text(lines(separator))
    data, skipped = read_dataset(path)
    assert len(skipped) == 1
    assert read_subjects(path, data, "Subject").tolist() == ["Ann", "", "Bo, C"]


def test_gzip_and_npz(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(lines().encode()))
    assert read_subjects(path, read_dataset(path)[0], "subject")[0] == "Ann"
    path = tmp_path / "a.npz"
    np.savez(path, images=IMAGES, labels=np.array(["happy", "sad", "sad"]), who=np.array([7, 7, 9]))
    data = read_dataset(path)[0]
    assert read_subjects(path, data, "who").tolist() == ["7", "7", "9"]
    with pytest.raises(DatasetError, match="no array 'subject'; it has: images, labels, who"):
        read_subjects(path, data, "subject")
    with pytest.raises(DatasetError, match="one entry for each of 2 images"):
        read_subjects(path, data.select([0, 1]), "who")


def test_files_without_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(lines())
    data = read_dataset(path)[0]
    with pytest.raises(DatasetError, match="no column 'who'; it has: subject, emotion, pixels"):
        read_subjects(path, data, "who")
    with pytest.raises(DatasetError, match="has no columns"):
        read_subjects(tmp_path, data, "subject")
    path.unlink()
    with pytest.raises(DatasetError, match="cannot be read again"):
        read_subjects(path, data, "subject")
