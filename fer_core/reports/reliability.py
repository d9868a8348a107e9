"""What speaks against trusting a model's answers on real clips, from its card."""

from __future__ import annotations

import re
from typing import Any

from fer_core.models.bundle import Bundle

__all__ = ["FEW_IMAGES", "MUCH_WORSE", "measured_accuracy", "reliability_warning"]

FEW_IMAGES = 5000
"""Below this many images a network of this kind knows little of faces; FER2013 has 28,709 to learn from."""
MUCH_WORSE = 0.10
"""So much less accuracy than the shipped model is said."""


def reliability_warning(model: Bundle, shipped: Bundle) -> str | None:
    """Return why a model's answers are less to be trusted than the shipped model's; None where nothing says so.

    Args:
        model: that gave the answers.
        shipped: to compare with.
    """
    if model.name == shipped.name:
        return None
    trained_on = _trained_on(model.card)
    if "drawn" in trained_on or "synthetic" in trained_on:
        return "It learned from drawn faces, so what it says of real ones means nothing."
    images = _images(trained_on)
    if images is not None and images < FEW_IMAGES:
        return f"It learned from {images:,} images only, so it is often wrong."
    own, usual = measured_accuracy(model), measured_accuracy(shipped)
    if own is not None and usual is not None and own < usual - MUCH_WORSE:
        return (
            f"It is right far less often than the usual model: {own:.0%} of its test images, the usual one {usual:.0%} "
            "of FER2013's."
        )
    return None


def measured_accuracy(model: Bundle) -> float | None:
    """Return the share of test images that a model's card says it named right; None where the card says nothing."""
    metrics = model.card.get("metrics")
    for found in metrics.values() if isinstance(metrics, dict) else ():
        if isinstance(found, dict):
            value = found.get("fer7", found).get("accuracy")
            if isinstance(value, (int, float)):
                return float(value)
    return None


def _trained_on(card: dict[str, Any]) -> str:
    data, recipe = card.get("data"), card.get("recipe")
    words = str(data.get("trained_on", "")) if isinstance(data, dict) else ""
    if isinstance(recipe, dict):
        words += f" {recipe.get('data', '')}"
    return words.lower()


def _images(words: str) -> int | None:
    found = re.search(r"(\d[\d,]*) images", words)
    return None if found is None else int(found.group(1).replace(",", ""))
