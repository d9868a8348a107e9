"""Networks in Keras, by name. TensorFlow is imported inside the functions: analysing never needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["ARCHITECTURES", "Architecture", "network_s"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be trained.

    Attributes:
        name: as settings and cards name it.
        title: as pages name it.
        summary: one sentence for somebody who chooses.
        side: of its square grey input in pixels.
        scale: how grey levels become its input, see `preprocessing.prepare`.
        parameters: numbers that it learns or keeps, with seven outputs.
        multiply_adds: for one image.
        builder: (outputs, layers) -> Keras model that gives logits; `layers` is keras.layers or stands in for it.
        separable: whether its convolutions are depthwise ones, which are no faster in bfloat16.
    """

    name: str
    title: str
    summary: str
    side: int
    scale: str
    parameters: int
    multiply_adds: int
    builder: Callable[[int, Any], keras.Model]
    separable: bool = False

    def build(self, outputs: int, layers: Any = None) -> keras.Model:
        """Return a new network with that many outputs, which are logits; input (n, side, side, 1)."""
        if layers is None:
            import keras

            layers = keras.layers
        return self.builder(outputs, layers)


def _block(
    x: Any,
    layers: Any,
    name: str,
    width: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    bias: bool = False,
    momentum: float = 0.99,
) -> Any:
    conv = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=bias, name=f"{name}_conv")
    x = layers.BatchNormalization(momentum=momentum, name=f"{name}_norm")(conv(x))
    return layers.ReLU(name=f"{name}_relu")(x)


def _separable(x: Any, layers: Any, name: str, width: int, *, stride: int = 1) -> Any:
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"{name}_depth")(x)
    x = layers.ReLU(name=f"{name}_depth_relu")(layers.BatchNormalization(name=f"{name}_depth_norm")(x))
    return _block(x, layers, name, width, 1)


def _model(inputs: Any, outputs: Any, name: str) -> keras.Model:
    import keras

    return keras.Model(inputs, outputs, name=name)


def _logits(x: Any, layers: Any, outputs: int) -> Any:
    return layers.Dense(outputs, dtype="float32", name="logits")(x)  # also where the rest computes in bfloat16


def _tiny(outputs: int, layers: Any) -> keras.Model:
    x = inputs = layers.Input((44, 44, 1), name="crop")
    for block, width in enumerate((16, 32, 48), 1):
        # Short trainings: the means that inference takes must follow within a few dozen steps.
        x = _block(x, layers, f"block{block}", width, stride=2 if block == 1 else 1, momentum=0.9)
        x = layers.MaxPooling2D(name=f"shrink{block}")(x)
    x = layers.Dropout(0.25, name="dropout")(layers.Flatten(name="flatten")(x))
    return _model(inputs, _logits(x, layers, outputs), "tiny")


