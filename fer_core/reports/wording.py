"""The figures of a comparison in plain words."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["GOOD", "MEANINGS", "chance", "difference"]

MEANINGS: dict[str, str] = {
    "Right": "share of the images that the model names as they are.",
    "95 % interval": "where that share would lie with other images of the same kind; overlapping intervals say little.",
    "Macro-F1": "right on average over the expressions, rare ones counted like frequent ones; 1 is best.",
    "Within two": "share of the images where the right answer is the first or second guess.",
    "NLL": "how surprised the model is by the truth (negative log-likelihood); 0 is best, and sure mistakes cost most.",
    "ECE": "how far its confidence is from how often it is right (calibration error); 0 is best.",
    "AURC": "how often it is wrong, on average over answering few or many of the images, the surest first; 0 is best.",
    "One face": "milliseconds for one face alone on one core of this computer.",
    "Images/s": "faces a second in batches, as evaluated here.",
    "Size": "megabytes of the weights.",
}
"""What each figure says, for a reader who never saw one."""

GOOD: dict[str, str] = {
    "reliability": (
        "Good is a line close to the dashed rule: there a model is right as often as it is sure. Below the rule it is "
        "too sure of itself, above too modest. Large markers stand for many images, "
        "those off the line for a handful."
    ),
    "risk": (
        "Good is a low line that falls towards the left: where a model may say “unsure” to the images it is least sure "
        "of, it is wrong less often on the rest. A flat line says that its confidence tells nothing."
    ),
    "size": "Good is a line that stays high towards the left, where faces are small.",
    "blur": "Good is a line that stays high towards the right, where faces are blurred.",
    "brightness": "Good is a flat line: right as often in dim and in glaring light as at the rule.",
    "roll": "Good is a flat line: a tilted head is named as often as an upright one.",
}
"""How to read each chart: confidence, what “unsure” buys, and the conditions of `degradation`."""


def chance(p: float) -> str:
    """Return how often, such as "in 34 of 100 comparisons"; p is between 0 and 1."""
    if p >= 0.01:
        return f"in {round(100 * p)} of 100 comparisons"
    if p >= 1e-5:
        return f"once in {round(1 / p):,} comparisons"
    return "less than once in 100,000 comparisons"


def difference(first: str, second: str, found: Mapping[str, float]) -> str:
    """Return what McNemar's test says of two models, in words.

    Args:
        first: title of the one model.
        second: title of the other.
        found: see `evaluation.mcnemar`.
    """
    alone, other = int(found["only_first"]), int(found["only_second"])
    if alone + other == 0:
        return f"{first} and {second} are right on the very same images."
    counts = (
        f"{first} alone is right on {alone:,} {_images(alone)}, {second} alone on {other:,}. "
        f"If both were equally good, a difference at least as large would come up {chance(found['p'])}"
    )
    if found["p"] < 0.05:
        return f"{counts}: {first if alone > other else second} is better on images like these."
    return f"{counts}: these images do not tell which is better."


def _images(count: int) -> str:
    return "image" if count == 1 else "images"
