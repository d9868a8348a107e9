"""Build a Keras network anew from what a file says of it, without letting the file decide what is run.

Keras's own reader makes objects by the names that it finds. Here each layer is made by this program from a list of
known ones, and only plain numbers and words are taken over, so that a file can neither bring code nor name any. Files
of Keras 2 (TF 2.x) and of Keras 3 are understood.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from fer_core.errors import ModelError
from fer_core.models.keras_layers import layer_scale

__all__ = ["rebuild"]

CONV = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
POOL = ("pool_size", "strides", "padding")
LAYERS: dict[str, tuple[str, ...]] = {
    "Conv2D": (*CONV, "groups"),
    "SeparableConv2D": (*CONV, "depth_multiplier"),
    "DepthwiseConv2D": (*CONV[1:], "depth_multiplier"),
    "Dense": ("units", "activation", "use_bias"),
    "BatchNormalization": ("momentum", "epsilon", "center", "scale"),
    "LayerNormalization": ("epsilon", "center", "scale"),
    "Normalization": ("mean", "variance"),
    "LayerScale": ("projection_dim",),
    "StochasticDepth": (),
    "Identity": (),
    "Activation": ("activation",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "LeakyReLU": ("negative_slope",),
    "PReLU": ("shared_axes",),
    "ELU": ("alpha",),
    "Softmax": (),
    **dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), POOL),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), ("keepdims",)),
    **dict.fromkeys(("Dropout", "SpatialDropout2D", "GaussianDropout", "AlphaDropout"), ("rate",)),
    "GaussianNoise": ("stddev",),
    "Flatten": (),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "ZeroPadding2D": ("padding",),
    "Cropping2D": ("cropping",),
    "UpSampling2D": ("size", "interpolation"),
    **dict.fromkeys(("Add", "Multiply", "Average", "Maximum", "Subtract"), ()),
    "Concatenate": ("axis",),
    "Rescaling": ("scale", "offset"),
    "RandomFlip": ("mode",),
    "RandomRotation": ("factor",),
    "RandomZoom": ("height_factor", "width_factor"),
    "RandomTranslation": ("height_factor", "width_factor"),
    "RandomContrast": ("factor",),
}
"""What is taken over of each layer that is known. Initialisers and regularisers are not: the weights are there."""
NETWORKS = ("Sequential", "Functional", "Model")
ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish", "sigmoid"),
    *("hard_sigmoid", "hard_swish", "hard_silu", "tanh", "softplus", "softsign", "softmax", "exponential"),
)
OLD_NAMES = {"LeakyReLU": {"alpha": "negative_slope"}}
"""What Keras 2 called some settings."""

OPERATIONS = {
    **dict.fromkeys(("TrueDivide", "Divide", "math.truediv", "math.divide"), "divide"),
    **dict.fromkeys(("Multiply", "math.multiply"), "multiply"),
    **dict.fromkeys(("Add", "math.add", "__operators__.add"), "add"),
    **dict.fromkeys(("Subtract", "math.subtract"), "subtract"),
}
"""Sums with one plain number, as `preprocess_input` leaves them in a network, by their names in Keras 3 and 2."""
MOST_PARAMETERS = 60_000_000
MOST_VALUES = 30_000_000
"""In the result of a layer, for one image."""
DEEPEST = 4
"""Networks within networks."""


def rebuild(config: Any) -> Any:
    """Return the Keras model that a file describes, with fresh weights.

    Args:
        config: the parsed JSON, {"class_name": ..., "config": ...}.

    Raises:
        ModelError: it is no such description, or asks for what is not known here.
    """
    import keras

    keras.mixed_precision.set_dtype_policy("float32")
    try:
        return _Builder(keras).network(config, 0)
    except ModelError:
        raise
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError("The description of the network in this file is damaged or of an unknown kind.") from error
    except Exception as error:  # Keras's own words on settings that do not fit together
        words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"The network that this file describes cannot be built: {words[:200]}") from error


class _Builder:
    """Counts parameters as it goes, so that a small file cannot ask for all the memory there is."""

    def __init__(self, keras: Any):
        self._keras, self._parameters = keras, 0

    def network(self, described: dict[str, Any], depth: int) -> Any:
        kind, config = described["class_name"], described["config"]
        if kind not in NETWORKS:
            raise ModelError(f"The file describes {_quoted(kind)}, which is no network of layers.")
        if depth > DEEPEST:
            raise ModelError("The file describes networks within networks, deeper than is read here.")
        if isinstance(config, list):  # Sequential of the oldest files
            config = {"name": "sequential", "layers": config}
        return self._sequence(config, depth) if kind == "Sequential" else self._graph(config, depth)

    def _sequence(self, config: dict[str, Any], depth: int) -> Any:
        described = config["layers"]
        first = described[0]["config"]
        shape = first.get("batch_shape") or first.get("batch_input_shape") or config.get("build_input_shape")
        x = inputs = self._keras.Input(_shape(shape))
        layers = []
        for one in described:
            if one["class_name"] == "InputLayer":
                continue
            layer = self._layer(one, depth)
            self._count(one, layer, tuple(x.shape))
            x = layer(x)
            self._check(x)
            layers.append(layer)
        return self._keras.Sequential([inputs, *layers], name=_name(config))

    def _graph(self, config: dict[str, Any], depth: int) -> Any:
        made: dict[str, Any] = {}
        for one in config["layers"]:
            name = one.get("name") or one["config"]["name"]
            if one["class_name"] == "InputLayer":
                given = one["config"]
                shape = _shape(given.get("batch_shape") or given["batch_input_shape"])
                made[name] = self._keras.Input(shape, name=_name({"name": name}))
                continue
            nodes = one["inbound_nodes"]
            if len(nodes) != 1:
                raise ModelError(f"The layer {_quoted(name)} is used {len(nodes)} times, which is not read here.")
            if (sum_ := _sum(one, nodes[0])) is not None:
                source, scale, offset = sum_
                made[name] = self._keras.layers.Rescaling(scale, offset, name=_name({"name": name}))(made[source])
                continue
            sources = [made[source] for source in _sources(nodes[0])]
            layer = self._layer(one, depth)
            self._count(one, layer, tuple(sources[0].shape))
            made[name] = layer(sources[0] if len(sources) == 1 else sources)
            self._check(made[name])
        ends = [[made[name] for name in _ends(config[key])] for key in ("input_layers", "output_layers")]
        if [len(end) for end in ends] != [1, 1]:
            raise ModelError("The network has several inputs or outputs; one picture in, one answer out is needed.")
        return self._keras.Model(ends[0][0], ends[1][0], name=_name(config))

    def _layer(self, described: dict[str, Any], depth: int) -> Any:
        kind, config = described["class_name"], described["config"]
        if kind in NETWORKS:
            return self.network(described, depth + 1)
        if kind == "Lambda":
            raise ModelError(
                "This model has a Lambda layer, which is a piece of program of whoever made the file. It is refused, "
                "because opening a file must not run its code. Save the model without Lambda layers."
            )
        if kind not in LAYERS:
            raise ModelError(
                f"This model has a layer of the kind {_quoted(kind)}, which is not known here. Layers that bring their "
                "own code are refused; known are convolutions, dense layers, pooling, normalisation and the like."
            )
        if config.get("data_format") == "channels_first":
            raise ModelError("The model wants colours before rows (channels_first); only channels_last is read.")
        if kind == "StochasticDepth":  # leaves out whole blocks in training, and does nothing afterwards
            kind, config = "Identity", {"name": config["name"]}
        renamed = {OLD_NAMES.get(kind, {}).get(key, key): value for key, value in config.items()}
        kept = {key: _plain(key, renamed[key]) for key in LAYERS[kind] if key in renamed}
        made = layer_scale() if kind == "LayerScale" else getattr(self._keras.layers, kind)
        return made(**kept, name=_name(config))

    def _count(self, described: dict[str, Any], layer: Any, shape: tuple[int | None, ...]) -> None:
        """Look at what a layer will be given; count the weights of the kinds that can have very many."""
        channels, last = int(shape[-1] or 1), len(shape) - 1
        if "Normalization" in described["class_name"]:
            axis = described["config"].get("axis", -1)
            if axis not in (-1, last, [-1], [last]):
                raise ModelError("The model normalises along another axis than the last, which is not read here.")
        if described["class_name"] == "Dense":
            self._parameters += channels * layer.units
        elif described["class_name"] == "Conv2D":
            self._parameters += math.prod(layer.kernel_size) * channels * layer.filters // layer.groups
        if self._parameters > MOST_PARAMETERS:
            raise ModelError(
                f"The network has more than {MOST_PARAMETERS // 10**6} million parameters: too large here."
            )

    def _check(self, tensor: Any) -> None:
        if math.prod(int(n or 1) for n in tensor.shape[1:]) > MOST_VALUES:
            raise ModelError("A layer of this network gives more numbers than fit into memory here.")


def _name(config: dict[str, Any]) -> str:
    name = config.get("name", config.get("layer_name", ""))
    if not isinstance(name, str) or len(name) > 200:
        raise ModelError("A layer of this network has no usable name.")
    # Keras 2 allowed `block1/conv`, as in its DenseNet and MobileNetV3; weights of such files go by order.
    return name.replace("/", "_") or None  # type: ignore[return-value]


def _sum(described: dict[str, Any], node: Any) -> tuple[str, float, float] | None:
    """Source, scale and offset where a layer is a sum with a plain number; None where it is anything else."""
    kind = described["class_name"]
    if kind == "TFOpLambda":
        kind = str(described["config"].get("function"))
        if kind not in OPERATIONS:
            raise ModelError(f"The network uses the operation {_quoted(kind)}, which is not read here.")
    if kind not in OPERATIONS:
        return None
    if isinstance(node, list):
        name, *_, more = node[0] if isinstance(node[0], list) else node
        values = [more.get(key) for key in ("y", "x") if isinstance(more, dict) and key in more]
    else:
        tensors = [arg for arg in node["args"] if isinstance(arg, dict)]
        values = [arg for arg in node["args"] if not isinstance(arg, dict)]
        if len(tensors) != 1:
            return None
        name = next(_histories(tensors[0]))[0]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e6]
    if len(numbers) != 1 or len(values) != 1 or (OPERATIONS[kind] == "divide" and not numbers[0]):
        return None
    value = float(numbers[0])
    scale, offset = {
        "divide": lambda: (1 / value, 0.0),
        "multiply": lambda: (value, 0.0),
        "add": lambda: (1.0, value),
        "subtract": lambda: (1.0, -value),
    }[OPERATIONS[kind]]()
    return str(name), scale, offset


def _shape(shape: Any) -> tuple[int, ...]:
    """(rows, columns, channels) of a batch's shape."""
    _, *rest = shape
    if len(rest) != 3 or not all(isinstance(n, int) for n in rest) or rest[0] != rest[1] or rest[2] not in (1, 3):
        raise ModelError(
            f"The network takes input of the shape {_quoted(rest)}; a square picture of fixed size is needed, grey or "
            "with three colours."
        )
    return tuple(rest)


