"""A source that was read before is there at once, and only as long as nothing of it changed."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.datasets import readers as datasets
from fer_core.datasets.readers import open_dataset, read_dataset
from fer_core.errors import DatasetError

RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 256, (8, 48, 48)).astype(np.uint8)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Everything is worth remembering, also what was written just now."""
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("fer_core.datasets.read_cache.WORTH", 1)
    monkeypatch.setattr("fer_core.datasets.read_cache.SETTLED", -60.0)
    return tmp_path / "home"


@pytest.fixture
def reads(monkeypatch):
    """How often something was really read."""
    done, real = [], datasets._read

    def read(path, ferplus, *, strict):
        done.append(Path(path).name)
        return real(path, ferplus, strict=strict)

    monkeypatch.setattr(datasets, "_read", read)
    return done


def lines(faces=FACES, bad=True):
    rows = [f"{i % 7},{' '.join(map(str, face.ravel()))},Training" for i, face in enumerate(faces)]
    return "\n".join(["emotion,pixels,Usage", *rows, *(["3,1 2 3,Training"] if bad else []), ""])


def csv_of(tmp_path):
    (tmp_path / "a.csv").write_text(lines())
    return tmp_path / "a.csv"


def zip_of(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/a.csv", lines())
    return tmp_path / "a.zip"


def folder_of(tmp_path):
    for i, face in enumerate(FACES):
        path = tmp_path / "faces" / "train" / ("happy" if i % 2 else "sad") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), face)
    (tmp_path / "faces" / "notes.txt").write_text("hello")
    return tmp_path / "faces"


def same(one, two):
    assert one[0].fingerprint == two[0].fingerprint and one[0].names == two[0].names
    np.testing.assert_array_equal(one[0].images, two[0].images)
    assert one[0].splits.tolist() == two[0].splits.tolist()
    assert str(one[1]) == str(two[1]) and len(one[1]) == len(two[1]) == 1


@pytest.mark.parametrize("source", [csv_of, zip_of, folder_of])
def test_the_second_read_gives_the_same_and_reads_nothing(tmp_path, reads, source):
    path = source(tmp_path)
    first = read_dataset(path)
    same(first, read_dataset(path))
    assert len(reads) == 1
    assert open_dataset(path).fingerprint == first[0].fingerprint and len(reads) == 1


def change_a_pixel(path):
    """Of the same length, with the same time of change."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    at = next(i for i in range(40, 60) if data[i : i + 1].isdigit() and not data[i - 1 : i].isdigit())
    data[at] = ord("1") if data[at] == ord("2") else ord("2")
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_any_change_of_a_file_is_seen(tmp_path, reads):
    path = csv_of(tmp_path)
    read_dataset(path)
    with open(path, "a") as file:
        file.write(lines(FACES[:1], bad=False).split("\n")[1] + "\n")
    assert len(read_dataset(path)[0]) == len(FACES) + 1
    change_a_pixel(path)
    read_dataset(path)
    shutil.copy(path, tmp_path / "b.csv")
    read_dataset(tmp_path / "b.csv")
    assert reads == ["a.csv", "a.csv", "a.csv", "b.csv"]


def test_any_change_of_a_folder_is_seen(tmp_path, reads):
    path = folder_of(tmp_path)
    read_dataset(path)
    cv2.imwrite(str(path / "train" / "sad" / "new.png"), FACES[0])
    assert len(read_dataset(path)[0]) == len(FACES) + 1
    (path / "train" / "sad" / "new.png").unlink()
    assert len(read_dataset(path)[0]) == len(FACES)
    (path / "train" / "sad" / "0.png").rename(path / "train" / "happy" / "0.png")
    assert (read_dataset(path)[0].labels == 0).sum() == len(FACES) // 2 + 1
    (path / "train" / "fear").mkdir()
    assert "folder without a picture" in str(read_dataset(path)[1])
    assert len(reads) == 5


def test_votes_belong_to_it(tmp_path, reads):
    path, votes = csv_of(tmp_path), tmp_path / "fer2013new.csv"
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    votes.write_text(head + "Training,x,9,0,0,0,0,0,0,0,0,1\n" * (len(FACES) + 1))
    assert not read_dataset(path)[0].votes.any()
    assert read_dataset(path, votes)[0].votes[0, 0] == 9
    votes.write_text(head + "Training,x,7,0,0,0,0,0,0,0,0,3\n" * (len(FACES) + 1))
    assert read_dataset(path, votes)[0].votes[0, 0] == 7 and read_dataset(path, votes)[0].votes[0, 0] == 7
    assert len(reads) == 3


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None, "flipped"])
def test_a_damaged_memory_is_read_anew_and_mended(tmp_path, reads, own_home, damage):
    path = csv_of(tmp_path)
    first = read_dataset(path)
    (kept,) = (own_home / "cache" / "read").iterdir()
    whole = kept.read_bytes()
    if damage == "flipped":
        middle = len(whole) // 3
        damage = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    kept.write_bytes(whole[:2000] if damage is None else damage)
    same(first, read_dataset(path))
    same(first, read_dataset(path))
    assert len(reads) == 2


def test_a_source_that_was_just_written_is_not_trusted(tmp_path, reads, own_home, monkeypatch):
    monkeypatch.setattr("fer_core.datasets.read_cache.SETTLED", 3600.0)
    path = csv_of(tmp_path)
    read_dataset(path)
    read_dataset(path)
    assert len(reads) == 2 and not own_home.exists()


def test_what_is_small_or_only_passing_leaves_nothing(tmp_path, reads, own_home, monkeypatch):
    path = csv_of(tmp_path)
    read_dataset(path, keep=False)
    monkeypatch.setattr("fer_core.datasets.read_cache.WORTH", 10**9)
    read_dataset(path)
    assert len(reads) == 2 and not own_home.exists()


def test_what_cannot_be_read_is_said_each_time_and_leaves_nothing(tmp_path, reads, own_home):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    for _ in range(2):
        with pytest.raises(DatasetError, match="no column emotion"):
            read_dataset(path)
    with pytest.raises(DatasetError, match="cannot be opened"):
        read_dataset(tmp_path / "gone.csv")
    assert len(reads) == 3 and not list(own_home.rglob("*.np*"))


def test_a_full_disk_is_no_error(tmp_path, reads, own_home, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    path = csv_of(tmp_path)
    monkeypatch.setattr("fer_core.utils.array_cache.np.savez", full)
    assert len(read_dataset(path)[0]) == len(FACES) and len(read_dataset(path)[0]) == len(FACES)
    assert len(reads) == 2 and not [p for p in own_home.rglob("*") if p.is_file()]
