"""Batches as a training is fed with them."""

import contextlib
import threading

import numpy as np
import pytest

from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.preprocessing import prepare
from fer_core.training import batches as feeding
from fer_core.training.batches import BLOCK, batches
from fer_core.training.config import TrainingConfig
from fer_core.training.learner import precision_for

COUNT = 1000
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 48, 48), dtype=np.uint8)
LABELS = np.arange(COUNT) % 5


def epoch(number: int = 1, **settings: object) -> list[tuple[np.ndarray, ...]]:
    config = TrainingConfig(**{"batch": 32, "augmentation": "none", **settings})  # type: ignore[arg-type]
    return list(batches(IMAGES, LABELS, 5, config, number, 44, "standardise"))


@pytest.mark.parametrize("batch", [7, 32, BLOCK, 600])
def test_each_image_comes_once_an_epoch_in_batches_of_the_size_that_was_asked_for(batch: int) -> None:
    made = epoch(batch=batch)
    assert [len(own) for *_, own in made] == [min(batch, COUNT - i) for i in range(0, COUNT, batch)]
    given = np.concatenate([x for x, *_ in made])
    order = np.random.default_rng([1, 1]).permutation(COUNT)
    np.testing.assert_array_equal(given, prepare(IMAGES[order], 44, "standardise"))
    np.testing.assert_array_equal(np.concatenate([own for *_, own in made]), LABELS[order])
    for x, y, w, own in made:
        assert len(x) == len(y) == len(w) == len(own) and (y.argmax(1) == own).all()


def test_seed_and_epoch_decide_all_that_is_random() -> None:
    how = {"augmentation": "light", "mixup": 0.3, "label_smoothing": 0.1, "class_weights": "balanced"}
    first, again, later, other = epoch(**how), epoch(**how), epoch(2, **how), epoch(seed=2, **how)
    for one, two in zip(first, again, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    for different in (later, other):
        assert not np.array_equal(first[0][0], different[0][0])
    for _, y, w, own in first:
        np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(w, 1, rtol=1e-5)
        assert (y.argmax(1) == own).all(), "the greater part of a mixed image keeps its label"


def test_the_precision_is_the_faster_one_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, usual in (
        ("flags : amx_bf16", "mixed_bfloat16"),
        ("flags : avx512_bf16 x", "mixed_bfloat16"),
        ("", "float32"),
    ):
        monkeypatch.setattr("fer_core.utils.platform._cpuinfo", lambda flags=flags: flags)
        found = {name: precision_for("auto", name) for name in ARCHITECTURES}
        assert found.pop("mini_xception") == found.pop("mobile") == "float32" and set(found.values()) == {usual}
        assert precision_for("mixed_bfloat16", "mobile") == "mixed_bfloat16"


def test_what_goes_wrong_is_raised_where_the_batches_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "vary", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        epoch()


def test_who_leaves_early_leaves_no_thread() -> None:
    feed = batches(IMAGES, LABELS, 5, TrainingConfig(batch=2), 1, 44, "standardise")
    with contextlib.closing(feed):
        next(feed)
        assert "feeding" in {thread.name for thread in threading.enumerate()}
    assert "feeding" not in {thread.name for thread in threading.enumerate()}
