"""The other side of `keras_child`: a process of its own that loads a Keras model, asks it, or shows where it looks.

Started as `python -m fer_core.models.keras_worker FOLDER`; the folder holds request.json and request.npz, and gets
response.npz or error.txt. `progress.txt` holds the share done while it runs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_core.errors import ModelError
from fer_core.models.gradcam import gradcam_maps
from fer_core.models.keras_layers import layer_scale
from fer_core.models.preprocessing import CROP_SIDE, INPUT_SIDE, prepare
from fer_core.utils.child_process import FAILED
from fer_core.utils.files import atomic_file, write_atomic

__all__ = ["main"]

BATCH = 256


def _load(path: str) -> Any:
    import keras

    layer_scale()  # so that Keras knows it
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever it likes on a file that is none of its own
        raise ModelError(f"{Path(path).name} is not a Keras model that can be loaded here.") from error


def _input(model: Any, images: np.ndarray, how: dict[str, Any]) -> np.ndarray:
    """Float32 (n, side, side, channels); a network that takes colours gets the grey three times."""
    x = prepare(images, how["side"], how["scale"])
    return np.repeat(x, int(model.input_shape[-1] or 1), axis=3)


def _logits(outputs: Any, softmax: bool) -> np.ndarray:
    found = np.asarray(outputs, np.float32)
    return np.log(np.maximum(found, 1e-9)) if softmax else found


def _ends_in_softmax(model: Any) -> bool:
    last = model.layers[-1]
    return getattr(getattr(last, "activation", None), "__name__", "") == "softmax" or "softmax" in last.name.lower()


def _predict(model: Any, images: np.ndarray, how: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    import tensorflow as tf

    softmax = _ends_in_softmax(model)
    ask = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def answer(part: np.ndarray) -> np.ndarray:
        x = _input(model, part, how)
        found = _logits(ask(tf.constant(x)), softmax)
        if how["flip"]:
            found = (found + _logits(ask(tf.constant(x[:, :, ::-1])), softmax)) / 2
        return found

    one = _input(model, images[:1], how)
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


def _look(model: Any, images: np.ndarray, how: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    """Grad-CAM of output `how["outputs"][i]` for each image, on the crop: float32 (n, 48, 48), 0 to 1."""
    found = gradcam_maps(model, _input(model, images, how), how["outputs"], lambda share: _say(folder, share))
    # A side of 44 sees the middle of the crop only: nothing was looked at on the border.
    seen = how["side"] if how["side"] == INPUT_SIDE else CROP_SIDE
    edge = (CROP_SIDE - seen) // 2
    heat = np.zeros((len(images), CROP_SIDE, CROP_SIDE), np.float32)
    for whole, small in zip(heat, found, strict=True):
        inner = cv2.resize(small, (seen, seen), interpolation=cv2.INTER_LINEAR)
        whole[edge : edge + seen, edge : edge + seen] = inner / max(float(inner.max()), 1e-12)
    return {"heat": heat}


def _say(folder: Path, share: float) -> None:
    write_atomic(folder / "progress.txt", f"{share:.3f}", durable=False)


TASKS = {"predict": _predict, "look": _look}


def main(folder: Path) -> int:
    """Do what the request asks; returns the exit status."""
    how = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    with np.load(folder / "request.npz", allow_pickle=False) as file:
        images = file["images"]
    try:
        model = _load(how["model"])
        found = TASKS[how["task"]](model, images, how, folder)
    except ModelError as error:
        (folder / "error.txt").write_text(str(error), encoding="utf-8")
        return FAILED
    with atomic_file(folder / "response.npz", durable=False) as file:
        np.savez(file, **found)  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
