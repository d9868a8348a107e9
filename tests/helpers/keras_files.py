"""Makes models as other people have them, in a process of its own (test_importing starts it).

Keras 2 is not installed: its files are made by hand as TF 2.x wrote them, model.json in its words and the layout of its
HDF5 files. Beside each stands what Keras answers to the same pictures.
"""

from __future__ import annotations

import json
import zipfile

import h5py
import keras
import numpy as np

from fer_core.errors import ModelError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.models.keras_rebuild import rebuild

layers = keras.layers
RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 256, (12, 6, 6), dtype=np.uint8).repeat(8, 1).repeat(8, 2)


def randomised(model, x):
    """All weights drawn, those of normalisation too, so that no layer can be mixed up unnoticed.

    The last ones are scaled so that the answers to the pictures x differ.
    """
    for layer in model.layers:
        shapes = [w.shape for w in layer.weights if w.dtype == "float32"]
        if isinstance(layer, layers.BatchNormalization):
            gamma, beta, mean = (RNG.normal(center, 0.2, shapes[0]) for center in (1, 0, 0))
            layer.set_weights([gamma, beta, mean, RNG.uniform(0.5, 1.5, shapes[0])])
        elif shapes:
            layer.set_weights([RNG.normal(0, 0.3, shape) for shape in shapes])
    logits = np.log(np.maximum(answers(model, x), 1e-30))
    last = [layer for layer in model.layers if layer.weights][-1]
    logits -= logits.mean(1, keepdims=True)
    kernel, bias = last.get_weights()
    size = logits.std(0).mean()
    last.set_weights([kernel / size, (bias - logits.mean(0)) / size])
    return model


def answers(model, x):
    return np.asarray(model(x.astype(np.float32), training=False))


def notebook(x):
    """The reference notebook's kind of network, narrower."""
    model = keras.Sequential([keras.Input((48, 48, 1))])
    for i, (width, kernel) in enumerate(((8, 3), (12, 5)), 1):
        model.add(layers.Conv2D(width, kernel, padding="same", name=f"conv2d_{i}"))
        model.add(layers.BatchNormalization(name=f"batch_normalization_{i}"))
        model.add(layers.Activation("relu", name=f"activation_{i}"))
        model.add(layers.MaxPooling2D(name=f"max_pooling2d_{i}"))
        model.add(layers.Dropout(0.25, name=f"dropout_{i}"))
    model.add(layers.Flatten(name="flatten_1"))
    model.add(layers.Dense(16, name="dense_1"))
    model.add(layers.BatchNormalization(name="batch_normalization_3"))
    model.add(layers.Activation("relu", name="activation_3"))
    model.add(layers.Dense(7, activation="softmax", name="dense_2"))
    return randomised(model, x)


def old(kind, name, **config):
    """A layer in the words of Keras 2."""
    return {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}


