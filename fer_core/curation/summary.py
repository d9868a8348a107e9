"""Many faces in one picture, and what a page says of a dataset: counts, mean faces, what people saw, tables to keep."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from fer_core.datasets.dataset import SIDE, Dataset
from fer_core.datasets.votes import agreement, most_voted
from fer_core.labels import FERPLUS8, FERPLUS_VOTES
from fer_core.utils.csv_safety import safe_table

__all__ = ["counts", "listing", "listing_csv", "mean_faces", "people_say", "sprite"]


def sprite(images: np.ndarray, columns: int = 10) -> bytes:
    """PNG of equal grey images, row by row: one picture for a browser to fetch in place of sixty.

    Args:
        images: uint8 (n, side, side); places beyond the last are black.
        columns: images a row.
    """
    side = images.shape[1] if len(images) else SIDE
    rows = max(1, -(-len(images) // columns))
    whole = np.zeros((rows * columns, side, side), np.uint8)
    whole[: len(images)] = images
    sheet = whole.reshape(rows, columns, side, side).swapaxes(1, 2).reshape(rows * side, columns * side)
    return cv2.imencode(".png", sheet)[1].tobytes()


def counts(data: Dataset) -> pd.DataFrame:
    """Return the images of each label in each split: columns label, split, images; also where there are none."""
    found = [
        (name, split, int(((data.labels == number) & (data.splits == split)).sum()))
        for number, name in enumerate(data.names)
        for split in data.split_names
    ]
    return pd.DataFrame(found, columns=["label", "split", "images"])


def mean_faces(data: Dataset) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the labels that have images, and for each the mean face and how much its pixels vary, uint8 (n, 48, 48).

    Of the variation black is none and white the most of all labels.
    """
    names, means, spreads = [], [], []
    for number, name in enumerate(data.names):
        own = data.images[data.labels == number]
        if len(own):
            mean = own.mean(0, dtype=np.float64)
            square = sum(
                np.square(own[i : i + 2048], dtype=np.float32).sum(0, np.float64) for i in range(0, len(own), 2048)
            )
            names.append(name)
            means.append(mean)
            spreads.append(np.sqrt(np.maximum(square / len(own) - mean**2, 0)))
    if not names:
        return [], np.zeros((0, SIDE, SIDE), np.uint8), np.zeros((0, SIDE, SIDE), np.uint8)
    spread = np.array(spreads)
    return names, np.rint(means).astype(np.uint8), (spread * 255 / max(spread.max(), 1e-9)).astype(np.uint8)


def people_say(data: Dataset) -> pd.DataFrame:
    """How often each label of the file meets what most people saw: columns label, people, images, share of the label.

    "no majority" stands for images of which no expression has more than half of the votes.
    """
    saw = most_voted(data.votes)
    found = []
    for number, name in enumerate(data.names):
        own = saw[data.labels == number]
        counted = [(words, int((own == words).sum())) for words in (*FERPLUS8, "no majority")]
        asked = sum(n for _, n in counted)
        found += [(name, words, n, n / max(asked, 1)) for words, n in counted]
    return pd.DataFrame(found, columns=["label", "people", "images", "share"])


def listing(data: Dataset, which: Sequence[int] | np.ndarray, extra: pd.DataFrame | None = None) -> pd.DataFrame:
    """Row, split and label of some images, the votes where the dataset has any, and columns of one's own.

    Args:
        data: the dataset.
        which: indices of the images.
        extra: a row for each of them.
    """
    own = data.select(np.asarray(which, np.int64))
    table = pd.DataFrame(
        {"row": own.rows, "split": own.splits.astype(object), "label": np.array(own.names, object)[own.labels]}
    )
    if data.votes.any():
        table["agreement"] = agreement(own.votes).round(3)
        for number, name in enumerate(FERPLUS_VOTES):
            table[f"votes_{name}"] = own.votes[:, number]
    return table if extra is None else pd.concat([table, extra.reset_index(drop=True)], axis=1)


def listing_csv(data: Dataset, which: Sequence[int] | np.ndarray, extra: pd.DataFrame | None = None) -> bytes:
    """`listing` as CSV whose cells no spreadsheet takes for formulas."""
    return bytes(safe_table(listing(data, which, extra)).to_csv(index=False).encode())
