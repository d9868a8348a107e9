"""Brightness, contrast and sharpness of each image, how they are spread, and the images that stand far out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import BLANK_STD, Dataset
from fer_core.labels import FERPLUS_VOTES

__all__ = ["STATISTICS", "histogram", "image_stats", "outliers"]

STATISTICS = ("brightness", "contrast", "sharpness")
"""Columns of `image_stats`."""

FAR = 3.5
"""Robust standard deviations from the middle of all images from which on one is odd (Iglewicz and Hoaglin, 1993)."""

WORDS = {
    "brightness": ("very dark", "very bright"),
    "contrast": ("very flat", "very strong contrast"),
    "sharpness": ("very blurred", "very sharp: a drawing or writing?"),
}
"""What an image is that has far less, and far more, than the others."""


def image_stats(images: np.ndarray) -> pd.DataFrame:
    """Three measures of each image, in grey levels; a second for 35,000 images.

    Args:
        images: uint8 (n, height, width), at least 3 pixels a side.

    Returns:
        float32 columns: brightness, the mean; contrast, the standard deviation; sharpness, the standard deviation of
        the Laplacian, which is how far pixels lie from what their four neighbours let expect.
    """
    parts = [_measures(images[i : i + 1024].astype(np.float32)) for i in range(0, len(images), 1024)]
    return pd.DataFrame(np.concatenate(parts) if parts else np.zeros((0, 3), np.float32), columns=list(STATISTICS))


def _measures(x: np.ndarray) -> np.ndarray:
    middle = 4 * x[:, 1:-1, 1:-1]
    laplacian = x[:, 1:-1, :-2] + x[:, 1:-1, 2:] + x[:, :-2, 1:-1] + x[:, 2:, 1:-1] - middle
    return np.stack([x.mean((1, 2)), x.std((1, 2)), laplacian.std((1, 2))], 1)


def histogram(values: np.ndarray, bins: int = 40) -> pd.DataFrame:
    """Return how many images lie in each of so many bins of equal width: columns bin, low, high, images.

    A value on the edge of two bins belongs to the higher, and the largest of all to the last.
    """
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    images, edges = np.histogram(values, bins, (low, high if high > low else low + 1))
    return pd.DataFrame({"bin": np.arange(bins), "low": edges[:-1], "high": edges[1:], "images": images})


def outliers(data: Dataset, measures: pd.DataFrame) -> dict[int, str]:
    """Return the images that stand far out, and in words why: {index: reasons}; first those that differ in most ways.

    That is an image of which most people say that there is no face, or which is far darker, brighter, flatter, more
    blurred or sharper than the others are. Blank images are not among them.
    """
    reasons: dict[int, list[str]] = {}
    shows = measures["contrast"].to_numpy() >= BLANK_STD
    not_face = FERPLUS_VOTES.index("not_face")
    for i in np.flatnonzero(shows & (data.votes[:, not_face] > data.votes.sum(1) / 2)):
        reasons.setdefault(int(i), []).append("no face, people say")
    for name in STATISTICS:
        values = measures[name].to_numpy(np.float64)
        if name == "sharpness":
            values = np.log1p(values)  # skewed: of grey levels far above the middle are many
        if not shows.any():
            break
        middle = np.median(values[shows])
        spread = 1.4826 * np.median(np.abs(values[shows] - middle))
        if spread <= 0:
            continue
        for side, words in zip((-1, 1), WORDS[name], strict=True):
            for i in np.flatnonzero(shows & (side * (values - middle) > FAR * spread)):
                reasons.setdefault(int(i), []).append(words)
    ranked = sorted(reasons, key=lambda i: (-len(reasons[i]), i))
    return {i: ", ".join(reasons[i]) for i in ranked}