def old_weights(kind):
    return {f"{kind}_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}}


def old_norm(name, axis):
    return old(
        "BatchNormalization",
        name,
        **{"axis": [axis], "momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True},
        **{"beta_initializer": {"class_name": "Zeros", "config": {}}, "beta_regularizer": None},
    )


def old_conv(name, width, kernel, **more):
    return old(
        "Conv2D",
        name,
        **{"filters": width, "kernel_size": [kernel, kernel], "strides": [1, 1], "padding": "same"},
        **{"data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1, "activation": "linear"},
        **{"use_bias": True, "kernel_regularizer": None, "activity_regularizer": None},
        **old_weights("kernel"),
        **more,
    )


def old_dense(name, units, activation="linear"):
    return old("Dense", name, units=units, activation=activation, use_bias=True, **old_weights("kernel"))


def notebook_json():
    """model.json of that network as TF 2.x wrote it."""
    found = []
    for i, (width, kernel) in enumerate(((8, 3), (12, 5)), 1):
        first = {"batch_input_shape": [None, 48, 48, 1]} if i == 1 else {}
        found += [
            old_conv(f"conv2d_{i}", width, kernel, **first),
            old_norm(f"batch_normalization_{i}", 3),
            old("Activation", f"activation_{i}", activation="relu"),
            old(
                "MaxPooling2D",
                f"max_pooling2d_{i}",
                **{"pool_size": [2, 2], "padding": "valid", "strides": [2, 2], "data_format": "channels_last"},
            ),
            old("Dropout", f"dropout_{i}", rate=0.25, noise_shape=None, seed=None),
        ]
    found += [
        old("Flatten", "flatten_1", data_format="channels_last"),
        old_dense("dense_1", 16),
        old_norm("batch_normalization_3", 1),
        old("Activation", "activation_3", activation="relu"),
        old_dense("dense_2", 7, "softmax"),
    ]
    return {
        "class_name": "Sequential",
        "config": {"name": "sequential_1", "layers": found},
        "keras_version": "2.4.0",
        "backend": "tensorflow",
    }


def residual(pictures):
    """A graph with a side path, after mini-Xception."""
    x = inputs = keras.Input((64, 64, 1), name="input_1")
    x = layers.SeparableConv2D(6, 3, padding="same", use_bias=False, name="separable_conv2d_1")(x)
    side = layers.Conv2D(8, 1, strides=2, padding="same", name="conv2d_side")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise_conv2d_1")(x)
    x = layers.Conv2D(8, 1, name="conv2d_main")(x)
    x = layers.LeakyReLU(negative_slope=0.2, name="leaky_re_lu_1")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pooling2d_1")(x)
    x = layers.Add(name="add_1")([x, side])
    x = layers.Conv2D(8, 3, name="last")(x)
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d_1")(x)
    x = layers.Activation("softmax", name="predictions")(x)
    return randomised(keras.Model(inputs, x, name="residual"), pictures)


def residual_json():
    """The same as TF 2.x wrote it, with the depthwise layer's settings that Keras 3 does not take any more."""

    def node(layer, *sources):
        return {**layer, "name": layer["config"]["name"], "inbound_nodes": [[[s, 0, 0, {}] for s in sources]]}

    depth = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "groups": 1, "depth_multiplier": 1}
    found = [
        {**old("InputLayer", "input_1", batch_input_shape=[None, 64, 64, 1], sparse=False, ragged=False)},
        node(
            old(
                "SeparableConv2D",
                "separable_conv2d_1",
                **{"filters": 6, "kernel_size": [3, 3], "padding": "same", "use_bias": False, "groups": 1},
            ),
            "input_1",
        ),
        node(old_conv("conv2d_side", 8, 1), "separable_conv2d_1"),
        node(old("DepthwiseConv2D", "depthwise_conv2d_1", **depth), "separable_conv2d_1"),
        node(old_conv("conv2d_main", 8, 1), "depthwise_conv2d_1"),
        node(old("LeakyReLU", "leaky_re_lu_1", alpha=0.2), "conv2d_main"),
        node(old("MaxPooling2D", "max_pooling2d_1", pool_size=[3, 3], padding="same", strides=[2, 2]), "leaky_re_lu_1"),
        node(old("Add", "add_1"), "max_pooling2d_1", "conv2d_side"),
        node(old_conv("last", 8, 3), "add_1"),
        node(old("GlobalAveragePooling2D", "global_average_pooling2d_1", data_format="channels_last"), "last"),
        node(old("Activation", "predictions", activation="softmax"), "global_average_pooling2d_1"),
    ]
    found[0] |= {"name": "input_1", "inbound_nodes": []}
    found[2]["config"]["strides"] = [2, 2]
    found[8]["config"]["padding"] = "valid"
    config = {
        "name": "residual",
        "layers": found,
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["predictions", 0, 0]],
    }
    return {"class_name": "Functional", "config": config, "keras_version": "2.11.0", "backend": "tensorflow"}


def colors(x):
    """A model of Keras 3 for colours that scales grey levels itself."""
    model = keras.Sequential([keras.Input((56, 56, 3)), layers.RandomFlip("horizontal"), layers.Rescaling(1 / 255)])
    model.add(layers.Conv2D(6, 3, activation="relu"))
    model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(7))
    model.add(layers.Softmax())
    return randomised(model, x)


@keras.saving.register_keras_serializable("bad")
class Custom(layers.Layer):
    def call(self, x):
        return x


def modern(x):
    """What EfficientNet, ConvNeXt and MobileNetV3 bring, with `preprocess_input` left in the network."""
    from keras.src.applications.convnext import LayerScale, StochasticDepth

    pictures = keras.Input((56, 56, 3))
    y = pictures / 127.5 - 1.0
    y = layers.Normalization(name="normalization")(y)
    y = layers.Conv2D(6, 4, strides=4, name="stem")(y)
    z = layers.LayerNormalization(epsilon=1e-6)(y)
    z = layers.Activation("hard_swish")(layers.Dense(6)(z))
    z = StochasticDepth(0.2, name="depth")(LayerScale(1e-6, 6, name="scale")(z))
    y = layers.Add()([y, z])
    model = keras.Model(pictures, layers.Dense(7, activation="softmax")(layers.GlobalAveragePooling2D()(y)))
    shift, wide = np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.7])
    model.get_layer("normalization").set_weights([shift, wide, np.array(0)])
    model.get_layer("normalization").finalize_state()  # as loading does
    model.get_layer("stem").set_weights([RNG.normal(0, 0.3, w.shape) for w in model.get_layer("stem").weights])
    model.get_layer("scale").set_weights([RNG.normal(1, 0.5, 6)])
    dense = model.layers[-1]
    dense.set_weights([RNG.normal(0, 1.5, w.shape) for w in dense.weights])
    return model


