"""The download from Kaggle, by kagglehub itself against a stand-in on this machine: whole in the library, or none."""

from __future__ import annotations

import io
import json
import socket
import threading
import zipfile

import numpy as np
import pytest
from helpers.archives import FACES, folders
from helpers.kaggle_server import TOKEN, USER, Kaggle, serving, turn

from fer_core.datasets.kaggle import KaggleDownload, credentials
from fer_core.datasets.library import list_datasets, load_dataset
from fer_core.errors import Cancelled, DatasetError
from fer_core.utils.jobs import Jobs, State


def table() -> bytes:
    rows = [f"{i},{' '.join(map(str, face.ravel()))},Training" for i, face in enumerate(FACES)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("fer2013.csv", "\n".join(["emotion,pixels,Usage", *rows, "3,1 2,Training", ""]))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("fer_core.datasets.kaggle.ROOM", 1)
    return tmp_path / "home"


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    with serving(monkeypatch, tmp_path) as server:
        server.archive = folders()
        yield server


def download(tmp_path, token=TOKEN, handle="msambare/fer2013", cancelled=lambda: False) -> KaggleDownload:
    work = KaggleDownload(handle, token, tmp_path / "job")
    work.run(cancelled)
    return work


def nothing_is_left(tmp_path, own_home):
    assert len(list_datasets()) == 1 and not list((tmp_path / "job").rglob("*"))
    assert not [path for path in own_home.rglob("*") if path.is_file()]
    assert not (tmp_path / "nobody").exists()


def test_pictures_with_a_token(tmp_path, kaggle: Kaggle, own_home):
    work = download(tmp_path)
    data = load_dataset(work.kept)
    assert work.kept == "fer2013" and work.images == len(data) == 6 and work.progress == 1.0
    assert sorted(image.tobytes() for image in data.images) == sorted(face.tobytes() for face in FACES)
    assert data.names == ("happy", "sad") and sorted(data.splits.tolist()) == ["Test"] * 2 + ["Training"] * 4
    card = list_datasets()[1]
    assert card.title == "FER2013 from Kaggle" and "kaggle.com/datasets/msambare/fer2013" in card.source
    assert kaggle.asked == [("GetDataset", "msambare/fer2013"), ("DownloadDataset", "msambare/fer2013")]
    assert card.note == "" and not list((tmp_path / "job").rglob("*")) and not (tmp_path / "nobody").exists()
    assert TOKEN not in "".join(path.read_text(errors="replace") for path in own_home.rglob("*") if path.is_file())


def test_the_table_with_the_text_of_kaggle_json(tmp_path, kaggle: Kaggle):
    kaggle.archive = table()
    work = download(tmp_path, json.dumps(USER), "deadskull7/fer2013")
    np.testing.assert_array_equal(load_dataset(work.kept).images, FACES)
    assert "1 has 2 pixels where 2304 are needed (first: line 8)" in list_datasets()[1].note


def test_the_token_of_this_computer_is_used(tmp_path, kaggle: Kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert download(tmp_path, "").images == 6


@pytest.mark.parametrize(
    ("token", "status", "says"),
    [
        ("", 200, "No Kaggle token was given"),
        ("KGAT_of_somebody_else", 200, "does not accept this token"),
        (TOKEN, 403, "does not accept this token"),
        (TOKEN, 404, "no such dataset"),
        (TOKEN, 429, "asks to wait"),
        (TOKEN, 500, "an error of its own"),
    ],
)
def test_what_kaggle_refuses_is_said_and_leaves_nothing(tmp_path, kaggle: Kaggle, own_home, token, status, says):
    kaggle.status = status
    with pytest.raises(DatasetError, match=says) as error:
        download(tmp_path, token)
    assert not token or token not in str(error.value)
    nothing_is_left(tmp_path, own_home)


def test_a_line_that_breaks_and_a_file_that_is_not_what_it_should_be(tmp_path, kaggle: Kaggle, own_home):
    kaggle.whole = 0.7
    with pytest.raises(DatasetError, match="broke off"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)
    kaggle.whole, kaggle.checksum = 1.0, False
    with pytest.raises(DatasetError, match="broke off"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)
    kaggle.checksum, kaggle.archive = True, b"<html>Sign in</html>"
    with pytest.raises(DatasetError, match="broke off"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)


def test_an_archive_without_an_image(tmp_path, kaggle: Kaggle, own_home):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("read me.txt", "hello")
    kaggle.archive = buffer.getvalue()
    with pytest.raises(DatasetError, match="no picture in a folder"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)


def test_no_network(tmp_path, monkeypatch, own_home):
    with socket.socket() as free:  # bound and not listening: refused at once
        free.bind(("127.0.0.1", 0))
        turn(monkeypatch, tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(DatasetError, match="Kaggle cannot be reached"):
            download(tmp_path)
    nothing_is_left(tmp_path, own_home)


def test_a_full_disk_before_and_within(tmp_path, kaggle: Kaggle, own_home, monkeypatch):
    monkeypatch.setattr("fer_core.datasets.kaggle.ROOM", 2**62)
    with pytest.raises(DatasetError, match="disk is full"):
        download(tmp_path)
    assert kaggle.asked == []
    monkeypatch.setattr("fer_core.datasets.kaggle.ROOM", 1)
    # The child may write no larger file than half of the archive.
    kaggle.archive = folders() + b"\0" * 3_000_000
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
    place = tmp_path / "turn" / "sitecustomize.py"
    place.write_text(place.read_text() + limit)
    with pytest.raises(DatasetError, match="disk is full"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)


def test_a_silent_kaggle_is_given_up(tmp_path, kaggle: Kaggle, own_home, monkeypatch):
    monkeypatch.setattr("fer_core.datasets.kaggle.QUIET", 0.5)
    kaggle.silent = True
    with pytest.raises(DatasetError, match="cannot be reached"):
        download(tmp_path)
    nothing_is_left(tmp_path, own_home)


def test_in_the_queue_with_progress_and_cancel(tmp_path, kaggle: Kaggle, own_home):
    kaggle.archive, kaggle.slow = folders() + b"\0" * 10_000_000, True
    queue: Jobs[KaggleDownload] = Jobs(root=tmp_path / "jobs")
    try:
        folder = queue.folder()
        job = queue.submit(KaggleDownload("msambare/fer2013", TOKEN, folder), folder)
        assert kaggle.halfway.wait(120)
        seen = threading.Event()
        while not job.state.ended and job.work.progress < 0.2:
            seen.wait(0.05)
        assert 0.2 <= job.work.progress < 0.8 and job.work.doing == "Loading from Kaggle"
        job.cancel()
        while not job.state.ended:
            seen.wait(0.05)
        assert job.state is State.CANCELLED and job.work.kept == "" and not list(folder.rglob("*"))
    finally:
        queue.close()
    assert len(list_datasets()) == 1 and not (own_home / "datasets").exists()


def test_cancelled_while_the_images_are_read(tmp_path, kaggle: Kaggle, own_home):
    work = KaggleDownload("msambare/fer2013", TOKEN, tmp_path / "job")
    with pytest.raises(Cancelled):
        work.run(lambda: work.doing == "Reading the images")
    nothing_is_left(tmp_path, own_home)


def test_what_is_no_token_or_no_dataset(tmp_path):
    assert credentials(" ") == {} and credentials(f" {TOKEN}\n") == {"token": TOKEN}
    assert credentials(json.dumps(USER)) == USER
    for text in ("abc", "two words are none", '{"username": "x"}', "[1]", '{"username": 1, "key": 2}', "é" * 20):
        with pytest.raises(DatasetError, match="no Kaggle token"):
            credentials(text)
    with pytest.raises(DatasetError, match="none of the datasets"):
        KaggleDownload("../else", TOKEN, tmp_path)
