"""Grad-CAM: the heat lies where what decides was planted, for every kind of Keras model; in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.fakes import portrait
from helpers.made import Scripted, saying

from fer_core.errors import Cancelled, ModelError
from fer_core.evaluation.saliency import SaliencyMap, has_saliency, saliency_maps
from fer_core.labels import FER7
from fer_core.models.bundle import Head
from fer_core.models.catalog import load_predictor
from fer_core.models.keras_subprocess import has_keras
from fer_core.models.predictor import Predictor
from fer_core.models.registry import DEFAULT

needs_keras = pytest.mark.skipif(
    not has_keras() and not os.environ.get("CI"), reason="TensorFlow is not installed"
)  # in CI it must be there

ROOT = Path(__file__).resolve().parent.parent.parent

MAKE = """
import sys
import keras, numpy as np
from fer_core.errors import ModelError
from fer_core.models.gradcam import gradcam_maps
layers, folder, images = keras.layers, sys.argv[1], np.load(sys.argv[1] + "/images.npy")
lying = np.float32([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]])
KERNEL = np.stack([lying, lying.T], -1)[:, :, None]  # lying stripes, standing stripes

def body(side=48):
    return [keras.Input((side, side, 1)), layers.Conv2D(2, 3, name="conv"), layers.BatchNormalization(), layers.ReLU()]

def decide(head, swap=False):
    weights = np.float32([[9, 0], [0, 9]])
    head.set_weights([weights[::-1] if swap else weights, np.zeros(2, np.float32)])

def network(*tail, body=body, side=48):
    net = keras.Sequential([*body(side), layers.GlobalAveragePooling2D(), *tail])
    net.get_layer("conv").set_weights([KERNEL, np.zeros(2, np.float32)])
    return net

plain = network(layers.Dense(2, name="head"))
soft = network(layers.Dense(2, name="head", activation="softmax"))
swapped = network(layers.Dense(2, name="head"))
layer = network(layers.Dense(2, name="head"), layers.Softmax())
frozen = network(layers.Dense(2, name="head"))
for net in (plain, soft, swapped, layer, frozen):
    decide(net.get_layer("head"), swap=net is swapped)
frozen.trainable = False
inner = keras.Sequential(body())
inner.get_layer("conv").set_weights([KERNEL, np.zeros(2, np.float32)])
x = keras.Input((48, 48, 1))
nested = keras.Model(x, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(inner(x))))
decide(nested.get_layer("head"))
# A convolution over all of the picture stands in for pooling, as in the shipped network: it leaves a point, no picture.
tail = [layers.DepthwiseConv2D(46, name="pool"), layers.Flatten(), layers.Dense(2, name="head")]
whole = keras.Sequential([*body(), *tail])
whole.get_layer("conv").set_weights([KERNEL, np.zeros(2, np.float32)])
whole.get_layer("pool").set_weights([np.full((46, 46, 2, 1), 1e-3, np.float32), np.zeros(2, np.float32)])
decide(whole.get_layer("head"))
found = {}
for name in ("plain", "soft", "swapped", "layer", "frozen", "nested", "whole"):
    net = globals()[name]
    before = net(images[..., None] / 255.0, training=False).numpy()
    found[name] = gradcam_maps(net, np.float32(images[..., None]) / 255, [0, 1])
    assert np.array_equal(before, net(images[..., None] / 255.0, training=False).numpy()), "it is left as it was"
flat = keras.Sequential([keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(2)])
try:
    gradcam_maps(flat, np.float32(images[..., None]), [0, 1])
except ModelError as error:
    open(folder + "/flat.txt", "w").write(str(error))
colours = keras.Sequential([keras.Input((48, 48, 3)), layers.Conv2D(2, 3, name="conv"), layers.ReLU(),
                            layers.GlobalAveragePooling2D(), layers.Dense(2, name="head", activation="softmax")])
colours.get_layer("conv").set_weights([np.repeat(KERNEL, 3, 2) / 3, np.zeros(2, np.float32)])
decide(colours.get_layer("head"))
colours.save(folder + "/colours.keras")
shipped = keras.models.load_model(sys.argv[2], compile=False)
from fer_core.models.preprocessing import prepare
found["shipped"] = gradcam_maps(shipped, prepare(images, 48, "unit"), [0, 1])
np.savez(folder + "/heat.npz", **found)
"""


def stripes() -> np.ndarray:
    """Two images with lying stripes at the top left and standing ones at the bottom right."""
    image = np.full((48, 48), 120, np.uint8)
    image[4:16:4, 4:16] = 255
    image[32:44, 32:44:4] = 255
    return np.stack([image, image])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models made by hand whose answer 0 follows from lying stripes alone and 1 from standing ones, and their maps."""
    root = tmp_path_factory.mktemp("looks")
    np.save(root / "images.npy", stripes())
    command = [sys.executable, "-c", MAKE, str(root), str(ROOT / "models" / "reference-cnn" / "model.keras")]
    quiet = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def share(heat: np.ndarray, *, top_left: bool) -> float:
    """How much of the heat lies in that quarter of the picture."""
    half = heat.shape[0] // 2
    part = heat[:half, :half] if top_left else heat[half:, half:]
    return float(part.sum() / heat.sum())


