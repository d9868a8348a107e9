"""Write what a model says of each training image, as soft targets for another training.

    python -m recipes.teach --data fer2013.csv --ferplus fer2013new.csv --model expression-s --out soft.npz
        [--views 8 --seed 1]
    python -m recipes.teach --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --out soft.npz

Without --views the teacher sees each image as it is, and mirrored; with it, that many varied crops of each image,
and the student will see the same ones. A run need not be exported to teach the next: it answers in PyTorch, as a
teacher without views does, at temperature 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fer_core.datasets.readers import read_fer2013
from fer_core.models.classifier import Classifier, softmax
from fer_core.models.registry import load_model
from fer_core.training.augmentation import Augmentation
from recipes.soft import Soft, fingerprint, seeded_view


def teach(images: np.ndarray, classifier: Classifier, views: int = 0, seed: int = 1) -> Soft:
    """Soft targets of a model with the heads fer7 and ferplus8.

    Args:
        images: uint8 (n, 48, 48).
        classifier: the teacher.
        views: varied crops of each image; 0 for the image as it is.
        seed: of the varied crops.
    """
    rows = np.arange(len(images))
    sights = [seeded_view(images, rows, view, seed, Augmentation()) for view in range(views)] or [images]
    first, second = classifier.bundle.heads[:2]
    both: tuple[list, list] = ([], [])
    for crops in sights:
        out = classifier.logits(crops)
        both[0].append(softmax(out[:, : len(first.labels)], first.temperature))
        both[1].append(softmax(out[:, len(first.labels) :], second.temperature))
    return Soft(np.stack(both[0], 1), np.stack(both[1], 1), seed if views else None, fingerprint(images))


def teach_by_run(images: np.ndarray, run: Path, device: str = "cpu") -> Soft:
    """Soft targets of a run's averaged weights: the mean logits of each image, uint8 (n, 48, 48), and its mirror."""
    from recipes.network import NetworkS  # here: teaching by a bundle needs no PyTorch
    from recipes.port import weights_of
    from recipes.train import logits

    model = NetworkS(0.0)
    model.load_state_dict(weights_of(run))
    sights = [logits(model.to(device), view) for view in (images, images[:, :, ::-1])]
    fer7, plus = (softmax(sum(head) / 2)[:, None] for head in zip(*sights, strict=True))
    return Soft(fer7, plus, None, fingerprint(images))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--out"):
        parser.add_argument(option, type=Path, required=True)
    teacher = parser.add_mutually_exclusive_group(required=True)
    teacher.add_argument("--model", help="name of a bundle")
    teacher.add_argument("--run", type=Path, help="folder of a run")
    parser.add_argument("--views", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    training = read_fer2013(args.data, args.ferplus).split("Training")
    if args.run:
        teach_by_run(training.images, args.run).write(args.out)
    else:
        classifier = Classifier(load_model(args.model), flip=args.views == 0)
        teach(training.images, classifier, args.views, args.seed).write(args.out)