def _plain(key: str, value: Any) -> Any:
    """Return a number, a word, or a list of them; anything else may name code."""
    if key == "activation":
        if isinstance(value, dict):  # {"class_name": "function", "config": "relu"}, {"class_name": "ReLU", ...}
            value = value.get("config") if isinstance(value.get("config"), str) else value.get("class_name")
        if value is not None and str(value).lower() not in ACTIVATIONS:
            raise ModelError(f"The activation {_quoted(value)} is not known here. Known are: {', '.join(ACTIVATIONS)}.")
        return None if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return [_plain(key, one) for one in value]
    if value is None or isinstance(value, bool | str) or (isinstance(value, int | float) and abs(value) < 1e6):
        return value
    raise ModelError(f"The setting {key} of a layer is {_quoted(value)}, which is not read here.")


def _sources(node: Any) -> list[str]:
    """Return the names of the layers that a layer hears: a list of Keras 2, or the arguments of Keras 3."""
    if isinstance(node, list):
        return [str(one[0]) for one in node]
    return [str(history[0]) for history in _histories(node["args"])]


def _histories(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield value["config"]["keras_history"]
    elif isinstance(value, list):
        for one in value:
            yield from _histories(one)
    else:
        raise ModelError("A layer of this network is called with something else than pictures.")


def _ends(layers: list[Any]) -> list[str]:
    return [str(layers[0])] if isinstance(layers[0], str) else [str(one[0]) for one in layers]


def _quoted(value: Any) -> str:
    return repr(str(value)[:60])
