"""Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391): which parts of a picture speak for an answer of a Keras model.

The maps of the last convolution are added up, each weighted with the mean of the gradient of the answer's score with
respect to it; what is negative counts for nothing. The score is taken before the softmax, as in the paper. Runs where
TensorFlow runs: in the process of `keras_worker`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fer_core.errors import ModelError

__all__ = ["gradcam_maps"]

BATCH = 32


def gradcam_maps(
    model: Any, x: np.ndarray, outputs: Sequence[int], progress: Callable[[float], None] = lambda share: None
) -> np.ndarray:
    """Return how much each place of the last maps speaks for an output.

    Args:
        model: Keras model with convolutions; parts of it may be models themselves.
        x: float32 (n, side, side, channels).
        outputs: (n,), for each image the output of interest, counted over all outputs side by side.
        progress: is told the share done.

    Returns:
        float32 (n, rows, columns) of the maps, not negative; all 0 where nothing speaks for the output.

    Raises:
        ModelError: no convolution of the model leaves a picture, or the answer does not follow from it.
    """
    import tensorflow as tf

    with _observed(model) as seen:
        model(tf.constant(x[:1]), training=False)
        place, softmax = _last_maps(seen), seen[-1][0] if seen else None
    found: list[np.ndarray] = []
    with _without_softmax(softmax):
        for i in range(0, len(x), BATCH):
            wanted = tf.constant([int(o) for o in outputs[i : i + BATCH]])
            with tf.GradientTape(watch_accessed_variables=False) as tape, _observed(model, place, tape) as seen:
                scores = tf.cast(_joined(model(tf.constant(x[i : i + BATCH]), training=False)), tf.float32)
                # The sum over images has for each image the gradient of its own score.
                chosen = tf.reduce_sum(tf.gather(scores, wanted, axis=1, batch_dims=1))
            maps = seen[place][1]
            gradient = tape.gradient(chosen, maps)
            if gradient is None:
                raise ModelError("This network's answer does not follow from its last convolution alone.")
            weights = tf.reduce_mean(tf.cast(gradient, tf.float32), axis=(1, 2), keepdims=True)
            found.append(tf.nn.relu(tf.reduce_sum(weights * tf.cast(maps, tf.float32), axis=3)).numpy())
            progress(min(1.0, (i + BATCH) / len(x)))
    return np.concatenate(found)


def _layers(model: Any) -> Iterator[Any]:
    """Return the layers that hold no others."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _layers(layer)
        else:
            yield layer


@contextlib.contextmanager
def _observed(model: Any, place: int | None = None, tape: Any = None) -> Iterator[list[tuple[Any, Any]]]:
    """A list that fills with each layer and what it gives, in the order of work; the tape watches that of one place."""
    seen: list[tuple[Any, Any]] = []
    own = {id(layer): (layer, layer.call) for layer in _layers(model)}

    def watched(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def observe(*args: Any, **kwargs: Any) -> Any:
            out = call(*args, **kwargs)
            if tape is not None and len(seen) == place:
                tape.watch(out)
            seen.append((layer, out))
            return out

        return observe

    try:
        for layer, call in own.values():
            layer.call = watched(layer, call)
        yield seen
    finally:
        for layer, call in own.values():
            layer.call = call


def _last_maps(seen: list[tuple[Any, Any]]) -> int:
    """Place of the last convolution's maps, as they are after what follows on each value, such as an activation."""
    import keras

    layers = keras.layers
    kinds = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D, layers.Conv2DTranspose)
    pictures = [
        i
        for i, (layer, out) in enumerate(seen)
        if isinstance(layer, kinds) and min(out.shape[1:3]) > 1  # a convolution over all of the picture leaves a point
    ]
    if not pictures:
        raise ModelError(
            "This network has no convolution that leaves a picture, so it cannot be shown where it looks. "
            "Choose a convolutional network."
        )
    shape = seen[pictures[-1]][1].shape
    return max(i for i in range(pictures[-1], len(seen)) if getattr(seen[i][1], "shape", None) == shape)


@contextlib.contextmanager
def _without_softmax(layer: Any) -> Iterator[None]:
    """Let the layer that answers give its scores."""
    import keras

    activation, call = getattr(layer, "activation", None), layer.call
    try:
        if getattr(activation, "__name__", "") == "softmax":
            layer.activation = keras.activations.linear
        elif isinstance(layer, keras.layers.Softmax):
            layer.call = lambda inputs, *args, **kwargs: inputs
        yield
    finally:
        layer.call = call
        if activation is not None:
            layer.activation = activation


def _joined(outputs: Any) -> Any:
    import tensorflow as tf

    return tf.concat(list(outputs), axis=1) if isinstance(outputs, (list, tuple)) else outputs