def network_s(outputs: int, layers: Any = None, *, dropout: float = 0.3) -> keras.Model:
    """Network S: 3x3 conv-BN-ReLU blocks, max-pools between, a learned depthwise pooling over the last 5x5 map.

    1.9 M parameters and 127 M multiply-adds for an input of (n, 44, 44, 1); the output is logits (n, outputs), those of
    several heads side by side.
    """
    if layers is None:
        import keras

        layers = keras.layers
    x = inputs = layers.Input((44, 44, 1), name="crop")
    for block, (width, depth) in enumerate(zip((32, 64, 128, 256), (2, 2, 3, 3), strict=True)):
        if block:
            x = layers.MaxPooling2D(name=f"shrink{block}")(x)
        for i in range(depth):
            x = _block(x, layers, f"block{block + 1}_{i + 1}", width)
    x = layers.DepthwiseConv2D(5, use_bias=False, name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(layers.Flatten(name="flatten")(x))
    return _model(inputs, _logits(x, layers, outputs), "network_s")


def _reference(outputs: int, layers: Any) -> keras.Model:
    x = inputs = layers.Input((48, 48, 1), name="crop")
    for block, (width, kernel) in enumerate(((64, 3), (128, 5), (512, 3), (512, 3)), 1):
        x = _block(x, layers, f"block{block}", width, kernel, bias=True)
        x = layers.MaxPooling2D(name=f"shrink{block}")(x)
        x = layers.Dropout(0.25, name=f"dropout{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    for block, width in enumerate((256, 512), 5):
        x = layers.BatchNormalization(name=f"dense{block}_norm")(layers.Dense(width, name=f"dense{block}")(x))
        x = layers.Dropout(0.25, name=f"dropout{block}")(layers.ReLU(name=f"dense{block}_relu")(x))
    return _model(inputs, _logits(x, layers, outputs), "reference")


def _mini_xception(outputs: int, layers: Any) -> keras.Model:
    x = inputs = layers.Input((48, 48, 1), name="crop")
    for i in (1, 2):
        x = _block(x, layers, f"stem{i}", 8)
    for block, width in enumerate((16, 32, 64, 128), 1):
        # Every second pixel, then a plain 1x1 convolution: the strided one's gradient for 8 channels in float32 writes
        # beyond its memory in TensorFlow 2.21 with oneDNN, and the process dies.
        side = layers.MaxPooling2D(1, strides=2, padding="same", name=f"side{block}_shrink")(x)
        side = layers.Conv2D(width, 1, use_bias=False, name=f"side{block}_conv")(side)
        side = layers.BatchNormalization(name=f"side{block}_norm")(side)
        for i in (1, 2):
            name = f"block{block}_{i}"
            x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depth")(x)
            x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_conv")(x)
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
            if i == 1:
                x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"shrink{block}")(x)
        x = layers.Add(name=f"join{block}")([x, side])
    x = layers.Conv2D(outputs, 3, padding="same", name="last")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return _model(inputs, layers.Activation("linear", dtype="float32", name="logits")(x), "mini_xception")


def _mobile(outputs: int, layers: Any) -> keras.Model:
    x = inputs = layers.Input((48, 48, 1), name="crop")
    x = _block(x, layers, "stem", 32, stride=2)
    for block, (width, stride) in enumerate(((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (256, 1), (512, 2)), 1):
        x = _separable(x, layers, f"block{block}", width, stride=stride)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    return _model(inputs, _logits(x, layers, outputs), "mobile")


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        network.name: network
        for network in (
            Architecture(
                name="tiny",
                title="Tiny",
                summary="Learns drawn faces in seconds; for a quick look.",
                side=44,
                scale="standardise",
                parameters=20_311,
                multiply_adds=974_208,
                builder=_tiny,
            ),
            Architecture(
                name="network_s",
                title="Network S",
                summary="The kind of network that this program ships: accurate and quick.",
                side=44,
                scale="standardise",
                parameters=1_921_575,
                multiply_adds=126_640_640,
                builder=network_s,
            ),
            Architecture(
                name="reference",
                title="Reference notebook",
                summary="Four convolutions and two wide layers, exactly as in the notebook of reference.",
                side=48,
                scale="unit",
                parameters=4_478_727,
                multiply_adds=290_475_520,
                builder=_reference,
            ),
            Architecture(
                name="mini_xception",
                title="Mini-Xception",
                summary="Very small, after Arriaga et al. (2017); the kind of network of the fer package.",
                side=48,
                scale="standardise",
                parameters=58_423,
                multiply_adds=6_332_544,
                builder=_mini_xception,
                separable=True,
            ),
            Architecture(
                name="mobile",
                title="Mobile",
                summary="Separable convolutions after MobileNet (Howard et al., 2017): little work for an image.",
                side=48,
                scale="standardise",
                parameters=346_503,
                multiply_adds=12_608_768,
                builder=_mobile,
                separable=True,
            ),
        )
    }
)
"""All networks by name, in the order in which pages offer them."""
