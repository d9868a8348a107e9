"""Every layout that people have, and what is wrong with it in one sentence."""

import gzip
import io
import zipfile

import cv2
import numpy as np
import pytest

from fer_core.datasets.readers import open_dataset, read_dataset
from fer_core.errors import DatasetError

RNG = np.random.default_rng(0)
FACES = np.stack([cv2.resize(RNG.integers(0, 256, (8, 8), np.uint8), (48, 48)) for _ in range(6)])


def csv_bytes(extra=(), ends="\n", usage=True, count=6):
    rows = ["emotion,pixels,Usage" if usage else "emotion,pixels"]
    for i, face in enumerate(FACES[:count]):
        rows.append(f"{i},{' '.join(map(str, face.ravel()))}" + (",Training" if usage else ""))
    return ends.join([*rows, *extra, ""]).encode()


def write(path, data):
    path.write_bytes(data)
    return path


def png(face):
    return cv2.imencode(".png", face)[1].tobytes()


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


TREE = {
    "fer/train/happy/1.png": png(FACES[0]),
    "fer/train/sad/2.png": png(FACES[1]),
    "fer/test/happy/3.png": png(cv2.resize(cv2.cvtColor(FACES[2], cv2.COLOR_GRAY2BGR), (60, 96))),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("pack", ["plain", "gzip", "zip"])
def test_one_table_in_three_wrappings(tmp_path, ends, bom, pack):
    data, path = bom + csv_bytes(ends=ends, usage=False), tmp_path / "train.csv"
    if pack == "zip":
        zip_of(path, {"x/train.csv": data, "x/read me.txt": b"hello"})
    else:
        path.write_bytes(gzip.compress(data) if pack == "gzip" else data)
    read, skipped = read_dataset(path)
    np.testing.assert_array_equal(read.images, FACES)
    assert set(read.splits) == {"Training"} and len(skipped) == 0


def test_bad_lines_are_left_out_and_counted(tmp_path):
    path = tmp_path / "a.csv"
    good = " ".join(["7"] * 2304)
    bad = [f"3,{good[2:]},Training", f"3,{good.replace('7', '300', 1)},Training", f"9,{good},Training"]
    path.write_bytes(csv_bytes(extra=bad))
    read, skipped = read_dataset(path)
    assert len(read) == 6 and len(skipped) == 3
    assert "1 has 2303 pixels where 2304 are needed (first: line 8)" in str(skipped)
    assert "grey level 300" in str(skipped) and "label that is no code" in str(skipped)


def test_line_ends_of_all_kinds_in_one_file(tmp_path):
    lines = csv_bytes().decode().split("\n")
    ends = ["\r\n", "\n", "\r", "\n", "\r\n", "\r", "\n", "\n"]
    mixed = "".join(line + end for line, end in zip(lines, ends, strict=True))
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + mixed.encode())
    read, skipped = read_dataset(tmp_path / "a.csv")
    np.testing.assert_array_equal(read.images, FACES)
    assert read.labels.tolist() == read_dataset(write(tmp_path / "b.csv", csv_bytes()))[0].labels.tolist()
    assert len(skipped) == 0


def test_how_many_lines_are_bad_and_the_first_of_each_kind(tmp_path):
    good = " ".join(["7"] * 2304)
    short, high = f"3,{good[2:]},Training", f"3,{good.replace('7', '300', 1)},Training"
    _, skipped = read_dataset(write(tmp_path / "a.csv", csv_bytes(extra=[short, high, short, short])))
    assert str(skipped).startswith(
        "4 left out: 3 has 2303 pixels where 2304 are needed (first: line 8); 1 has the grey"
    )
    assert "(first: line 9)" in str(skipped)
    with pytest.raises(DatasetError, match=r"Most of the 13 lines of b\.csv cannot be used\. 7 left out: .*line 8"):
        read_dataset(write(tmp_path / "b.csv", csv_bytes(extra=[short] * 7)))


def test_folders_and_the_same_in_a_zip(tmp_path):
    for name, data in TREE.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(data)
    (tmp_path / "tree/fer/train/fear").mkdir()
    (tmp_path / "tree/fer/train/happy/notes.doc").write_bytes(b"x")
    (tmp_path / "tree/fer/train/happy/broken.png").write_bytes(TREE["fer/train/happy/1.png"][:40])
    one, skipped = read_dataset(tmp_path / "tree")
    two, none = read_dataset(zip_of(tmp_path / "t.zip", TREE))
    assert one.names == two.names == ("happy", "sad") and one.fingerprint == two.fingerprint
    assert one.splits.tolist() == ["Test", "Training", "Training"] and len(none) == 0
    assert skipped.reasons == {"not a picture": 1, "a folder without a picture": 1, "no picture that can be read": 1}
    np.testing.assert_array_equal(one.images[1], FACES[0])


def test_a_zip_with_backslashes(tmp_path):
    """Some programs of Windows write them between folders."""
    usual, _ = read_dataset(zip_of(tmp_path / "t.zip", TREE))
    read, _ = read_dataset(zip_of(tmp_path / "w.zip", {name.replace("/", "\\"): data for name, data in TREE.items()}))
    np.testing.assert_array_equal(read.images, usual.images)
    assert read.names == usual.names and read.splits.tolist() == usual.splits.tolist()


