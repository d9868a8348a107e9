"""Where a model looks: for a picture and an expression, the parts that speak for it, as a picture and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.errors import ModelError
from fer_core.evaluation.label_mapping import output_for
from fer_core.models import keras_subprocess as keras_child
from fer_core.models.predictor import Predictor

__all__ = ["CAVEAT", "SaliencyMap", "has_saliency", "saliency_maps"]

CAVEAT = (
    "The map is coarse, about eight pixels of the face a field, and shows what spoke for the answer, "
    "not whether the answer is right."
)
"""What stands wherever a map is shown."""

ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
STRONGEST = 0.7
"""How much of the picture its colour hides where the heat is greatest."""


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyMap:
    """One picture, and what of it spoke for an expression.

    Attributes:
        title: of the model.
        expression: as the dataset calls it.
        image: uint8 (48, 48), grey.
        heat: float32 (48, 48), 0 to 1; all 0 where nothing spoke for it.
    """

    title: str
    expression: str
    image: np.ndarray
    heat: np.ndarray

    def overlay(self, side: int = 192) -> np.ndarray:
        """The picture with the heat laid over it, from dark red over orange to yellow; uint8 (side, side, 3) BGR.

        The colours differ in brightness too, so they can be told apart without seeing red or green.
        """
        gray = cv2.resize(self.image, (side, side), interpolation=cv2.INTER_CUBIC)
        heat = np.clip(cv2.resize(self.heat, (side, side), interpolation=cv2.INTER_LINEAR), 0, 1)
        colors = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
        weight = STRONGEST * heat[..., None]
        return np.rint((1 - weight) * gray[..., None] + weight * colors).astype(np.uint8)

    @property
    def words(self) -> str:
        """What the picture shows, for those who do not see it."""
        total = float(self.heat.sum())
        if total <= 0:
            return f"{self.title}: no part of the picture speaks for {self.expression}."
        fields = self.heat.reshape(3, 16, 3, 16).sum((1, 3)) / total
        row, column = divmod(int(fields.argmax()), fields.shape[1])
        where = f"{ROWS[row]} {COLUMNS[column]}" if (row, column) != (1, 1) else "centre"
        ordered = np.sort(self.heat, axis=None)[::-1].cumsum()
        part = (int(np.searchsorted(ordered, total / 2)) + 1) / self.heat.size
        return (
            f"{self.title}: what speaks for {self.expression} lies mostly at the {where} of the picture "
            f"({fields.max():.0%}); half of it on {part:.0%} of the picture."
        )


def has_saliency(model: Predictor) -> bool:
    """Return whether `saliency_maps` may be tried: the model has a Keras file, and Keras is installed."""
    return model.keras is not None and keras_child.has_keras()


def saliency_maps(
    model: Predictor,
    images: np.ndarray,
    expressions: Sequence[str],
    names: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
) -> list[SaliencyMap]:
    """Grad-CAM of images (Selvaraju et al., 2017; see `gradcam`), in a process of its own: some seconds in all.

    Args:
        model: any that has a Keras file.
        images: uint8 (n, 48, 48).
        expressions: for each image the class that is asked about.
        names: all classes of the dataset, which say which of the model's heads is meant.
        progress: is told the share done; where it raises, the work is ended.

    Raises:
        ModelError: the model has no Keras file or no convolution, does not load, or does not know the expression.
    """
    if model.keras is None:
        raise ModelError(
            f"{model.title} comes without its Keras file (model.keras), so it cannot be shown where it looks. "
            "Models that were trained here have one."
        )
    outputs = [output_for(model, expression, names) for expression in expressions]
    heats = keras_child.look(model.keras, images, outputs, side=model.side, scale=model.scale, progress=progress)
    return [
        SaliencyMap(model.title, expression, image, heat)
        for expression, image, heat in zip(expressions, images, heats, strict=True)
    ]