def small(last):
    model = keras.Sequential([keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(7, activation="softmax")])
    if last is not None:
        model.add(last)
    return model


def legacy_weights(whole, path):
    """What `save_weights` of Keras 2 wrote: the group of weights of a whole file as a file of its own."""
    with h5py.File(whole) as source, h5py.File(path, "w") as target:
        for key, value in source["model_weights"].attrs.items():
            target.attrs[key] = value
        for name in source["model_weights"]:
            source.copy(source["model_weights"][name], target, name)


def main(folder):
    gray = FACES[..., None] / np.float32(255)
    model = notebook(gray)
    model.save(folder / "notebook.h5")
    legacy_weights(folder / "notebook.h5", folder / "model_weights.h5")
    (folder / "model.json").write_text(json.dumps(notebook_json()))
    model.save(folder / "notebook.keras")
    (folder / "new.json").write_text(model.to_json())
    model.save_weights(folder / "new.weights.h5")
    expected = {"notebook": answers(model, gray)}

    import cv2

    large = np.stack([cv2.resize(face, (64, 64)) for face in FACES])[..., None] / np.float32(255)
    model = residual(large)
    model.save(folder / "residual.h5")
    legacy_weights(folder / "residual.h5", folder / "residual_weights.h5")
    (folder / "residual.json").write_text(json.dumps(residual_json()))
    model.save(folder / "residual.keras")
    expected["residual"] = answers(model, large)

    wide = np.repeat(np.stack([cv2.resize(face, (56, 56)) for face in FACES])[..., None], 3, 3)
    model = colors(wide)
    model.save(folder / "colours.keras")
    expected["colours"] = answers(model, wide)
    model = modern(wide)
    model.save(folder / "modern.keras")
    expected["modern"] = answers(model, wide)
    np.savez(folder / "expected.npz", faces=FACES, **expected)

    for suffix in ("keras", "h5"):
        small(layers.Lambda(lambda x: x * 1.0)).save(folder / f"lambda.{suffix}")
    small(Custom()).save(folder / "custom.keras")
    small(layers.Dense(7, activation="sigmoid")).save(folder / "sigmoid.keras")
    broken = small(None)
    broken.set_weights([w * np.nan for w in broken.get_weights()])
    broken.save(folder / "nan.keras")
    with h5py.File(folder / "linked.h5", "w") as file:
        file.attrs["layer_names"] = [b"dense_1"]
        file["dense_1"] = h5py.ExternalLink("notebook.h5", "/model_weights/dense_1")
    with zipfile.ZipFile(folder / "empty.keras", "w") as archive:
        archive.writestr("config.json", "{}")

    counted = {}
    for name, network in ARCHITECTURES.items():
        built = network.build(7)
        work = 0
        for layer in built.layers:
            out = layer.output.shape
            if isinstance(layer, layers.DepthwiseConv2D):
                work += np.prod(layer.kernel_size) * np.prod(out[1:])
            elif isinstance(layer, layers.Conv2D):
                work += np.prod(layer.kernel_size) * layer.input.shape[-1] * np.prod(out[1:])
            elif isinstance(layer, layers.Dense):
                work += layer.input.shape[-1] * layer.units
        kinds = [type(layer).__name__ for layer in built.layers]
        shapes = [(k, list(w.shape)) for k, layer in zip(kinds, built.layers, strict=True) for w in layer.weights[:1]]
        counted[name] = {"parameters": built.count_params(), "multiply_adds": int(work), "kernels": shapes}
    (folder / "counted.json").write_text(json.dumps(counted))


def ask_pair(folder):
    """What Keras's own reader makes of the pair of files in a bundle."""
    model = keras.models.model_from_json((folder / "model.json").read_text())
    model.load_weights(folder / "model.weights.h5")
    np.save(folder / "asked.npy", answers(model, FACES[..., None] / np.float32(255)))


def rebuild_all(folder):
    """What is said of each description in cases.json."""
    said = []
    for case in json.loads((folder / "cases.json").read_text()):
        try:
            rebuild(case)
            said.append("built")
        except ModelError as error:
            said.append(str(error))
    (folder / "said.json").write_text(json.dumps(said))
