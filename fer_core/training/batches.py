"""Batches for a training, made on a thread of their own while the network computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import Any

import numpy as np

from fer_core.models.preprocessing import CROP_SIDE, prepare
from fer_core.training.augmentation import Augmentation, augment
from fer_core.training.config import TrainingConfig

__all__ = ["batches", "soft_targets", "vary"]

AHEAD = 4
"""Batches at least that lie ready."""
BLOCK = 256
"""Images that are made at a time, but for the first batch of an epoch: half the work for each image, and fewer moments
in which the thread that trains waits for Python."""
REACH = 4
"""Pixels by which the augmentation `light` moves an image at most, either way."""


def vary(images: np.ndarray, rng: np.random.Generator, how: str, side: int = CROP_SIDE) -> np.ndarray:
    """Return the images as a training sees them.

    Args:
        images: uint8 (n, 48, 48).
        rng: source of all randomness.
        how: see `training.AUGMENTATIONS`.
        side: pixels of the network's input.

    Returns:
        uint8 (n, 48, 48); with `full` for a network that takes the middle 44 pixels, these.
    """
    if how == "full":
        return augment(images, rng, Augmentation(), min(side, CROP_SIDE))
    out = images.copy()
    if how != "none":
        flip = rng.random(len(images)) < 0.5
        out[flip] = out[flip, :, ::-1]
    if how == "light":
        n, side = len(out), images.shape[1]
        padded = np.pad(out, ((0, 0), (REACH, REACH), (REACH, REACH)), "edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (1, 2))
        y, x = rng.integers(0, 2 * REACH + 1, (2, n))
        out = views[np.arange(n), y, x]
    return out


def soft_targets(labels: np.ndarray, classes: int, smoothing: float) -> np.ndarray:
    """Return one-hot targets, float32 (n, classes), of which `smoothing` is spread over all classes."""
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += 1 - smoothing
    return targets


def batches(
    images: np.ndarray, labels: np.ndarray, classes: int, config: TrainingConfig, epoch: int, side: int, scale: str
) -> Generator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Return one epoch: (input, targets, weights, labels) a batch; the seed and the epoch decide all that is random.

    Errors of the thread that makes them are raised here; leaving the loop early ends that thread.
    """
    weights = np.ones(classes, np.float32)
    if config.class_weights == "balanced":
        counts = np.bincount(labels, minlength=classes)
        weights = (len(labels) / (max(1, (counts > 0).sum()) * np.maximum(counts, 1))).astype(np.float32)
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(len(labels))
    together = max(1, BLOCK // config.batch)
    ready: queue.Queue[Any] = queue.Queue(max(AHEAD, 2 * together))
    left = threading.Event()

    def put(item: object) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            start, count = 0, config.batch  # the first batch alone: the network waits for it
            while start < len(order):
                chosen = order[start : start + count]
                start, count = start + count, together * config.batch
                x = prepare(vary(images[chosen], rng, config.augmentation, side), side, scale)
                own = labels[chosen]
                y, w = soft_targets(own, classes, config.label_smoothing), weights[own]
                if config.mixup:
                    part = rng.beta(config.mixup, config.mixup, (len(own), 1)).astype(np.float32)
                    part = np.maximum(part, 1 - part)  # the greater part keeps its label, for the figure of accuracy
                    other = rng.permutation(len(own))
                    x = part[:, :, None, None] * x + (1 - part[:, :, None, None]) * x[other]
                    y, w = part * y + (1 - part) * y[other], part[:, 0] * w + (1 - part[:, 0]) * w[other]
                for i in range(0, len(own), config.batch):
                    batch = slice(i, i + config.batch)
                    if not put((x[batch], y[batch], w[batch], own[batch])):
                        return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, name="feeding", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join(timeout=10)
