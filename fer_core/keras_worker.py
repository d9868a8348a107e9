"""The other side of `keras_child`: a process of its own that loads a Keras model and asks it.

Started as `python -m fer_core.keras_worker FOLDER`; the folder holds request.json and request.npz, and gets
response.npz or error.txt. `progress.txt` holds the share done while it runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .errors import ModelError
from .preprocessing import standardise

__all__ = ["main", "network_input"]

BATCH = 256


def network_input(images: np.ndarray, side: int, scale: str, channels: int = 1) -> np.ndarray:
    """Network input from grey images.

    Args:
        images: uint8 (n, 48, 48).
        side: pixels that the network takes; 44 is the middle of the image, other sides are the whole of it, scaled.
        scale: standardise (mean 0 and deviation 1 of each image), unit (0 to 1) or signed (-1 to 1).
        channels: 3 repeats the grey three times.

    Returns:
        float32 (n, side, side, channels).
    """
    if side == 44 and scale == "standardise":
        found = standardise(images)
    else:
        resized = images if side == images.shape[1] else np.stack([cv2.resize(i, (side, side)) for i in images])
        x: np.ndarray = resized.astype(np.float32)
        if scale == "standardise":
            x -= x.mean((1, 2), keepdims=True)
            x /= np.maximum(x.std((1, 2), keepdims=True), 4.0)
        else:
            x = x / 255 if scale == "unit" else x / 127.5 - 1
        found = x[..., None]
    return np.repeat(found, channels, axis=3) if channels > 1 else found


def _load(path: str) -> Any:
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever it likes on a file that is none of its own
        raise ModelError(f"{Path(path).name} is not a Keras model that can be loaded here.") from error


def _channels(model: Any) -> int:
    return int(model.input_shape[-1] or 1)


def _logits(outputs: Any, softmax: bool) -> np.ndarray:
    found = np.asarray(outputs, np.float32)
    return np.log(np.maximum(found, 1e-9)) if softmax else found


def _ends_in_softmax(model: Any) -> bool:
    last = model.layers[-1]
    return getattr(getattr(last, "activation", None), "__name__", "") == "softmax" or "softmax" in last.name.lower()


def _predict(model: Any, images: np.ndarray, how: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    import tensorflow as tf

    softmax, channels = _ends_in_softmax(model), _channels(model)
    ask = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def answer(part: np.ndarray) -> np.ndarray:
        x = network_input(part, how["side"], how["scale"], channels)
        found = _logits(ask(tf.constant(x)), softmax)
        if how["flip"]:
            found = (found + _logits(ask(tf.constant(x[:, :, ::-1])), softmax)) / 2
        return found

    one = network_input(images[:1], how["side"], how["scale"], channels)
    took = []
    for _ in range(15):
        start = time.perf_counter()
        np.asarray(ask(tf.constant(one)))
        took.append(1000 * (time.perf_counter() - start))
    start, parts = time.perf_counter(), []
    for i in range(0, len(images), BATCH):
        parts.append(answer(images[i : i + BATCH]))
        _say(folder, min(1.0, (i + BATCH) / len(images)))
    seconds = time.perf_counter() - start
    speed = np.array([len(images) / max(seconds, 1e-9), float(np.median(took[5:]))])
    return {"logits": np.concatenate(parts), "speed": speed}


def _say(folder: Path, share: float) -> None:
    part = folder / "progress.part"
    part.write_text(f"{share:.3f}")
    os.replace(part, folder / "progress.txt")


def main(folder: Path) -> int:
    """Do what the request asks; returns the exit status."""
    how = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    with np.load(folder / "request.npz", allow_pickle=False) as file:
        images = file["images"]
    try:
        model = _load(how["model"])
        found = _predict(model, images, how, folder)
    except ModelError as error:
        (folder / "error.txt").write_text(str(error), encoding="utf-8")
        return 3
    np.savez(folder / "response.part.npz", **found)  # type: ignore[arg-type]
    os.replace(folder / "response.part.npz", folder / "response.npz")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
