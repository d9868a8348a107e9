"""Accuracy through detection and crop: FER2013 images pasted into larger pictures, small, blurred, dark, compressed.

    python -m benchmarks.robustness --data fer2013.csv [--ferplus fer2013new.csv] [--model NAME...] [--images 600]
        [--json FILE]

Each image of PublicTest is pasted at 30 to 300 pixels into a grey picture of 640x480, worsened, found by the detector,
cropped and classified, as `predict` does with a picture, in one view. The direct figure is that of the same images,
given to the network as they are. FER2013's images are faces without a head around, so the detector misses more of them
than of faces in real pictures: points are counted among those that were found, and the share found stands beside them.
Several models are shown the same crops.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import STILL, FaceDetector
from fer_core.labels import FER7, FERPLUS_TO_FER7, FERPLUS_VOTES
from fer_core.models.bundle import Bundle, read_bundle
from fer_core.models.classifier import Classifier
from fer_core.models.registry import DEFAULT, load_model

SIZES = (30, 40, 60, 100, 200, 300)
WIDTH, HEIGHT = 640, 480
SMALLEST, MOST = 40, 4
"""Faces of this many pixels and more may lose this many points."""


def _blurred(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), size / 48)  # as far as a pixel of the 48 that the network sees


def _compressed(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1))


def _dark(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 3, picture.shape[:2])[..., None]
    return np.clip(np.rint(picture * 0.25 + noise), 0, 255).astype(np.uint8)


def _rolled(degrees: float) -> Callable[[np.ndarray, int, np.random.Generator], np.ndarray]:
    def turn(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        how = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 1)
        return cv2.warpAffine(picture, how, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)

    return turn


CONDITIONS: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "as it is": lambda picture, size, rng: picture,
    "blurred": _blurred,
    "JPEG 40": _compressed,
    "low light": _dark,
    "roll +20": _rolled(20),
    "roll -20": _rolled(-20),
}


def pasted(image: np.ndarray, size: int) -> np.ndarray:
    """A face of `size` pixels in the middle of a grey picture, BGR."""
    how = cv2.INTER_AREA if size < len(image) else cv2.INTER_CUBIC
    picture = np.full((HEIGHT, WIDTH), int(image.mean()), np.uint8)
    top, left = (HEIGHT - size) // 2, (WIDTH - size) // 2
    picture[top : top + size, left : left + size] = cv2.resize(image, (size, size), interpolation=how)
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def through(images: np.ndarray, size: int, condition: str, detector: FaceDetector) -> tuple[np.ndarray, np.ndarray]:
    """(found, crops): bool (n,), and uint8 (found, 48, 48)."""
    rng, found, crops = np.random.default_rng(0), np.zeros(len(images), bool), []
    for i, image in enumerate(images):
        picture = CONDITIONS[condition](pasted(image, size), size, rng)
        faces = detector(picture)
        if len(faces.boxes):
            found[i] = True
            crops.append(crop_faces(picture, faces.boxes[:1], faces.landmarks[:1])[0])
    return found, np.array(crops, np.uint8).reshape(-1, 48, 48)


def measure(data: Dataset, classifiers: dict[str, Classifier]) -> list[dict[str, object]]:
    """A row for each size, condition and model: share found, accuracy through the pipeline, points lost to direct."""
    detector = FaceDetector(side=STILL)
    index = np.array([FER7.index(FERPLUS_TO_FER7[n]) if n in FERPLUS_TO_FER7 else -1 for n in FERPLUS_VOTES])
    best = data.votes.max(1)
    clear = (best * 2 > data.votes.sum(1)) & (index[data.votes.argmax(1)] >= 0)
    seen = index[data.votes.argmax(1)]
    direct = {name: right(model, data.images, data.labels, seen) for name, model in classifiers.items()}
    rows: list[dict[str, object]] = []
    for size in SIZES:
        for condition in CONDITIONS:
            found, crops = through(data.images, size, condition, detector)
            for name, model in classifiers.items():
                label, people = right(model, crops, data.labels[found], seen[found])
                label0, people0 = (hits[found] for hits in direct[name])
                known = clear[found]
                row: dict[str, object] = {"model": name, "size": size, "condition": condition}
                row |= {"found": float(found.mean()), "fer7": float(label.mean())}
                row |= {"lost_fer7": 100 * float(label0.mean() - label.mean()), "people": float(people[known].mean())}
                row["lost_people"] = 100 * float(people0[known].mean() - people[known].mean())
                rows.append(row)
                print(
                    f"{name:12s} {size:4d} px  {condition:9s}  found {row['found']:4.0%}   FER label {row['fer7']:.1%} "
                    f"(lost {row['lost_fer7']:+.1f})   people {row['people']:.1%} (lost {row['lost_people']:+.1f})",
                    flush=True,
                )
    return rows


def chosen(name: str) -> Bundle:
    """The bundle of that name, or in that folder."""
    return read_bundle(Path(name)) if Path(name).is_dir() else load_model(name)


def right(model: Classifier, crops: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a model gives the label, and what people saw; bool (n,) each."""
    return model.head(crops, "fer7").argmax(1) == labels, model(crops).argmax(1) == seen


def summary(rows: list[dict[str, object]], name: str) -> str:
    """How many of the cells that count lose more than they may."""
    own = [row for row in rows if row["model"] == name and int(str(row["size"])) >= SMALLEST]
    lost = {key: [float(str(row[f"lost_{key}"])) for row in own] for key in ("fer7", "people")}
    label, people = (f"{sum(x > MOST for x in lost[k])} (most {max(lost[k]):.1f})" for k in ("fer7", "people"))
    return (
        f"{name}: of {len(own)} cells with faces of {SMALLEST} px and more, more than {MOST} points are lost by the "
        f"FER label in {label}, by what people see in {people}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--model", nargs="+", default=[DEFAULT], help="names or folders of bundles")
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    votes = args.ferplus or args.data.with_name("fer2013new.csv")
    public = read_fer2013(args.data, votes).split("PublicTest")
    pick = np.random.default_rng(0).permutation(len(public))[: args.images]
    some = Dataset(
        *(getattr(public, n)[pick] for n in ("images", "labels")), public.names, public.splits[pick], public.votes[pick]
    )
    figures = measure(some, {Path(name).name: Classifier(chosen(name)) for name in args.model})
    for model in dict.fromkeys(row["model"] for row in figures):
        print(summary(figures, str(model)))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))
