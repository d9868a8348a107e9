"""Labels that are doubtful: what a classifier that was not told an image's label says of it, against the label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.errors import DatasetError
from fer_core.models.bundle import Bundle
from fer_core.utils.array_cache import FEW, cached_array, content_key
from fer_core.utils.progress import Progress, silent
from fer_core.utils.workspace import workspace

__all__ = ["FOLDS", "caution", "label_errors", "out_of_fold_probabilities"]

FOLDS = 5


def out_of_fold_probabilities(data: Dataset, features: np.ndarray, progress: Progress = silent) -> np.ndarray:
    """Probabilities of each image's labels from a classifier that was fitted without it; float32 (n, labels).

    Logistic regression on the features, cross-validated in five parts. Exact copies are in the same part, so that no
    image is judged by its own copy.

    Args:
        data: the images; labels with fewer images than parts get the probability 0 where they were not fitted.
        features: float32 (n, d) of `embedding.features`.
        progress: told the share that is done; may raise Cancelled.

    Raises:
        DatasetError: fewer than two labels have images, or there are too few different images.
    """
    parts = _parts(data)
    if len(np.unique(data.labels)) < 2 or np.unique(parts).size < FOLDS:
        raise DatasetError(
            "Doubtful labels are found by comparing: at least two labels and ten different images are needed."
        )

    folder = workspace() / "cache" if len(data) >= FEW else None
    key = f"doubt-{data.fingerprint}-{content_key(features)}"
    found = cached_array(folder, key, lambda: _judge(data, features, parts, progress))
    progress(1.0)
    return found


def label_errors(data: Dataset, features: np.ndarray, progress: Progress = silent) -> pd.DataFrame:
    """Return the images whose label a classifier that did not know it contradicts, the most doubtful first.

    Returns:
        index: number of the image in the dataset; row, split and label: its own; suggested: what the classifier says;
        confidence: its probability for that; label_confidence: its probability for the label of the file.
        Ordered by the difference of the two (Northcutt et al., 2021, rank by the like).
    """
    given = out_of_fold_probabilities(data, features, progress)
    best, every = given.argmax(1), np.arange(len(data))
    confidence, own = given[every, best], given[every, data.labels]
    which = np.flatnonzero(best != data.labels)
    which = which[np.argsort(own[which] - confidence[which], kind="stable")]
    names = np.array(data.names, object)
    return pd.DataFrame(
        {
            "index": which,
            "row": data.rows[which],
            "split": data.splits[which].astype(object),
            "label": names[data.labels[which]],
            "suggested": names[best[which]],
            "confidence": confidence[which],
            "label_confidence": own[which],
        }
    )


def caution(bundle: Bundle | None) -> str:
    """What must be said beside the doubtful labels: how far the model could have learned the very labels it doubts."""
    way = "Each image is judged by a classifier that was fitted to the others alone, five parts in turn."
    if bundle is None:
        return f"{way} It sees plain pixels, as no model was chosen, so it often errs."
    about = bundle.card.get("data")
    trained = about.get("trained_on") if isinstance(about, dict) else None
    learned = f" (its card says: {str(trained)[:200]})" if trained else ""
    return (
        f"{way} It sees each image as the model {bundle.title} does. Of images from which that model learned{learned}, "
        "it may have got used to wrong labels, so there fewer are found than there are."
    )


def _parts(data: Dataset) -> np.ndarray:
    """Return the part of each image, by chance, copies in one; all 0 where there are too few different images."""
    known: dict[bytes, int] = {}
    group = np.array([known.setdefault(image.tobytes(), len(known)) for image in data.images], np.int64)
    if len(known) < 2 * FOLDS:
        return np.zeros_like(group)
    return np.random.default_rng(0).permutation(len(known))[group] % FOLDS


def _judge(data: Dataset, features: np.ndarray, parts: np.ndarray, progress: Progress) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    scaled = (features - features.mean(0)) / max(float(features.std(0).max()), 1e-9)
    found = np.zeros((len(data), len(data.names)), np.float32)
    # Threads of such small products wait for each other: a part takes one 0.2 s and two, on busy cores, 18 s.
    with threadpool_limits(1, "blas"):
        for number in range(FOLDS):
            progress(number / FOLDS)
            own, rest = parts == number, parts != number
            known = np.unique(data.labels[rest])
            if len(known) < 2:
                found[own, known[0]] = 1
                continue
            fitted = LogisticRegression(max_iter=500).fit(scaled[rest], data.labels[rest])
            found[np.ix_(own, fitted.classes_)] = fitted.predict_proba(scaled[own])
    return found
