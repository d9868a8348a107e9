"""Doubtful labels: those that were falsified by hand are found, copies do not vouch for each other."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.fer2013 import fer2013

from fer_core.curation.embeddings import features
from fer_core.curation.label_errors import caution, label_errors, out_of_fold_probabilities
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.votes import majority
from fer_core.errors import Cancelled, DatasetError
from fer_core.labels import FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.registry import load_model

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    return tmp_path


def clouds(count=300, wrong=12):
    """Three clouds of features, of whose labels some are falsified; gives the dataset, features, and which."""
    truth = np.arange(count) % 3
    seen = (np.eye(3)[truth] * 6 + RNG.normal(size=(count, 3))).astype(np.float32)
    which = RNG.choice(count, wrong, replace=False)
    labels = truth.copy()
    labels[which] = (truth[which] + 1) % 3
    images = RNG.integers(0, 256, (count, 48, 48)).astype(np.uint8)
    splits = np.array(["Training", "Test"])[np.arange(count) % 2]
    rows = np.arange(count) + 1000
    return Dataset(images, labels, ("a", "b", "c"), splits, None, rows), seen, truth, set(which.tolist())


def test_falsified_labels_come_first():
    data, seen, truth, which = clouds()
    told: list[float] = []
    table = label_errors(data, seen, told.append)
    first = table.head(len(which))
    assert set(first["index"]) == which
    for row in first.itertuples():
        assert row.label == data.names[data.labels[row.index]] and row.suggested == "abc"[truth[row.index]]
        assert row.row == row.index + 1000 and row.split == data.splits[row.index]
        assert row.confidence > 0.8 > 0.2 > row.label_confidence
    doubt = table["confidence"] - table["label_confidence"]
    assert (doubt.diff().dropna() <= 1e-6).all() and (table["label"] != table["suggested"]).all()
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)


def test_copies_do_not_vouch_for_each_other():
    data, seen, _, which = clouds(wrong=1)
    index = next(iter(which))
    copies = [index] * 60  # told so often, a classifier would believe it
    twice = data.select([*range(len(data)), *copies])
    given = out_of_fold_probabilities(twice, np.concatenate([seen, seen[copies]]))
    assert given[index, data.labels[index]] < 0.1
    np.testing.assert_allclose(given.sum(1), 1, atol=1e-5)


def test_it_is_kept_by_content_and_stops_at_a_wish(own_home, monkeypatch):
    monkeypatch.setattr("fer_core.curation.label_errors.FEW", 100)
    data, seen, _, _ = clouds()

    def stop(share):
        if share > 0.3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        out_of_fold_probabilities(data, seen, stop)
    assert not list(own_home.rglob("*.np*"))
    first = out_of_fold_probabilities(data, seen)
    monkeypatch.setattr("fer_core.curation.label_errors._judge", lambda *args: pytest.fail("it was kept"))
    np.testing.assert_array_equal(out_of_fold_probabilities(data, seen), first)


@pytest.mark.parametrize("labels", [[0] * 20, [0, 1] * 4])
def test_too_little_to_compare(labels):
    data = Dataset(
        np.zeros((len(labels), 48, 48), np.uint8), np.array(labels), ("a", "b"), np.array(["T"] * len(labels))
    )
    with pytest.raises(DatasetError, match="at least two labels and ten different images"):
        label_errors(data, np.zeros((len(labels), 2), np.float32))


def test_a_rare_label_and_nothing_but_copies():
    data, seen, _, _ = clouds(60, 0)
    labels = data.labels.copy()
    labels[:] = 0
    labels[7] = 1
    rare = Dataset(data.images, labels, data.names, data.splits)
    assert out_of_fold_probabilities(rare, seen)[7].tolist() == [1, 0, 0]
    same = Dataset(np.zeros((60, 48, 48), np.uint8), data.labels, data.names, data.splits)
    with pytest.raises(DatasetError, match="ten different images"):
        out_of_fold_probabilities(same, seen)


def test_what_must_be_said_of_it():
    said = caution(load_model())
    assert "FER2013 Training" in said and "Expression S" in said and "fewer are found" in said
    assert "no model was chosen" in caution(None)


def test_people_agree_that_the_most_doubtful_labels_are_wrong():
    data = fer2013().split("PublicTest")
    clear, saw = majority(data.votes)
    names = [FERPLUS_TO_FER7.get(name) for name in FERPLUS8] + [None, None]
    saw = np.array([data.names.index(name) if name in data.names else -1 for name in names])[saw]
    top = label_errors(data, features(data, load_model())).head(200)
    index = top["index"].to_numpy()[clear[top["index"]]]
    wrong = (saw[index] != data.labels[index]).mean()
    usual = (saw[clear] != data.labels[clear]).mean()
    suggested = top["suggested"].map(data.names.index).to_numpy()[clear[top["index"]]]
    print(f"contradicted {wrong:.1%}, in all {usual:.1%}, suggestion holds {(saw[index] == suggested).mean():.1%}")
    assert wrong > 2.5 * usual and (saw[index] == suggested).mean() > 0.6
