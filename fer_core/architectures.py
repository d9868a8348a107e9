"""Networks in Keras, by name. TensorFlow is imported inside the functions: analysing never needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .preprocessing import INPUT_SIDE

if TYPE_CHECKING:
    import keras

__all__ = ["network_s"]

WIDTHS, DEPTHS = (32, 64, 128, 256), (2, 2, 3, 3)


def network_s(outputs: int, *, dropout: float = 0.3) -> keras.Model:
    """Network S: 3x3 conv-BN-ReLU blocks, max-pools between, a learned depthwise pooling over the last 5x5 map.

    1.9 M parameters and 127 M multiply-adds for an input of (n, 44, 44, 1); the output is logits (n, outputs), those of
    several heads side by side.
    """
    import keras
    from keras import layers

    x = inputs = keras.Input((INPUT_SIDE, INPUT_SIDE, 1), name="crop")
    for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        if block:
            x = layers.MaxPooling2D(name=f"shrink{block}")(x)
        for i in range(depth):
            name = f"block{block + 1}_{i + 1}"
            x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.DepthwiseConv2D(5, use_bias=False, name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(layers.Flatten(name="flatten")(x))
    return keras.Model(inputs, layers.Dense(outputs, name="logits")(x), name="network_s")
