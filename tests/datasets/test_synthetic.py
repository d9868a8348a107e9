"""Drawn faces: the same each time, varied, and telling."""

import numpy as np
import pytest

from fer_core.datasets.library import load_dataset
from fer_core.datasets.synthetic import BLANK, CONFLICTS, LEAKS, synthetic_faces
from fer_core.labels import FER7


@pytest.fixture(scope="module")
def faces():
    return load_dataset("synthetic")


def test_what_there_is(faces):
    assert len(faces) == 2100 and faces.names == FER7
    assert {name: int((faces.splits == name).sum()) for name in faces.split_names} == {
        "Training": 1750,
        "PublicTest": 350,
    }
    assert min(np.bincount(faces.labels)) > 290
    assert not faces.votes.any()


def test_the_same_seed_gives_the_same_faces():
    one, two, other = synthetic_faces(4, seed=5), synthetic_faces(4, seed=5), synthetic_faces(4, seed=6)
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_they_are_varied(faces):
    keep = faces.split("Training")
    brightness = keep.images.mean((1, 2))
    assert brightness.std() > 20
    for k in range(len(FER7)):
        assert keep.images[keep.labels == k].std(0).mean() > 25


def test_the_faults_are_those_that_are_said(faces):
    assert (faces.images.reshape(len(faces), -1).std(1) == 0).sum() == BLANK
    train, test = faces.split("Training"), faces.split("PublicTest")
    first: dict[bytes, int] = {}
    for image, label in zip(train.images, train.labels, strict=True):
        first.setdefault(image.tobytes(), int(label))
    leaks = [
        (first[i.tobytes()], int(n)) for i, n in zip(test.images, test.labels, strict=True) if i.tobytes() in first
    ]
    assert len(leaks) == LEAKS + CONFLICTS
    assert sum(a != b for a, b in leaks) == CONFLICTS


def test_the_expressions_can_be_told_apart(faces):
    """A straight line through the edges gets more than three quarters right; a small network nearly all."""

    def edges(images):
        x = images.astype(np.float32)
        across, down = np.abs(np.diff(x, axis=2))[:, :46, :46], np.abs(np.diff(x, axis=1))[:, :46, :46]
        flat = np.stack([across, down], 1).reshape(len(x), 2, 23, 2, 23, 2).mean((3, 5)).reshape(len(x), -1)
        return (flat - flat.mean(1, keepdims=True)) / (flat.std(1, keepdims=True) + 1)

    train, test = faces.split("Training"), faces.split("PublicTest")
    seen, new = edges(train.images), edges(test.images)
    wanted = np.eye(len(FER7), dtype=np.float32)[train.labels]
    weights = np.linalg.solve(seen.T @ seen + 1000 * np.eye(seen.shape[1], dtype=np.float32), seen.T @ wanted)
    assert ((new @ weights).argmax(1) == test.labels).mean() > 0.75
