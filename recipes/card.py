"""Card of a bundle: everything measured that it says, and the page that people read.

    python -m recipes.card --data fer2013.csv --ferplus fer2013new.csv --bundle models/expression-s [--photos FOLDER]

Nothing is trained: the bundle's own weights and rule are measured again on PublicTest, and on labelled photos where a
folder is given. `recipes.export` writes the card of a new bundle with the same functions.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.datasets.votes import fer7_majority, majority
from fer_core.evaluation.metrics import compute_metrics, risk_coverage, without_duplicates
from fer_core.labels import FER7, FERPLUS8
from fer_core.models.bundle import CARD, Bundle, read_bundle
from fer_core.models.classifier import CONTEMPT, Classifier
from fer_core.types import FaceQuality
from recipes.card_page import CLEAN, FULL, ONE_VIEW, PHOTOS, readable
from recipes.photos import Photos, paste_faces, read_photos

KEPT = ("n", "accuracy", "accuracy_interval", "balanced_recall", "macro_f1", "nll", "ece", "top2", "per_class")
COVERAGES = (0.5, 0.7, 0.8, 0.9, 1.0)
TURNS = (0.0, 0.2, 0.35, 0.45, 0.55, np.inf)
"""Bounds of the rows on turned heads, see `quality.head_turn`; about 0, 20, 32, 39, 45 degrees."""
GPU_WATTS = 700
"""What an H100 draws at most. The runs from the seventh on shared one for a quarter of an hour (RUNS.md)."""
GPU_HOURS = 0.25


def figures(classifier: Classifier, data: Dataset) -> dict[str, Any]:
    """Measure both heads, what pages show, and the main head alone, on one split."""
    logits, (clear, seen), (known, people) = (
        classifier.logits(data.images),
        majority(data.votes),
        fer7_majority(data.votes),
    )
    shown = classifier.probabilities(logits)
    plain = plain_answers(classifier, logits)
    found = {
        "fer7": compute_metrics(classifier.head(data.images, "fer7"), data.labels, FER7),
        "ferplus8": compute_metrics(classifier.head(data.images, "ferplus8")[clear], seen[clear], FERPLUS8),
        "shown": compute_metrics(shown[known], people[known], FER7),
        "shown, by FER2013's label": compute_metrics(shown, data.labels, FER7),
        "main head alone": compute_metrics(plain[known], people[known], FER7),
        "main head alone, by FER2013's label": compute_metrics(plain, data.labels, FER7),
    }
    rest = {"shown": ("precision", "confusion"), "shown, by FER2013's label": ("precision", "confusion")}
    return {kind: {name: own[name] for name in (*KEPT, *rest.get(kind, ()))} for kind, own in found.items()}


def plain_answers(classifier: Classifier, logits: np.ndarray) -> np.ndarray:
    """Answers of the main head alone, as a bundle without a rule gives them; float32 (n, 7)."""
    bundle = classifier.bundle
    return Classifier(replace(bundle, card={k: v for k, v in bundle.card.items() if k != "rule"})).probabilities(logits)


def threshold(classifier: Classifier, data: Dataset) -> float:
    """Confidence under which what is shown is not what most people chose, more often than not; in steps of 0.01.

    Counted over all images, also those on which people disagree: on a clip nobody sorts these out beforehand.
    """
    _, seen = fer7_majority(data.votes)
    p = classifier(data.images)
    right = seen == p.argmax(1)
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


def risks(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Share of wrong answers among the surest, by how many are answered."""
    coverage, risk = risk_coverage(probabilities, truth)
    return {str(q): round(float(risk[np.searchsorted(coverage, q)]), 4) for q in COVERAGES}


def contempt_figures(bundle: Bundle, data: Dataset) -> dict[str, Any]:
    """What changes where contempt is asked for: its recall, and how often it is said of something else."""
    p = Classifier(bundle, contempt=True)(data.images)
    clear, seen = majority(data.votes)
    said, true = p.argmax(1) == p.shape[1] - 1, seen == FERPLUS8.index(CONTEMPT)
    return {
        "n": int((clear & true).sum()),
        "recall": float(said[clear & true].mean()) if (clear & true).any() else None,
        "said_of_others": float(said[clear & ~true].mean()),
    }


def photo_figures(classifier: Classifier, photos: Photos) -> dict[str, Any]:
    """Measure what pages show on photos that went through the whole pipeline, and the main head alone."""
    p = classifier(photos.crops)
    found = {"shown": p, "main head alone": plain_answers(classifier, classifier.logits(photos.crops))}
    count = np.bincount(photos.labels, minlength=len(FER7))
    common = [name for name, n in zip(FER7, count, strict=True) if n >= 30]
    result: dict[str, Any] = {"n": len(p), "without a face": photos.missed, "common": common}
    for kind, own in found.items():
        every = compute_metrics(own, photos.labels, FER7)
        result[kind] = {name: every[name] for name in (*KEPT, "precision", "confusion")}
        result[kind]["recall_of_common"] = float(np.mean([every["per_class"][name] for name in common]))
    result["shown"]["risk_at_coverage"] = risks(p, photos.labels)
    return result


