"""Make a bundle of a trained run: port to Keras, prove parity, quantise for LiteRT, calibrate, measure, write the card.

python -m recipes.export --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --bundle models/expression-s
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.datasets.votes import majority
from fer_core.evaluation.metrics import compute_metrics, fit_temperature, risk_coverage, without_duplicates
from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7, FERPLUS_VOTES
from fer_core.models.bundle import CARD, WEIGHTS, read_bundle
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.preprocessing import standardize
from recipes.compact import compact
from recipes.network import NetworkS
from recipes.port import to_keras, weights_of


def to_litert(model) -> bytes:
    """LiteRT weights with 8-bit kernels (dynamic range): a third of the time of float32, a quarter of the size."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def figures(classifier: Classifier, data: Dataset) -> dict[str, object]:
    """Figures of both heads, and of what pages show, on one split."""
    clear, seen = majority(data.votes)
    fer7 = compute_metrics(classifier.head(data.images, "fer7"), data.labels, FER7)
    plus = compute_metrics(classifier.head(data.images, "ferplus8")[clear], seen[clear], FERPLUS8)
    known, true = people(data)
    shown = compute_metrics(classifier(data.images[known]), true[known], FER7)
    kept = ("n", "accuracy", "accuracy_interval", "macro_f1", "nll", "ece", "top2", "per_class")
    heads = {"fer7": fer7, "ferplus8": plus, "shown": shown}
    return {head: {name: found[name] for name in kept} for head, found in heads.items()}


def people(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Where most people saw one of the seven expressions, and which: bool (n,) and index into FER7 (n,)."""
    clear, seen = majority(data.votes)
    index = np.array([FER7.index(FERPLUS_TO_FER7[name]) if name in FERPLUS_TO_FER7 else -1 for name in FERPLUS_VOTES])
    return clear & (index[seen] >= 0), index[seen]


def threshold(classifier: Classifier, data: Dataset) -> float:
    """Confidence under which what is shown is not what most people chose, more often than not; in steps of 0.01.

    Counted over all images, also those on which people disagree: on a clip nobody sorts these out beforehand.
    """
    index = np.array([FER7.index(FERPLUS_TO_FER7[name]) if name in FERPLUS_TO_FER7 else -1 for name in FERPLUS_VOTES])
    p = classifier(data.images)
    right = index[data.votes.argmax(1)] == p.argmax(1)
    for low in np.arange(0.7, 0.2, -0.01):
        near = np.abs(p.max(1) - low) < 0.05
        if near.sum() >= 20 and right[near].mean() < 0.5:
            return round(float(low), 2)
    return 0.2


def milliseconds(classifier: Classifier, images: np.ndarray) -> float:
    """Median time of one call."""
    times = []
    for _ in range(60):
        start = time.perf_counter()
        classifier(images)
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 2)


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


def describe(classifier: Classifier, test: Dataset, training: Dataset, config: dict, difference: float) -> dict:
    """The measured part of the card."""
    single = Classifier(classifier.bundle)
    without = without_duplicates(test, training)
    coverage, risk = risk_coverage(classifier.head(test.images, "fer7"), test.labels)
    at = [round(q, 2) for q in (0.5, 0.7, 0.8, 0.9, 1.0)]
    return {
        "data": {
            "trained_on": f"FER2013 Training, {len(training)} images of 48x48 grey pixels, with the FER+ votes",
            "selected_and_calibrated_on": f"FER2013 PublicTest, {len(test)} images",
            "held_back": "FER2013 PrivateTest was not looked at",
        },
        "recipe": config,
        "keras_parity": difference,
        "metrics": {
            "PublicTest": figures(classifier, test),
            "PublicTest without near copies in Training": figures(classifier, without),
            "PublicTest, one view (no mirrored second look)": figures(single, test),
            "risk_at_coverage": {str(q): round(float(risk[np.searchsorted(coverage, q)]), 4) for q in at},
        },
        "speed_ms": {f"{n} face{'s' * (n > 1)}": milliseconds(single, test.images[:n]) for n in (1, 4, 16)},
        "licence": "Weights: MIT, as the project. FER2013's images, which are not included, are for research only.",
        "limits": [
            "An expression is not a feeling: the network names what a face shows, as ten people would name it.",
            "Trained on posed and found web pictures; expect 15 to 20 points less on other pictures.",
            "Disgust, fear and contempt are rare in the training data and often missed.",
            "FER2013 has no information on age, sex or skin tone, so differences between groups were not measured.",
        ],
        "not_for": [
            "judging people at work or in education (the EU's AI Act, Article 5(1)(f), forbids it)",
            "deciding about anybody: hiring, insurance, policing, border control, diagnosis",
        ],
    }


def readable(card: dict) -> str:
    """The card as a page."""
    full, without = (card["metrics"][k] for k in ("PublicTest", "PublicTest without near copies in Training"))
    single = card["metrics"]["PublicTest, one view (no mirrored second look)"]
    lines = [f"# {card['title']}", "", card["summary"], "", "| measured on PublicTest | one view | two views | clean |"]
    lines.append("| --- | --- | --- | --- |")
    rows = {"fer7": "FER2013's label (7)", "ferplus8": "clear FER+ majority (8)", "shown": "what pages show (7)"}
    for head, words in rows.items():
        values = (f"{m[head]['accuracy']:.1%} of {m[head]['n']}" for m in (single, full, without))
        lines.append(f"| {words}: right | {' | '.join(values)} |")
        values = (f"{m[head]['ece']:.3f}" for m in (single, full, without))
        lines.append(f"| {words}: calibration error (ECE) | {' | '.join(values)} |")
    lines += ["", "“Clean” leaves out images that have a copy or near copy in Training.", ""]
    lines += ["| recall, what pages show, one view | |", "| --- | --- |"]
    lines += [f"| {name} | {value:.0%} |" for name, value in single["shown"]["per_class"].items()]
    lines += [
        "",
        f"Under {card['unsure_below']:.0%} confidence pages say “unsure”: there the answer is wrong more often",
    ]
    lines += ["than not. Milliseconds a call: " + ", ".join(f"{v} for {k}" for k, v in card["speed_ms"].items()) + "."]
    lines += ["", f"Trained on: {card['data']['trained_on']}. Chosen and calibrated on:"]
    lines += [f"{card['data']['selected_and_calibrated_on']}. {card['data']['held_back']}.", "", "## Limits", ""]
    lines += [f"- {text}" for text in card["limits"]]
    lines += ["", "Not for:", "", *(f"- {text}" for text in card["not_for"]), "", card["licence"], ""]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--run", "--bundle"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()
    export(read_fer2013(args.data, args.ferplus), args.run, args.bundle)
