import numpy as np
import pytest

from fer_core.datasets.readers import read_fer2013
from fer_core.errors import DatasetError
from fer_core.labels import FER7, FERPLUS_VOTES

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 48, 48), dtype=np.uint8)
CODES = [3, 6, 0, 5]
USAGE = ["Training", "Training", "PublicTest", "PrivateTest"]


def write(path, *, header="emotion,pixels,Usage", order=(0, 1, 2), rows=None, bom=""):
    if rows is None:
        rows = [(str(c), " ".join(map(str, i.ravel())), u) for c, i, u in zip(CODES, IMAGES, USAGE, strict=True)]
    lines = [header, *(",".join(row[i] for i in order) for row in rows)]
    path.write_text(bom + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_votes(path, rows, header=(*FERPLUS_VOTES[:-1], "NF")):
    lines = [",".join(["Usage", "Image name", *header])]
    lines += [",".join(["Training", f"fer{i:07d}.png", *map(str, row)]) for i, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bom": "\ufeff"},
        {"header": "emotion, Usage, pixels", "order": (0, 2, 1)},  # as in icml_face_data.csv
        {"header": "Usage,emotion,pixels", "order": (2, 0, 1)},
    ],
)
def test_the_kaggle_file(tmp_path, how):
    data = read_fer2013(write(tmp_path / "fer2013.csv", **how))
    np.testing.assert_array_equal(data.images, IMAGES)
    assert data.images.dtype == np.uint8 and data.names == FER7
    assert [data.names[i] for i in data.labels] == ["happy", "neutral", "angry", "surprise"]
    assert data.splits.tolist() == USAGE
    assert len(data) == 4 and not data.votes.any()


def test_splits(tmp_path):
    data = read_fer2013(write(tmp_path / "fer2013.csv"))
    part = data.split("PublicTest")
    assert len(part) == 1 and part.names == FER7
    np.testing.assert_array_equal(part.images[0], IMAGES[2])
    with pytest.raises(DatasetError, match=r"'Test'.*PrivateTest, PublicTest, Training"):
        data.split("Test")


def test_votes(tmp_path):
    rows = [[i] + [0] * 8 + [10 - i] for i in range(4)]
    data = read_fer2013(write(tmp_path / "a.csv"), write_votes(tmp_path / "fer2013new.csv", rows))
    assert data.votes.tolist() == rows
    assert data.split("PublicTest").votes.tolist() == [rows[2]]


def test_votes_of_other_images(tmp_path):
    images = write(tmp_path / "a.csv")
    with pytest.raises(DatasetError, match=r"votes\.csv has 3 rows and a\.csv has 4"):
        read_fer2013(images, write_votes(tmp_path / "votes.csv", [[0] * 10] * 3))
    with pytest.raises(DatasetError, match=r"no column NF; is it fer2013new\.csv"):
        read_fer2013(images, write_votes(tmp_path / "votes.csv", [[0] * 10] * 4, (*FERPLUS_VOTES[:-1], "not_face")))
    with pytest.raises(DatasetError, match=r"Line 2 of votes\.csv cannot be read"):
        read_fer2013(images, write_votes(tmp_path / "votes.csv", [["x"] * 10] * 4))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no column pixels\..*this one has: emotion, Usage"):
        read_fer2013(write(tmp_path / "a.csv", header="emotion,Usage"))
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(DatasetError, match="empty"):
        read_fer2013(tmp_path / "empty.csv")


PIXELS = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("3", "1 2 3", "Training"), "Line 2 of a.csv has 3 pixels where 2304 are needed"),
        (("3", "", "Training"), "Line 2 of a.csv has 0 pixels"),
        (("7", PIXELS, "Training"), "Line 2 of a.csv has a label that is no code from 0 to 6"),
        (("smug", PIXELS, "Training"), "Line 2 of a.csv has a label"),
        (("3", PIXELS.replace("7", "300", 1), "Training"), "Line 2 of a.csv has the grey level 300"),
        (("3", PIXELS.replace("7", "-1", 1), "Training"), "Line 2 of a.csv has the grey level -1"),
        (("3", PIXELS.replace("7", "x", 1), "Training"), "Line 2 of a.csv has something else than numbers"),
        (("3", "1" * 200_000, "Training"), "Line 2 of a.csv breaks off"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, message):
    with pytest.raises(DatasetError, match=message):
        read_fer2013(write(tmp_path / "a.csv", rows=[row]))


def test_a_row_that_breaks_off(tmp_path):
    path = write(tmp_path / "a.csv")
    path.write_bytes(path.read_bytes()[:-8000])
    with pytest.raises(DatasetError, match=r"Line 5 of a\.csv"):
        read_fer2013(path)


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(DatasetError, match="lists no image"):
        read_fer2013(write(tmp_path / "a.csv", rows=[]))
    with pytest.raises(DatasetError, match=r"gone\.csv cannot be opened"):
        read_fer2013(tmp_path / "gone.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="has no picture in a folder"):
        read_fer2013(tmp_path / "empty")
    (tmp_path / "b.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    with pytest.raises(DatasetError, match=r"b\.csv is a single picture"):
        read_fer2013(tmp_path / "b.csv")
