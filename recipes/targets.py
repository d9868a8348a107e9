"""What the network is to say of each training image: labels, votes, and a teacher's soft targets mixed into both."""

from __future__ import annotations

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.labels import FERPLUS8
from fer_core.training.augmentation import Augmentation, augment
from recipes.soft import Soft, fingerprint, seeded_view

__all__ = ["Targets", "hard_targets"]


def hard_targets(data: Dataset, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft targets of both heads, float32 (n, 7) and (n, 8); rows of the second are 0 where people gave no expression.

    As FER+ does, a vote that one person alone gave counts as a slip.
    """
    labels = np.eye(7, dtype=np.float32)[data.labels] * (1 - smoothing) + smoothing / 7
    votes = data.votes[:, : len(FERPLUS8)].astype(np.float32)
    votes[votes <= 1] = 0
    return labels, votes / np.maximum(votes.sum(1, keepdims=True), 1)


class Targets:
    """Soft targets of the training images, one row each for both heads.

    With the soft targets of many views, epoch e trains on view e mod views: teacher and student see the same crops.
    """

    def __init__(self, data: Dataset, smoothing: float, soft: Soft | None = None, share: float = 0.0):
        """Prepare them.

        Args:
            data: the training images.
            smoothing: of the FER labels.
            soft: what a teacher says of these images; None for labels and votes alone.
            share: of the teacher in the targets of both heads.

        Raises:
            SystemExit: the soft targets are of other images.
        """
        self.fer7, self.ferplus8 = hard_targets(data, smoothing)
        self._share, self._soft = share, soft
        if soft is not None and soft.fingerprint != fingerprint(data.images):
            raise SystemExit("The soft targets are of other images. Write them again with recipes.teach.")
        self._known = self.ferplus8.sum(1, keepdims=True) > 0

    def of(self, pick: np.ndarray, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets of the images `pick` in an epoch: float32 (n, 7) and (n, 8)."""
        y7, y8 = self.fer7[pick], self.ferplus8[pick]
        if self._soft is None:
            return y7, y8
        view = epoch % self._soft.views
        soft7, soft8 = self._soft.fer7[pick, view], self._soft.ferplus8[pick, view]
        share = self._share
        # Where people gave no expression the teacher's alone would be a guess about what is not there.
        return (1 - share) * y7 + share * soft7, ((1 - share) * y8 + share * soft8) * self._known[pick]

    def crops(
        self, images: np.ndarray, pick: np.ndarray, epoch: int, rng: np.random.Generator, how: Augmentation
    ) -> np.ndarray:
        """Varied crops of `images`, which lie at the places `pick`: those that the teacher saw, where it saw such."""
        if self._soft is not None and self._soft.seed is not None:
            return seeded_view(images, pick, epoch % self._soft.views, self._soft.seed, how)
        return augment(images, rng, how)
