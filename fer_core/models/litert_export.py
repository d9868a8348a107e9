"""Make a bundle of a trained Keras network: weights for inference, the Keras model, the json and h5 pair, the card."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.errors import ModelError
from fer_core.models.bundle import CARD, WEIGHTS
from fer_core.models.preprocessing import prepare, prepare_color
from fer_core.utils.platform import remove_folder, replace

if TYPE_CHECKING:
    import keras

__all__ = ["PARITY", "make_bundle", "to_litert"]

PARITY = 1e-3
"""Largest difference allowed between the probabilities of Keras and of the inference weights."""


def to_litert(model: keras.Model, *, eight_bit: bool = False) -> bytes:
    """Inference weights, float32 or with 8-bit kernels.

    The reference network, a face on one core: float32 17.9 MB and 6.6 ms, as Keras to 2e-6 of a probability; 8-bit
    4.5 MB and 1.4 ms, off by up to 0.012. (Half precision: 9.0 MB, 6.5 ms, off by 0.0016, so neither small nor exact.)
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if eight_bit:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def make_bundle(
    model: keras.Model, folder: Path, card: dict[str, Any], images: np.ndarray, *, eight_bit: bool = False
) -> float:
    """Write a bundle; it is there whole or not at all, and one that is there already is replaced.

    Args:
        model: float32, gives logits.
        folder: to be made.
        card: what is known; checksum, preprocessing check and parity are added.
        images: uint8 (n, 48, 48), on which parity is measured.
        eight_bit: 8-bit inference weights; their difference is said in the card, not limited.

    Returns:
        Largest difference of a probability.

    Raises:
        ModelError: the inference weights answer other than Keras.
    """
    import keras

    asked = card["preprocessing"]
    part, old = (folder.with_name(f".{folder.name}-{os.getpid()}-{what}") for what in ("new", "old"))
    remove_folder(part)
    part.mkdir(parents=True)
    try:
        weights = to_litert(model, eight_bit=eight_bit)
        (part / WEIGHTS).write_bytes(weights)
        probabilities = keras.Model(model.inputs, keras.layers.Softmax(name="softmax")(model.output), name=model.name)
        how = prepare_color if asked.get("channels") == 3 else prepare
        x = how(images[:64], asked["side"], asked["scale"])
        expected = np.asarray(probabilities(x, training=False))
        difference = float(np.abs(_answers(weights, x) - expected).max()) if len(x) else 0.0
        if not difference <= PARITY and not eight_bit:
            raise ModelError(f"The inference weights answer other than the trained network: off by {difference:.2g}.")
        model.save(part / "model.keras")
        (part / "model.json").write_text(probabilities.to_json(), encoding="utf-8")
        probabilities.save_weights(part / "model.weights.h5")
        whole = {**card, "sha256": hashlib.sha256(weights).hexdigest(), "keras_parity": difference}
        (part / CARD).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if folder.exists():
            replace(folder, old)
        replace(part, folder)
        return difference
    finally:
        for left in (part, old):
            remove_folder(left)


def _answers(weights: bytes, x: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=weights, num_threads=1)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, x)
    interpreter.invoke()
    logits = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))