def test_one_level_and_other_words_for_the_same(tmp_path):
    members = {"Happiness/1.png": png(FACES[0]), "bored/2.png": png(FACES[1])}
    read, _ = read_dataset(zip_of(tmp_path / "t.zip", members))
    assert read.names == ("bored", "happy") and set(read.splits) == {"Training"}


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", images=FACES, labels=np.array(["b", "a"] * 3))
    read, _ = read_dataset(tmp_path / "a.npz")
    assert read.names == ("a", "b") and read.labels.tolist() == [1, 0] * 3
    np.savez(tmp_path / "b.npz", images=FACES[:2], labels=np.zeros(6))
    np.savez(tmp_path / "c.npz", images=FACES)
    with pytest.raises(DatasetError, match="are needed"):
        read_dataset(tmp_path / "b.npz")
    with pytest.raises(DatasetError, match="no array labels"):
        read_dataset(tmp_path / "c.npz")


def bomb():
    return b"0" * 3_000_000


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 hello", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a single picture"),
        (b"a\0b", "no table"),
        (b"emotion,usage\n3,Training\n", "no column pixels"),
        (gzip.compress(csv_bytes())[:3000], "not whole"),
        (b"PK\x03\x04" + b"x" * 60, "no whole ZIP"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, data, says):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(DatasetError, match=says):
        read_dataset(tmp_path / "a.csv")


def test_zips_that_are_refused(tmp_path, monkeypatch):
    whole = zip_of(tmp_path / "a.zip", TREE).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    link = zipfile.ZipInfo("train/happy/x.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    zip_of(tmp_path / "out.zip", {"a/1.png": b"", "../x.png": TREE["fer/train/happy/1.png"], "/etc/y.png": b""})
    zip_of(tmp_path / "none.zip", {"x.txt": b"hello"})
    zip_of(tmp_path / "bomb.zip", {"a.csv": bomb()})
    (tmp_path / "bomb.csv").write_bytes(gzip.compress(csv_bytes() * 200))
    monkeypatch.setattr("fer_core.utils.archives.MOST_BYTES", 1_000_000)
    for name, says in {
        "half.zip": "no whole ZIP",
        "link.zip": "holds 1 that is a link to elsewhere, .*first: 'train/happy/x.png'",
        "out.zip": r"holds 2 with a name that leads out of the archive, .*first: '\.\./x\.png'",
        "none.zip": "has no picture in a folder",
        "bomb.zip": "would unpack to 3 MB",
        "bomb.csv": "unpacks to more than 1 MB",
    }.items():
        with pytest.raises(DatasetError, match=says):
            read_dataset(tmp_path / name)
    assert {p.suffix for p in tmp_path.iterdir()} == {".zip", ".csv"}


def test_votes_in_the_same_zip(tmp_path):
    votes = io.StringIO()
    votes.write("Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n")
    votes.write("".join(f"Training,x,{i},0,0,0,0,0,0,0,0,1\n" for i in range(6)))
    members = {"fer2013.csv": csv_bytes(), "fer2013new.csv": votes.getvalue()}
    read, _ = read_dataset(zip_of(tmp_path / "a.zip", members))
    assert read.votes[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_by_name_or_path(tmp_path):
    (tmp_path / "a.csv").write_bytes(csv_bytes())
    assert len(open_dataset("synthetic")) == 2100 and len(open_dataset(tmp_path / "a.csv")) == 6
    with pytest.raises(DatasetError, match="neither a file or folder nor a dataset"):
        open_dataset("gone")


def test_a_folder_that_holds_the_table(tmp_path):
    folder = tmp_path / "download" / "deeper"
    folder.mkdir(parents=True)
    (folder / "fer2013.csv").write_bytes(csv_bytes(extra=["3,1 2,Training"]))
    votes = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    (folder / "fer2013new.csv").write_text(votes + "".join(f"Training,x,{i},0,0,0,0,0,0,0,0,1\n" for i in range(7)))
    (folder / "small.csv").write_bytes(csv_bytes(count=2))
    read, skipped = read_dataset(tmp_path / "download")
    np.testing.assert_array_equal(read.images, FACES)
    assert read.votes[:, 0].tolist() == [0, 1, 2, 3, 4, 5] and "first: line 8" in str(skipped)
    (folder / "fer2013.csv").write_bytes(csv_bytes()[:3000])
    (folder / "small.csv").unlink()
    with pytest.raises(DatasetError, match=r"deeper/fer2013\.csv in download"):
        read_dataset(tmp_path / "download")


def test_a_folder_with_far_too_much_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_core.datasets.readers.MOST_MEMBERS", 5)
    monkeypatch.setattr("fer_core.datasets.read_cache.MOST_MEMBERS", 5)
    for i in range(6):
        (tmp_path / f"{i}.txt").write_text("x")
    with pytest.raises(DatasetError, match="more than 5 files"):
        read_dataset(tmp_path)