@needs_keras
@pytest.mark.parametrize("name", ["plain", "soft", "layer", "frozen", "nested", "whole"])
def test_the_heat_lies_where_the_planted_pattern_decides(folder, name):
    heat = np.load(folder / "heat.npz")[name]
    assert heat.shape == (2, 46, 46) and (heat >= 0).all()
    assert share(heat[0], top_left=True) > 0.9 and share(heat[1], top_left=False) > 0.9


@needs_keras
def test_it_follows_what_decides_and_not_the_picture(folder):
    heat = np.load(folder / "heat.npz")["swapped"]
    assert share(heat[0], top_left=False) > 0.9 and share(heat[1], top_left=True) > 0.9


@needs_keras
def test_a_softmax_changes_nothing(folder):
    """The score is taken before it, as in the paper."""
    found = np.load(folder / "heat.npz")
    np.testing.assert_allclose(found["soft"], found["plain"], rtol=1e-4)
    np.testing.assert_allclose(found["layer"], found["plain"], rtol=1e-4)
    np.testing.assert_allclose(found["nested"], found["plain"], rtol=1e-4)


@needs_keras
def test_the_heat_is_that_of_the_paper(folder):
    """Worked out again with NumPy alone: the maps, weighted with the mean gradient, which is weight / places here."""
    image = stripes()[0].astype(np.float64) / 255
    lying = np.array([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]])
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    maps = np.maximum((windows * lying).sum((2, 3)), 0) / np.sqrt(1 + 1e-3)  # batch normalisation as it starts
    np.testing.assert_allclose(np.load(folder / "heat.npz")["plain"][0], maps * 9 / 46**2, atol=1e-6)


@needs_keras
def test_the_reference_network(folder):
    heat = np.load(folder / "heat.npz")["shipped"]
    assert heat.shape == (2, 6, 6) and np.isfinite(heat).all()


def keras_model(path: Path, **how: object) -> Predictor:
    model = Scripted(path.stem, saying([0], 2), (Head("fer7", ("happy", "sad")),))
    model.keras, model.side, model.scale = path, 48, "unit"  # type: ignore[assignment]
    return model


@needs_keras
def test_a_model_that_takes_colours_in_a_process_of_its_own(folder):
    told: list[float] = []
    model = keras_model(folder / "colours.keras")
    first, second = saliency_maps(model, stripes(), ["happiness", "sad"], ("happiness", "sad", "fear"), told.append)
    assert first.heat.shape == (48, 48) and first.heat.max() == pytest.approx(1)
    assert share(first.heat, top_left=True) > 0.9 and share(second.heat, top_left=False) > 0.9
    assert "happiness lies mostly at the top left" in first.words and "bottom right" in second.words
    over = first.overlay(96)
    assert over.shape == (96, 96, 3) and over.dtype == np.uint8
    colourful = np.ptp(over.astype(int), axis=2)
    assert colourful[:48, :48].max() > 60 and colourful[60:, 60:].max() < 20, "where nothing speaks it stays grey"


@needs_keras
def test_a_network_without_convolutions_is_told_so(folder):
    words = (folder / "flat.txt").read_text()
    assert "no convolution that leaves a picture" in words and "Choose a convolutional network" in words


@needs_keras
def test_the_shipped_network_and_its_two_heads():
    """Eyes, mouth and what is between them lie in the middle of the crop; its border is not seen."""
    import cv2

    gray = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)
    crop = cv2.resize(gray[52:188, 152:288], (48, 48), interpolation=cv2.INTER_AREA)
    model = load_predictor(DEFAULT)
    assert has_saliency(model)
    happy, surprised = saliency_maps(model, np.stack([crop, crop]), ["happy", "surprise"], FER7)
    for found in (happy, surprised):
        assert found.heat.max() == pytest.approx(1) and found.title == model.title
        assert (found.heat[:2] == 0).all() and (found.heat[:, -2:] == 0).all()
    assert not np.allclose(happy.heat, surprised.heat)


def test_what_cannot_be_asked():
    model = Scripted("plain", saying([0]))
    assert not has_saliency(model)
    with pytest.raises(ModelError, match=r"Plain comes without its Keras file \(model\.keras\)"):
        saliency_maps(model, stripes(), ["happy", "happy"], FER7)
    model.keras = Path("model.keras")  # type: ignore[assignment]
    with pytest.raises(ModelError, match="Plain does not know contempt"):
        saliency_maps(model, stripes(), ["contempt", "contempt"], (*FER7, "contempt"))


@needs_keras
def test_cancel(folder):
    def stop(share: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        saliency_maps(keras_model(folder / "colours.keras"), stripes(), ["happy", "sad"], FER7, stop)


def test_words_of_a_map():
    image, heat = np.zeros((48, 48), np.uint8), np.zeros((48, 48), np.float32)
    assert SaliencyMap("M", "sad", image, heat).words == "M: no part of the picture speaks for sad."
    assert (SaliencyMap("M", "sad", image, heat).overlay() == 0).all()
    heat[20:28, 20:28] = 1
    assert (
        "at the centre of the picture (100%); half of it on 1% of the picture"
        in SaliencyMap("M", "sad", image, heat).words
    )
