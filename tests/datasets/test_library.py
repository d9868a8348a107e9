"""Datasets by name: kept whole or not at all, and no name leads out of the library."""

import json
import threading

import numpy as np
import pytest

from fer_core.datasets import library
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import SYNTHETIC, delete_dataset, list_datasets, load_dataset, save_dataset
from fer_core.errors import DatasetError

RNG = np.random.default_rng(0)


def small(n: int = 6) -> Dataset:
    votes = RNG.integers(0, 10, (n, 10)).astype(np.uint8)
    splits = np.array(["Training", "Test"] * n)[:n]
    return Dataset(
        RNG.integers(0, 256, (n, 48, 48), np.uint8), np.arange(n) % 2, ("no", "yes"), splits, votes, np.arange(n) * 3
    )


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    return tmp_path


def test_what_is_kept_comes_back():
    data = small()
    name = save_dataset("My Faces!", data, title="My faces", source="test", note="2 left out")
    assert name == "my-faces"
    back = load_dataset(name)
    for part in ("images", "labels", "splits", "votes", "rows"):
        np.testing.assert_array_equal(getattr(back, part), getattr(data, part))
    assert back.names == data.names and back.fingerprint == data.fingerprint
    drawn, card = list_datasets()
    assert drawn.name == SYNTHETIC and drawn.images == len(load_dataset(SYNTHETIC))
    assert card.name == name and card.title == "My faces" and card.images == 6
    assert card.labels == {"no": 3, "yes": 3} and card.splits == {"Training": 3, "Test": 3}
    assert (card.source, card.note) == ("test", "2 left out")


def test_the_card_of_the_drawn_faces_is_true():
    card, data = list_datasets()[0], load_dataset(SYNTHETIC)
    assert card.splits == {name: int((data.splits == name).sum()) for name in data.split_names}
    assert card.labels == dict(zip(data.names, np.bincount(data.labels).tolist(), strict=True))


def test_who_asks_while_the_faces_are_drawn_waits_for_them(monkeypatch):
    drawn, begun, go = small(), threading.Semaphore(0), threading.Event()

    def draw() -> Dataset:
        begun.release()
        assert go.wait(60)
        return drawn

    got: list[Dataset] = []
    monkeypatch.setattr(library, "synthetic_faces", draw)
    library._drawn_once.cache_clear()
    visitors = [threading.Thread(target=lambda: got.append(load_dataset(SYNTHETIC))) for _ in range(2)]
    try:
        for visitor in visitors:
            visitor.start()
        assert begun.acquire(timeout=60)
        assert not begun.acquire(timeout=0.3), "they are drawn twice"
    finally:
        go.set()
        for visitor in visitors:
            visitor.join(60)
        library._drawn_once.cache_clear()
    assert len(got) == 2 and all(data is drawn for data in got)


def test_a_taken_name_gets_a_number():
    assert [save_dataset("a", small()) for _ in range(3)] == ["a", "a-2", "a-3"]
    assert save_dataset(SYNTHETIC, small()) == f"{SYNTHETIC}-2"
    assert save_dataset("../../x", small()) == "x"
    assert save_dataset("…", small()) == "dataset"


def test_deleting(own_home):
    name = save_dataset("a", small())
    delete_dataset(name)
    assert len(list_datasets()) == 1 and list((own_home / "datasets").iterdir()) == []
    with pytest.raises(DatasetError, match="no dataset called 'a'"):
        delete_dataset("a")
    with pytest.raises(DatasetError, match="built in"):
        delete_dataset(SYNTHETIC)


@pytest.mark.parametrize("name", ["..", ".", "", "../datasets/a", "a/../a"])
def test_no_name_leads_out_of_the_library(name):
    save_dataset("a", small())
    with pytest.raises(DatasetError, match="There are: synthetic, a"):
        load_dataset(name)
    with pytest.raises(DatasetError):
        delete_dataset(name)


def test_nothing_half_kept_is_left(own_home, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fer_core.datasets.library.np.savez", full)
    with pytest.raises(DatasetError, match="No space left on device"):
        save_dataset("a", small())
    assert list((own_home / "datasets").iterdir()) == []
    with pytest.raises(DatasetError, match="without an image"):
        save_dataset("a", small().select([]))


def test_damaged_ones_are_left_out_or_named(own_home):
    name = save_dataset("a", small())
    folder = own_home / "datasets" / name
    (folder / "data.npz").write_bytes((folder / "data.npz").read_bytes()[:500])
    with pytest.raises(DatasetError, match="'a' is damaged"):
        load_dataset(name)
    (folder / "card.json").write_text(json.dumps({"name": "a"}))
    assert len(list_datasets()) == 1
    (folder / "card.json").write_text("{")
    assert len(list_datasets()) == 1
