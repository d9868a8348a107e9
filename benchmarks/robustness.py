"""Accuracy through detection and crop: FER2013 images pasted into larger pictures, small, blurred, dark, compressed.

    python -m benchmarks.robustness --data fer2013.csv [--ferplus fer2013new.csv] [--images 600] [--json FILE]

Each image of PublicTest is pasted at 30 to 300 pixels into a grey picture of 640x480, worsened, found by the detector,
cropped and classified, as `predict` does with a picture, in one view. The direct figure is that of the same images,
given to the network as they are. FER2013's images are faces without a head around, so the detector misses more of them
than of faces in real pictures: points are counted among those that were found, and the share found stands beside them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from fer_core.bundles import DEFAULT, load_bundle
from fer_core.classification import Classifier
from fer_core.datasets import Dataset, read_fer2013
from fer_core.detection import STILL, FaceDetector
from fer_core.labels import FER7, FERPLUS_TO_FER7, FERPLUS_VOTES
from fer_core.preprocessing import crop_faces

SIZES = (30, 40, 60, 100, 200, 300)
WIDTH, HEIGHT = 640, 480


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


def measure(data: Dataset, classifier: Classifier) -> list[dict[str, object]]:
    """A row for each size and condition: share found, accuracy through the pipeline and direct, points lost."""
    detector = FaceDetector(side=STILL)
    index = np.array([FER7.index(FERPLUS_TO_FER7[n]) if n in FERPLUS_TO_FER7 else -1 for n in FERPLUS_VOTES])
    best = data.votes.max(1)
    clear = (best * 2 > data.votes.sum(1)) & (index[data.votes.argmax(1)] >= 0)
    seen = index[data.votes.argmax(1)]
    direct7 = classifier.head(data.images, "fer7").argmax(1) == data.labels
    direct = classifier(data.images).argmax(1) == seen
    rows: list[dict[str, object]] = []
    for size in SIZES:
        for condition in CONDITIONS:
            found, crops = through(data.images, size, condition, detector)
            right7 = classifier.head(crops, "fer7").argmax(1) == data.labels[found]
            right = (classifier(crops).argmax(1) == seen[found])[clear[found]]
            row: dict[str, object] = {"size": size, "condition": condition, "found": float(found.mean())}
            row |= {"fer7": float(right7.mean()), "lost_fer7": 100 * float(direct7[found].mean() - right7.mean())}
            row |= {
                "people": float(right.mean()),
                "lost_people": 100 * float(direct[found & clear].mean() - right.mean()),
            }
            rows.append(row)
            print(
                f"{size:4d} px  {condition:9s}  found {row['found']:4.0%}   FER label {row['fer7']:.1%} "
                f"(lost {row['lost_fer7']:+.1f})   people {row['people']:.1%} (lost {row['lost_people']:+.1f})",
                flush=True,
            )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    votes = args.ferplus or args.data.with_name("fer2013new.csv")
    public = read_fer2013(args.data, votes).split("PublicTest")
    pick = np.random.default_rng(0).permutation(len(public))[: args.images]
    some = Dataset(
        *(getattr(public, n)[pick] for n in ("images", "labels")), public.names, public.splits[pick], public.votes[pick]
    )
    figures = measure(some, Classifier(load_bundle(args.model)))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))
