"""Training images as the app itself sees faces: pasted into pictures, worsened, found by the detector and cut out.

    python -m recipes.found --data fer2013.csv --out found.npz [--views 3] [--seed 7] [--processes 2]

What the detector hands over is no FER2013 crop: a small face is enlarged, its roll is not undone where the landmarks do
not show it, noise and blocks of a clip are enlarged with it. Each view of an image has its own size, light, roll, blur
and compression, drawn from ranges; where the detector finds no face the view is the image as it is.

The file holds `crops`, uint8 (views, n, 48, 48), in the order of the training images, `found`, bool (views, n), and the
`fingerprint` of the images.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fer_core.datasets.readers import read_fer2013
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import STILL, FaceDetector
from recipes.soft import fingerprint

__all__ = ["Found", "found_crop", "found_views"]

SIZES = (34.0, 300.0)
SMALL = 100
"""Faces up to this size are pasted into 320x240, larger ones into 640x480."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Crops of n training images as the detector cut them out of pictures.

    Attributes:
        crops: uint8 (views, n, 48, 48).
        found: bool (views, n); where it is false the crop is the image as it is.
    """

    crops: np.ndarray
    found: np.ndarray

    @classmethod
    def read(cls, path: Path, images: np.ndarray) -> Found:
        """What this module wrote of these images.

        Raises:
            SystemExit: it wrote them of others.
        """
        with np.load(path, allow_pickle=False) as file:
            if str(file["fingerprint"]) != fingerprint(images):
                raise SystemExit(f"{path.name} is of other images. Write it again with recipes.found.")
            return cls(file["crops"], file["found"])

    def among(self, images: np.ndarray, pick: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """The images `pick`, about `share` of them as one of their views; uint8 (n, 48, 48)."""
        view = rng.integers(len(self.crops), size=len(pick))
        swap = (rng.random(len(pick)) < share) & self.found[view, pick]
        return np.where(swap[:, None, None], self.crops[view, pick], images[pick])


def picture_of(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A worsened picture with the face in it, BGR."""
    size = round(float(np.exp(rng.uniform(*np.log(SIZES)))))
    width, height = (320, 240) if size <= SMALL else (640, 480)
    how = cv2.INTER_AREA if size < len(image) else cv2.INTER_CUBIC
    picture = np.full((height, width), int(np.clip(image.mean() + rng.uniform(-40, 40), 0, 255)), np.uint8)
    top, left = (int(rng.integers((side - size) // 4, (side - size) * 3 // 4 + 1)) for side in (height, width))
    picture[top : top + size, left : left + size] = cv2.resize(image, (size, size), interpolation=how)
    roll = float(rng.uniform(-25, 25) if rng.random() < 0.4 else rng.normal(0, 5))
    turn = cv2.getRotationMatrix2D((left + size / 2, top + size / 2), roll, 1)
    picture = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.4)) * size / 48)
    if rng.random() < 0.3:  # few levels are left, and the sensor's noise does not shrink with the light
        noise = rng.standard_normal(picture.shape, np.float32) * rng.uniform(1, 5)
        picture = np.clip(np.rint(picture * rng.uniform(0.15, 0.6) + noise), 0, 255).astype(np.uint8)
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.5:
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 91))])[1]
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return picture


def found_crop(
    image: np.ndarray, rng: np.random.Generator, detectors: tuple[FaceDetector, ...]
) -> tuple[np.ndarray, bool]:
    """The face of a 48x48 image as the detector finds it in a picture; the image itself where it finds none.

    Args:
        image: uint8 (48, 48).
        rng: source of all randomness.
        detectors: for the small and for the large picture.

    Returns:
        uint8 (48, 48), and whether a face was found.
    """
    picture = picture_of(image, rng)
    faces = detectors[picture.shape[1] > 320](picture)
    if not len(faces.boxes):
        return image, False
    return crop_faces(picture, faces.boxes[:1], faces.landmarks[:1])[0], True


def found_views(images: np.ndarray, view: int, seed: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One view of each image: uint8 (n, 48, 48), and whether a face was found, bool (n,).

    Args:
        images: uint8 (n, 48, 48).
        view: which view.
        seed: of all views.
        start: place of the first image; a view depends on view, seed and place alone.
    """
    cv2.setNumThreads(1)
    detectors = FaceDetector(side=STILL), FaceDetector(side=640)  # large faces need no enlarged look, which takes long
    crops, found = np.empty_like(images), np.zeros(len(images), bool)
    for i, image in enumerate(images):
        crops[i], found[i] = found_crop(image, np.random.default_rng((seed, view, start + i)), detectors)
    return crops, found


def _part(task: tuple[np.ndarray, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    return found_views(*task)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    training = read_fer2013(args.data).split("Training").images
    parts = range(0, len(training), 500)
    with ProcessPoolExecutor(args.processes) as pool:
        views = []
        for v in range(args.views):
            each = pool.map(_part, [(training[i : i + 500], v, args.seed, i) for i in parts])
            views.append([np.concatenate(part) for part in zip(*each, strict=True)])
            print(f"view {v + 1}: a face was found in {views[-1][1].mean():.1%}", flush=True)
    crops, found = (np.stack(part) for part in zip(*views, strict=True))
    np.savez_compressed(args.out, crops=crops, found=found, fingerprint=np.array(fingerprint(training)))
