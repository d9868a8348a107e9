"""Votes of several people on each image: majority, agreement, distributions."""

from __future__ import annotations

import numpy as np

from fer_core.labels import FER7, FERPLUS8, FERPLUS_TO_FER7, FERPLUS_VOTES

__all__ = ["agreement", "fer7_majority", "majority", "most_voted", "votes_of"]


def majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what most people saw: (clear, expression).

    Args:
        votes: (n, 10), FER+ votes.

    Returns:
        clear: bool (n,), more than half of the votes are for one of the eight expressions.
        expression: int (n,), index into `labels.FERPLUS8`; meaningful where clear.
    """
    clear = (votes.max(1) > votes.sum(1) / 2) & (votes.argmax(1) < len(FERPLUS8))
    return clear, votes.argmax(1)


def fer7_majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what most people saw among FER2013's seven expressions: (clear, expression).

    Args:
        votes: (n, 10), FER+ votes.

    Returns:
        clear: bool (n,), more than half of the votes are for one of the seven.
        expression: int (n,), index into `labels.FER7` of the most frequent vote, -1 where that is none of them.
    """
    index = np.array([FER7.index(FERPLUS_TO_FER7[name]) if name in FERPLUS_TO_FER7 else -1 for name in FERPLUS_VOTES])
    clear, seen = majority(votes)
    return clear & (index[seen] >= 0), index[seen]


def agreement(votes: np.ndarray) -> np.ndarray:
    """Return the share of the people who say what most say, float (n,); not a number where nobody was asked."""
    asked = votes.sum(1, dtype=np.float64)
    return np.where(asked > 0, votes.max(1) / np.maximum(asked, 1), np.nan)


def votes_of(votes: np.ndarray) -> str:
    """Return what people said of one image, such as "6 happiness, 4 surprise"; empty where nobody was asked."""
    order = np.argsort(-votes.astype(int), kind="stable")
    return ", ".join(f"{votes[i]} {FERPLUS_VOTES[i].replace('_', ' ')}" for i in order if votes[i])


def most_voted(votes: np.ndarray) -> np.ndarray:
    """Return what more than half of the people saw in each image.

    Returns:
        object (n,): a name of FER+, "no majority", or None where nobody was asked.
    """
    clear, saw = majority(votes)
    words = np.array([*FERPLUS8, "no majority"], object)[np.where(clear, saw, len(FERPLUS8))]
    words[votes.sum(1) == 0] = None
    return words