def turned_figures(classifier: Classifier, faces: Photos, unsure_below: float) -> list[dict[str, Any]]:
    """Count by how far heads are turned what a page says: the right thing, "unsure", something wrong."""
    p = classifier(faces.crops)
    unsure = (p.max(1) < unsure_below) | (faces.quality != FaceQuality.GOOD)
    rows = []
    for low, high in itertools.pairwise(TURNS):
        among = (faces.turn >= low) & (faces.turn < high)
        if not among.any():
            continue
        right, said = (p.argmax(1) == faces.labels)[among], ~unsure[among]
        shares = {"right": (right & said).mean(), "unsure": (~said).mean(), "wrong": (~right & said).mean()}
        rows.append({"turn_from": low, "n": int(among.sum()), **{k: round(float(v), 4) for k, v in shares.items()}})
    return rows


def training_time(*folders: Path) -> dict[str, Any]:
    """Hours in the logs of the runs in some folders, and what the energy was at most."""
    hours = {"gpu": 0.0, "processor": 0.0}
    for log in sorted(path for folder in folders for path in folder.glob("*.csv")):
        with open(log, newline="", encoding="utf-8") as file:
            seconds = [float(row["seconds"]) for row in csv.DictReader(file) if row.get("seconds")]
        if seconds:  # an epoch takes 2 to 5 s on the GPU that was lent, 80 and more on a processor
            hours["gpu" if np.median(seconds) < 20 else "processor"] += sum(seconds) / 3600
    return {
        "processor_hours": round(hours["processor"], 1),
        "gpu_hours_logged": round(hours["gpu"], 2),
        "gpu_hours": GPU_HOURS,
        "gpu_kilowatt_hours_at_most": round(GPU_HOURS * GPU_WATTS / 1000, 3),
        "energy": "Not metered. The processor hours are of one or two cores of a shared machine.",
    }


def describe(
    classifier: Classifier, test: Dataset, training: Dataset, config: dict[str, Any], difference: float
) -> dict[str, Any]:
    """Measure all of the card that PublicTest tells."""
    single = Classifier(classifier.bundle)
    known, people = fer7_majority(test.votes)
    shown = single(test.images)
    return {
        "data": {
            "trained_on": f"FER2013 Training, {len(training)} images of 48x48 grey pixels, with the FER+ votes",
            "selected_and_calibrated_on": f"FER2013 PublicTest, {len(test)} images",
            "held_back": "FER2013 PrivateTest was not looked at",
        },
        "recipe": config,
        "keras_parity": difference,
        "metrics": {
            FULL: figures(classifier, test),
            CLEAN: figures(classifier, without_duplicates(test, training)),
            ONE_VIEW: figures(single, test),
            "risk_at_coverage": risks(classifier.head(test.images, "fer7"), test.labels),
            "risk_at_coverage, shown, by what most people saw": risks(shown[known], people[known]),
            "risk_at_coverage, shown, by FER2013's label": risks(shown, test.labels),
            "contempt on request": contempt_figures(classifier.bundle, test),
        },
        "training": training_time(Path(__file__).parent, classifier.bundle.folder),
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


def describe_photos(card: dict[str, Any], classifier: Classifier, photos: Photos, test: Dataset) -> None:
    """Add to the card what the whole pipeline gives: on photos, and on PublicTest by how far heads are turned."""
    card["metrics"][PHOTOS] = photo_figures(classifier, photos)
    voted = test.votes[:, : len(FERPLUS8)].any(1)
    _, seen = fer7_majority(test.votes)  # the most frequent answer, also where it has no majority; -1 for contempt
    turned = {
        f"{FULL}, by most votes": paste_faces(test.images[voted], seen[voted]),
        PHOTOS: photos,
    }
    card["metrics"]["turned"] = {
        name: turned_figures(classifier, faces, card["unsure_below"]) for name, faces in turned.items()
    }
    card["data"]["rule_chosen_on"] = (
        f"the same images, by what most people saw, and {len(photos.crops)} news photos (muxspace/facial_expressions, "
        "Apache-2.0) together; no photo was trained on"
    )


def main() -> None:
    """Measure a bundle again and write its card and page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--bundle"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--speed", action="store_true", help="also measure the time again; only on a quiet machine")
    args = parser.parse_args()
    data = read_fer2013(args.data, args.ferplus)
    bundle = read_bundle(args.bundle)
    card = dict(bundle.card)
    test, training = data.split("PublicTest"), data.split("Training")
    speed = None if args.speed else card.get("speed_ms")
    card["unsure_below"] = threshold(Classifier(bundle), test)
    card |= describe(Classifier(bundle, flip=True), test, training, card["recipe"], card["keras_parity"])
    card["speed_ms"] = speed or card["speed_ms"]
    if args.photos:
        describe_photos(card, Classifier(bundle), read_photos(args.photos), test)
    (args.bundle / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (args.bundle / "README.md").write_text(readable(card), encoding="utf-8")


if __name__ == "__main__":
    main()
