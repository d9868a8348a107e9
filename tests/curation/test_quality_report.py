"""Copies, leaks and blanks: on a small set by hand, on the drawn faces, on the real data counted a second way."""

import json

import cv2
import numpy as np
import pytest
from helpers.fer2013 import fer2013

from fer_core.cli.main import main
from fer_core.curation.near_duplicates import near_duplicates
from fer_core.curation.quality_report import check_dataset, cleaned, near_duplicate_pairs
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import load_dataset
from fer_core.datasets.synthetic import BLANK, CONFLICTS, LEAKS
from fer_core.errors import Cancelled


def small() -> Dataset:
    """A a | b b' | c with its copy in Test | blank | d."""
    rng = np.random.default_rng(0)
    a, b, c, d = (cv2.resize(rng.integers(0, 256, (8, 8), np.uint8), (48, 48)) for _ in range(4))
    images = np.stack([a, a, b, b, c, c, np.full_like(a, 9), d])
    splits = np.array(["Training"] * 4 + ["Training", "Test"] + ["Training", "Test"])
    return Dataset(images, np.array([0, 0, 0, 1, 1, 1, 0, 1]), ("no", "yes"), splits)


def test_a_small_set():
    data = small()
    found = check_dataset(data)
    assert [group.tolist() for group in found.groups] == [[0, 1], [2, 3], [4, 5]]
    assert (found.crossing, found.conflicting) == ([2], [1])
    assert found.blank.tolist() == [6] and found.leaked.tolist() == [5]
    assert found.tested == 2 and found.leakage == 0.5
    kept = cleaned(data, found, drop=[7])
    assert kept.rows.tolist() == [0, 5]
    again = check_dataset(kept)
    assert not again.groups and not len(again.leaked) and not len(again.blank)


def test_no_image_and_no_training():
    nothing = check_dataset(small().select([]))
    assert nothing.groups == [] and nothing.leakage == 0
    assert check_dataset(small().select([5, 7])).leakage == 0


def test_near_copies_also_mirrored():
    data = load_dataset("synthetic").split("Training").select(np.arange(40))
    other = np.clip(data.images[3].astype(int) + 12, 0, 255).astype(np.uint8)
    images = np.concatenate([data.images, data.images[7:8, :, ::-1], other[None]])
    assert near_duplicates(images).tolist() == [[3, 41], [7, 40]]
    assert near_duplicates(images[:0]).shape == (0, 2)


def test_the_drawn_faces_have_the_faults_that_are_said():
    found = check_dataset(load_dataset("synthetic"))
    assert len(found.crossing) == len(found.leaked) == LEAKS + CONFLICTS
    assert len(found.conflicting) >= CONFLICTS and len(found.blank) == BLANK


def test_the_real_data_counted_a_second_way():
    data = fer2013()
    found = check_dataset(data)
    _, group, count = np.unique(
        data.images.reshape(len(data), -1).view("V2304").ravel(), return_inverse=True, return_counts=True
    )
    training = data.splits == "Training"
    in_training = np.bincount(group[training], minlength=len(count))
    in_test = np.bincount(group[data.splits == "PublicTest"], minlength=len(count))
    lowest, highest = np.full(len(count), 99), np.zeros(len(count), int)
    np.minimum.at(lowest, group, data.labels)
    np.maximum.at(highest, group, data.labels)
    assert len(found.groups) == (count > 1).sum() == 1273
    assert len(found.crossing) == ((in_training > 0) & (in_test > 0)).sum() == 270
    assert len(found.conflicting) == (lowest != highest).sum() == 48
    assert len(found.leaked) == in_test[in_training > 0].sum()
    assert len(found.blank) == (np.ptp(data.images.reshape(len(data), -1), axis=1) < 10).sum() == 13


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    for split, label in (("train", "no"), ("train", "yes"), ("test", "no")):
        folder = tmp_path / "faces" / split / label
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), small().images[0])
    (tmp_path / "faces" / "read me.txt").write_text("hello")
    assert main(["dataset", str(tmp_path / "faces"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "images": 3,
        "splits": {"Training": 2, "Test": 1},
        "labels": {"no": 2, "yes": 1},
        "exact_duplicate_groups": 1,
        "cross_split_groups": 1,
        "conflicting_groups": 1,
        "blank": 0,
        "leaked": 1,
        "skipped": 1,
    }
    assert "1 not a picture (first: read me.txt)" in said.err
    assert main(["dataset", "synthetic"]) == 0
    assert "2,100 images" in capsys.readouterr().out
    assert main(["dataset", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize("name", ["", "gone.csv"])
def test_the_command_with_nothing(name, capsys):
    assert main(["dataset", name or "no-such-set"]) == 2
    assert "Error:" in capsys.readouterr().err


def test_what_was_found_is_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    monkeypatch.setattr("fer_core.curation.quality_report.FEW", 5)
    data = load_dataset("synthetic").select(np.arange(600))
    first, pairs = check_dataset(data), near_duplicate_pairs(data)

    def never(*args, **kwargs):
        raise AssertionError("it was kept")

    monkeypatch.setattr("fer_core.curation.quality_report._look", never)
    monkeypatch.setattr("fer_core.curation.quality_report.near_duplicates", never)
    again = check_dataset(data)
    assert [group.tolist() for group in again.groups] == [group.tolist() for group in first.groups]
    for name in ("crossing", "conflicting", "tested"):
        assert getattr(again, name) == getattr(first, name)
    assert (again.blank.tolist(), again.leaked.tolist()) == (first.blank.tolist(), first.leaked.tolist())
    assert again.leakage == first.leakage
    np.testing.assert_array_equal(near_duplicate_pairs(data), pairs)
    with pytest.raises(AssertionError):
        check_dataset(data.select(np.arange(599)))


def test_near_copies_say_how_far_they_are_and_stop_at_a_wish(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    data, told = load_dataset("synthetic"), []
    near_duplicate_pairs(data.select(np.arange(1500)), told.append)
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told) and len(told) > 2

    def stop(share):
        if share > 0.3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        near_duplicate_pairs(data, stop)
    assert len(list((tmp_path / "cache").iterdir())) == 1
