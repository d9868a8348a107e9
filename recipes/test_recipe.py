"""A small run of the recipe, from start to resume, and the port.

Needs recipes/requirements.txt: `pytest recipes`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from fer_core.datasets.dataset import Dataset
from fer_core.labels import FER7
from fer_core.models.classifier import Classifier
from fer_core.models.registry import load_model
from recipes.found import Found, found_views
from recipes.mean import mean
from recipes.network import NetworkS
from recipes.port import from_keras, to_keras
from recipes.soft import fingerprint
from recipes.teach import teach, teach_by_run
from recipes.train import Config, train

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def faces() -> Dataset:
    rng = np.random.default_rng(0)
    n = 96
    labels = np.arange(n) % 7
    images = (rng.integers(0, 120, (n, 48, 48)) + 15 * labels[:, None, None]).astype(np.uint8)
    votes = np.zeros((n, 10), np.uint8)
    votes[np.arange(n), labels] = 10
    return Dataset(images, labels, FER7, np.where(np.arange(n) < 64, "Training", "PublicTest"), votes)


SMALL = Config(epochs=2, weak_epochs=1, batch=16, peak_rate=0.02, soft_share=0.5)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["average"]


@pytest.mark.parametrize("views", [0, 2])
def test_soft_targets_change_what_is_learned(faces: Dataset, tmp_path: Path, views: int) -> None:
    soft = teach(faces.split("Training").images, Classifier(load_model("expression-s")), views)
    assert soft.views == max(views, 1) and (soft.seed is None) == (views == 0)
    train(faces, tmp_path / "soft", SMALL, soft=soft)
    train(faces, tmp_path / "hard", replace(SMALL, soft_share=0.0))
    assert not torch.equal(weights(tmp_path / "soft")["fer7.weight"], weights(tmp_path / "hard")["fer7.weight"])


def test_a_run_goes_on_where_it_was(faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(faces, tmp_path / "whole", SMALL)
    from recipes import train as recipe

    real = recipe.save

    def killed(path: Path, state: dict) -> None:
        real(path, state)
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        train(faces, tmp_path / "parts", SMALL)
    monkeypatch.setattr(recipe, "save", real)
    train(faces, tmp_path / "parts", SMALL)
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.allclose(whole[name].float(), parts[name].float(), atol=1e-5) for name in whole)


def test_who_prepares_the_crops_changes_nothing(faces: Dataset, tmp_path: Path) -> None:
    mixed = replace(SMALL, soft_share=0.0, mixup_p=1.0, noise_p=0.5)
    train(faces, tmp_path / "alone", mixed)
    train(faces, tmp_path / "helped", mixed, workers=2)
    alone, helped = weights(tmp_path / "alone"), weights(tmp_path / "helped")
    assert all(torch.equal(alone[name], helped[name]) for name in alone)


def test_a_run_teaches_and_begins_another(faces: Dataset, tmp_path: Path) -> None:
    train(faces, tmp_path / "first", replace(SMALL, soft_share=0.0))
    images = faces.split("Training").images
    soft = teach_by_run(images, tmp_path / "first")
    assert soft.fer7.shape == (len(images), 1, 7) and soft.seed is None
    np.testing.assert_allclose(soft.ferplus8.sum(2), 1, rtol=1e-5)
    mirrored = teach_by_run(images[:, :, ::-1], tmp_path / "first")
    np.testing.assert_allclose(mirrored.fer7, soft.fer7, atol=1e-5)
    still = replace(SMALL, epochs=1, weak_epochs=1, peak_rate=0.0)
    train(faces, tmp_path / "second", still, start=tmp_path / "first", soft=soft)
    torch.testing.assert_close(weights(tmp_path / "second")["pool"], weights(tmp_path / "first")["pool"])


def test_frozen_blocks_stay_and_others_learn(faces: Dataset, tmp_path: Path) -> None:
    start = ROOT / "models" / "expression-s"
    train(faces, tmp_path / "run", replace(SMALL, frozen_blocks=1, soft_share=0.0), start=start)
    from recipes.port import from_bundle

    before, after = from_bundle(start), weights(tmp_path / "run")
    first = [name for name in before if name.startswith(("features.0.", "features.1.", "features.3.", "features.4."))]
    assert first and all(torch.allclose(before[n].float(), after[n].float()) for n in first)
    assert not torch.allclose(before["features.7.weight"], after["features.7.weight"])


def test_the_port_goes_both_ways() -> None:
    torch.manual_seed(0)
    state = NetworkS(0.0).state_dict()
    back = from_keras(to_keras(state))
    assert set(back) == set(state)
    for name, value in state.items():
        torch.testing.assert_close(back[name].float(), value.float())


def test_the_mean_of_runs_is_a_run(faces: Dataset, tmp_path: Path) -> None:
    for seed in (1, 2):
        train(faces, tmp_path / str(seed), replace(SMALL, epochs=1, seed=seed, soft_share=0.0))
    mean([tmp_path / "1", tmp_path / "2"], [0.25, 0.75], tmp_path / "mean")
    one, two, mixed = (weights(tmp_path / name) for name in ("1", "2", "mean"))
    for name, value in mixed.items():
        expected = 0.25 * one[name].double() + 0.75 * two[name].double()
        assert value.dtype == one[name].dtype and torch.allclose(value.double(), expected, atol=1)
    assert torch.allclose(mixed["pool"], 0.25 * one["pool"] + 0.75 * two["pool"])
    assert json.loads((tmp_path / "mean" / "config.json").read_text())["mean_of"] == {"1": 0.25, "2": 0.75}
    with pytest.raises(SystemExit, match="add up to 1"):
        mean([tmp_path / "1", tmp_path / "2"], [0.5, 0.6], tmp_path / "mean")


def test_the_mean_takes_a_bundle_too(faces: Dataset, tmp_path: Path) -> None:
    shipped = ROOT / "models" / "expression-s"
    train(faces, tmp_path / "run", replace(SMALL, epochs=1, soft_share=0.0), start=shipped)
    mean([shipped, tmp_path / "run"], [1.0, 0.0], tmp_path / "mean")
    from recipes.port import from_bundle

    torch.testing.assert_close(weights(tmp_path / "mean")["pool"], from_bundle(shipped)["pool"])


@pytest.fixture(scope="module")
def portraits() -> np.ndarray:
    """Two faces of 48x48, grey, as those of FER2013; one that no detector finds between them."""
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    face = cv2.resize(astronaut[55:185, 160:290], (48, 48), interpolation=cv2.INTER_AREA)
    return np.stack([face, np.full_like(face, 90), face[:, ::-1]])


def test_views_are_cut_out_of_pictures_by_the_detector(portraits: np.ndarray) -> None:
    crops, found = found_views(portraits, 0, 7)
    assert found[[0, 2]].all() and not found[1] and np.array_equal(crops[1], portraits[1])
    for i in (0, 2):
        alike = np.corrcoef(crops[i].ravel(), portraits[i].ravel())[0, 1]
        assert 0.3 < alike < 0.999, "the same face, but not the same pixels"
    again, _ = found_views(portraits[2:], 0, 7, start=2)
    assert np.array_equal(again[0], crops[2]), "a view depends on seed and place alone"
    assert not np.array_equal(found_views(portraits, 1, 7)[0][0], crops[0])


def test_a_share_of_the_images_is_seen_as_found() -> None:
    images = np.zeros((400, 48, 48), np.uint8)
    views = Found(np.stack([images + 1, images + 2]), np.arange(800).reshape(2, 400) % 4 > 0)
    some = views.among(images, np.arange(400), 0.5, np.random.default_rng(0))
    assert 0.3 < (some[:, 0, 0] > 0).mean() < 0.45 and set(np.unique(some)) == {0, 1, 2}
    assert not views.among(images, np.arange(400), 0.0, np.random.default_rng(0)).any()
    every = views.among(images, np.arange(0, 400, 4), 1.0, np.random.default_rng(0))
    assert not every.any(), "where no face was found the image stays as it is"


def test_found_crops_are_learned_from_and_those_of_other_images_refused(faces: Dataset, tmp_path: Path) -> None:
    images = faces.split("Training").images
    given = {"crops": 255 - images[None], "found": np.ones((1, len(images)), bool)}
    np.savez(tmp_path / "found.npz", **given, fingerprint=np.array(fingerprint(images)))
    found = Found.read(tmp_path / "found.npz", images)
    train(faces, tmp_path / "with", replace(SMALL, epochs=1, soft_share=0.0, found_share=0.5), found=found)
    train(faces, tmp_path / "without", replace(SMALL, epochs=1, soft_share=0.0), found=found)
    assert not torch.equal(weights(tmp_path / "with")["pool"], weights(tmp_path / "without")["pool"])
    with pytest.raises(SystemExit, match=r"found\.npz is of other images"):
        Found.read(tmp_path / "found.npz", images[1:])
