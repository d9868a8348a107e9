"""Soft targets beside the labels: what a teacher says of each training image, of the image as it is or of many views.

A file of them is an .npz with `fer7` (n, views, 7) and `ferplus8` (n, views, 8), float16 probabilities, in the order of
the training images; `seed`, -1 where the teacher saw the images as they are; and `fingerprint` of the images.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_core.models.preprocessing import INPUT_SIDE
from fer_core.training.augmentation import Augmentation, augment

__all__ = ["Soft", "fingerprint", "seeded_view"]


@dataclass(frozen=True, slots=True, eq=False)
class Soft:
    """Soft targets of n training images.

    Attributes:
        fer7: (n, views, 7), probabilities.
        ferplus8: (n, views, 8).
        seed: of the views; None where the teacher saw each image as it is.
        fingerprint: of the images.
    """

    fer7: np.ndarray
    ferplus8: np.ndarray
    seed: int | None
    fingerprint: str

    @property
    def views(self) -> int:
        return self.fer7.shape[1]

    def write(self, path: Path) -> None:
        """Keep them; half precision is far finer than a teacher's certainty."""
        seed = -1 if self.seed is None else self.seed
        both = {"fer7": self.fer7.astype(np.float16), "ferplus8": self.ferplus8.astype(np.float16)}
        np.savez(path, **both, seed=np.array(seed), fingerprint=np.array(self.fingerprint))

    @classmethod
    def read(cls, path: Path) -> Soft:
        """What `write` kept."""
        with np.load(path, allow_pickle=False) as file:
            seed = int(file["seed"])
            both = (file[name].astype(np.float32) for name in ("fer7", "ferplus8"))
            return cls(*both, None if seed < 0 else seed, str(file["fingerprint"]))


def fingerprint(images: np.ndarray) -> str:
    """Of the content of images, so that targets are never taken for those of others."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()[:16]


def seeded_view(images: np.ndarray, pick: np.ndarray, view: int, seed: int, how: Augmentation) -> np.ndarray:
    """Varied crops that depend on image, view and seed alone, whatever batch they are in; uint8 (n, 44, 44).

    Args:
        images: uint8 (n, 48, 48), those at the places `pick` of all.
        pick: int (n,).
        view: which view.
        seed: of all views.
        how: what is varied.
    """
    out = np.empty((len(pick), INPUT_SIDE, INPUT_SIDE), np.uint8)
    for row, i in enumerate(pick):
        out[row] = augment(images[row : row + 1], np.random.default_rng((seed, view, int(i))), how)[0]
    return out
