"""Keras models, asked in a process of their own: TensorFlow takes seconds and much memory, and then is gone."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import ModelError
from fer_core.utils.child_process import FAILED, run_worker
from fer_core.utils.platform import temporary_folder

__all__ = ["ask", "has_keras", "look", "wait_for"]

PATIENCE = 600.0
"""Seconds after which a child is taken to hang."""


def has_keras() -> bool:
    """Return whether Keras with TensorFlow is installed; looks, and imports nothing."""
    return all(importlib.util.find_spec(name) is not None for name in ("tensorflow", "keras"))


def ask(
    model: Path,
    images: np.ndarray,
    *,
    side: int,
    scale: str,
    flip: bool,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[np.ndarray, float, float]:
    """Return what a Keras model answers.

    Args:
        model: file that Keras loads.
        images: uint8 (n, 48, 48).
        side: see `preprocessing.prepare`.
        scale: see there; a model that takes colours gets the grey three times.
        flip: also show the mirrored images and take the mean.
        progress: is told the share done; where it raises, the child is ended.

    Returns:
        logits float32 (n, outputs), the logarithm of probabilities where the model ends in a softmax; images a second;
        milliseconds for one image alone.

    Raises:
        ModelError: it does not load, or Keras is not installed.
    """
    found = _run("predict", model, images, progress, side=side, scale=scale, flip=flip)
    return found["logits"], float(found["speed"][0]), float(found["speed"][1])


def look(
    model: Path,
    images: np.ndarray,
    outputs: Sequence[int],
    *,
    side: int,
    scale: str,
    progress: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """Return which parts of each image speak for one of a Keras model's outputs, see `gradcam`.

    Args:
        model: as in `ask`.
        images: as in `ask`.
        outputs: (n,), the output of interest for each image, counted over all heads side by side.
        side: as in `ask`.
        scale: as in `ask`.
        progress: as in `ask`.

    Returns:
        float32 (n, 48, 48), 0 to 1; all 0 where nothing speaks for it.

    Raises:
        ModelError: it does not load, it has no convolution, or Keras is not installed.
    """
    wanted = [int(output) for output in outputs]
    return _run("look", model, images, progress, side=side, scale=scale, outputs=wanted)["heat"]


def _run(
    task: str, model: Path, images: np.ndarray, progress: Callable[[float], None], **how: Any
) -> dict[str, np.ndarray]:
    if not has_keras():
        raise ModelError("TensorFlow is not installed here, and this model needs it: pip install tensorflow.")
    with temporary_folder("keras-child-") as folder:
        request = {"task": task, "model": str(Path(model).resolve()), **how}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        np.savez(folder / "request.npz", images=images)
        # oneDNN's gradient of a convolution corrupted memory on fer's network (TensorFlow 2.21)
        settings = {"TF_ENABLE_ONEDNN_OPTS": "0"} if task == "look" else {}
        wait_for("fer_core.models.keras_worker", folder, progress, settings)
        with np.load(folder / "response.npz", allow_pickle=False) as file:
            return {key: file[key] for key in file.files}


def wait_for(
    module: str, folder: Path, progress: Callable[[float], None], settings: Mapping[str, str] | None = None
) -> None:
    """Run `python -m module folder` until it has ended.

    Args:
        module: says what went wrong in error.txt, with exit status 3, and how far it is in progress.txt.
        folder: holds its request, and gets its response and log.
        progress: is told the share done; where it raises, the child is ended.
        settings: of its environment, besides those that keep TensorFlow quiet.

    Raises:
        ModelError: it said what went wrong, or did not end well or in time.
    """
    end = time.monotonic() + PATIENCE

    def listen() -> None:
        try:
            share = float((folder / "progress.txt").read_text(encoding="ascii"))
        except (OSError, ValueError):
            share = 0.0
        progress(share)
        if time.monotonic() > end:
            raise ModelError("The model did not answer within ten minutes. Try fewer images.")

    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    ended = run_worker(module, folder, listen, settings={**quiet, **(settings or {})})
    if ended.status == FAILED:
        raise ModelError(ended.words)
    if ended.status:
        raise ModelError(f"The model could not be run; the last that was heard: {ended.words}")
