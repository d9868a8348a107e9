"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.utils.files import write_export


def test_write_export(tmp_path):
    path = tmp_path / "a.csv"
    write_export(path, [b"one"])
    write_export(path, [b"two"])
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.csv"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


class FullDisk(io.FileIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path, mode):
        return FullDisk(path, mode)

    if failing == "write":
        monkeypatch.setattr("fer_core.utils.files.open", opened, raising=False)
    else:
        monkeypatch.setattr(f"fer_core.utils.files.os.{failing}", full)
    with pytest.raises(FerError, match=r"a\.csv could not be written: No space left on device.*Choose a folder"):
        write_export(path, [b"new"])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(FerError, match=r"could not be written"):
        write_export(tmp_path / "gone" / "a.csv", [b"x"])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FerError, match=r"could not be written"):
        write_export(tmp_path / "file" / "a.csv", [b"x"])

    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    # The tests may run as root, who may write anywhere.
    monkeypatch.setattr("fer_core.utils.files.open", refuse, raising=False)
    with pytest.raises(FerError, match="Permission denied"):
        write_export(tmp_path / "a.csv", [b"x"])
    assert not (tmp_path / "a.csv").exists()


def test_a_folder_in_place_of_the_file(tmp_path):
    Path(tmp_path / "a.csv").mkdir()
    with pytest.raises(FerError, match="could not be written"):
        write_export(tmp_path / "a.csv", [b"x"])
    assert os.listdir(tmp_path) == ["a.csv"]
