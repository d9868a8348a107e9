"""The seam for teachers: soft targets of one or many views, kept in a file, mixed into labels and votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.labels import FER7
from fer_core.training.augmentation import Augmentation
from recipes.soft import Soft, fingerprint, seeded_view
from recipes.targets import Targets, hard_targets


@pytest.fixture
def faces() -> Dataset:
    rng = np.random.default_rng(3)
    votes = np.zeros((12, 10), np.uint8)
    votes[:10, 1] = 8  # happiness; the last two have no votes
    votes[:10, 0] = 1
    images = rng.integers(0, 256, (12, 48, 48), np.uint8)
    return Dataset(images, np.arange(12) % 7, FER7, np.full(12, "Training"), votes)


def teacher(faces: Dataset, views: int, seed: int | None) -> Soft:
    rng = np.random.default_rng(4)
    fer7, plus = rng.dirichlet(np.ones(7), (12, views)), rng.dirichlet(np.ones(8), (12, views))
    return Soft(fer7, plus, seed, fingerprint(faces.images))


def test_a_view_depends_on_image_view_and_seed_alone(faces: Dataset) -> None:
    how = Augmentation()
    first = seeded_view(faces.images[[5, 2, 9]], np.array([5, 2, 9]), 3, 1, how)
    alone = seeded_view(faces.images[[9]], np.array([9]), 3, 1, how)
    assert first.shape == (3, 44, 44) and np.array_equal(first[2], alone[0])
    assert not np.array_equal(alone, seeded_view(faces.images[[9]], np.array([9]), 4, 1, how))
    assert not np.array_equal(alone, seeded_view(faces.images[[9]], np.array([9]), 3, 2, how))


@pytest.mark.parametrize("seed", [None, 7])
def test_soft_targets_survive_their_file(faces: Dataset, tmp_path: Path, seed: int | None) -> None:
    given = teacher(faces, 2, seed)
    given.write(tmp_path / "soft.npz")
    read = Soft.read(tmp_path / "soft.npz")
    assert (read.views, read.seed, read.fingerprint) == (2, seed, given.fingerprint)
    np.testing.assert_allclose(read.fer7, given.fer7, atol=1e-3)
    np.testing.assert_allclose(read.ferplus8, given.ferplus8, atol=1e-3)


def test_the_teacher_is_mixed_in_view_by_view(faces: Dataset) -> None:
    given = teacher(faces, 3, 7)
    goals = Targets(faces, 0.1, given, 0.25)
    pick = np.array([4, 0, 11])
    hard7, _ = hard_targets(faces, 0.1)
    for epoch in (0, 1, 5):
        y7, y8 = goals.of(pick, epoch)
        np.testing.assert_allclose(y7, 0.75 * hard7[pick] + 0.25 * given.fer7[pick, epoch % 3], rtol=1e-6)
        np.testing.assert_allclose(y7.sum(1), 1, rtol=1e-6)
        np.testing.assert_allclose(y8[:2].sum(1), 1, rtol=1e-6)
        assert (y8[2] == 0).all(), "where people gave no expression the second head learns nothing"


def test_the_student_sees_the_crops_that_the_teacher_saw(faces: Dataset) -> None:
    rng, how, pick = np.random.default_rng(0), Augmentation(), np.array([1, 8])
    seen = Targets(faces, 0.1, teacher(faces, 3, 7), 0.5).crops(faces.images[pick], pick, 4, rng, how)
    np.testing.assert_array_equal(seen, seeded_view(faces.images[pick], pick, 1, 7, how))
    one, two = (
        Targets(faces, 0.1, teacher(faces, 1, None), 0.5).crops(faces.images[pick], pick, 0, rng, how) for _ in "ab"
    )
    assert not np.array_equal(one, two), "a teacher of the plain images leaves the student's crops to chance"


def test_soft_targets_of_other_images_are_refused(faces: Dataset) -> None:
    given = teacher(faces, 1, None)
    other = Dataset(faces.images[::-1], faces.labels, faces.names, faces.splits, faces.votes)
    with pytest.raises(SystemExit, match="other images"):
        Targets(other, 0.1, given, 0.5)


def test_one_voice_among_ten_counts_as_a_slip(faces: Dataset) -> None:
    _, plus = hard_targets(faces, 0.1)
    assert plus[0, 1] == 1 and plus[0, 0] == 0 and (plus[10:] == 0).all()
