"""Make a bundle of a trained run: port to Keras, prove parity, quantise for LiteRT, calibrate, measure, write the card.

python -m recipes.export --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --bundle models/expression-s

The bundle shows its main head alone. `recipes.operating_point` chooses a rule for it, `recipes.card` measures that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import torch

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.datasets.votes import majority
from fer_core.evaluation.metrics import fit_temperature
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7
from fer_core.models.bundle import CARD, WEIGHTS, read_bundle
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.preprocessing import standardize
from recipes.card import describe, threshold
from recipes.card_page import readable
from recipes.compact import compact
from recipes.network import NetworkS
from recipes.port import to_keras, weights_of


def to_litert(model) -> bytes:
    """LiteRT weights with 8-bit kernels (dynamic range): a third of the time of float32, a quarter of the size."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def export(data: Dataset, run: Path, folder: Path) -> None:
    """Write the bundle; nothing is replaced before everything is made."""
    state = weights_of(run)
    torch_model = NetworkS(0.0).eval()
    torch_model.load_state_dict(state)
    keras_model = to_keras(state)
    test, training = data.split("PublicTest"), data.split("Training")
    x = standardize(test.images[:64])
    with torch.no_grad():
        expected = np.concatenate([h.numpy() for h in torch_model(torch.from_numpy(x.transpose(0, 3, 1, 2)))], 1)
    difference = float(np.abs(keras_model.predict(x, verbose=0) - expected).max())
    if difference > 1e-4:
        raise SystemExit(f"The port differs from PyTorch by {difference:.2g} in the logits; 1e-4 is allowed.")

    part = folder.with_name("." + folder.name)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    compact(keras_model, part / "model.keras")  # before the conversion, so that both have the same weights
    weights = to_litert(keras_model)
    (part / WEIGHTS).write_bytes(weights)
    for name in ("config.json", "log.csv"):
        shutil.copy(run / name, part / name)
    heads = [
        {"name": "fer7", "labels": FER7},
        {"name": "ferplus8", "labels": FERPLUS8, "shown": dict(FERPLUS_TO_FER7)},
    ]
    card = {
        "name": folder.name,
        "title": "Expression S",
        "summary": "Small convolutional network for seven expressions, trained on FER2013 and the FER+ votes alone.",
        "architecture": "network_s",
        "main": "ferplus8",
        "heads": heads,
        "unsure_below": 0.0,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    (part / CARD).write_text(json.dumps(card))
    raw = Classifier(read_bundle(part), flip=True)
    logits, (clear, seen) = raw.logits(test.images), majority(test.votes)
    heads[0]["temperature"] = fit_temperature(logits[:, :7], test.labels)
    heads[1]["temperature"] = fit_temperature(logits[clear][:, 7:], seen[clear])
    (part / CARD).write_text(json.dumps(card))
    classifier = Classifier(read_bundle(part), flip=True)
    card["unsure_below"] = threshold(classifier, test)
    card |= describe(classifier, test, training, json.loads((run / "config.json").read_text()), difference)
    keras_p = softmax(keras_model.predict(standardize(test.images), verbose=0, batch_size=256)[:, 7:])
    single = Classifier(read_bundle(part))
    card["quantisation"] = {
        "largest_probability_difference": round(
            float(np.abs(softmax(single.logits(test.images)[:, 7:]) - keras_p).max()), 4
        ),
        "same_answer": round(float((single.logits(test.images)[:, 7:].argmax(1) == keras_p.argmax(1)).mean()), 4),
    }
    (part / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    (part / "README.md").write_text(readable(card), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(part, folder)
    print(json.dumps({k: card[k] for k in ("metrics", "quantisation", "unsure_below")}, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--run", "--bundle"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()
    export(read_fer2013(args.data, args.ferplus), args.run, args.bundle)
