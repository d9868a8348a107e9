"""All models that can be compared here, by name: bundles, and networks of other packages."""

from __future__ import annotations

from fer_core.models.fer_package import NAME as PEER
from fer_core.models.fer_package import FerPackage, fer_weights
from fer_core.models.keras_subprocess import has_keras
from fer_core.models.predictor import BundlePredictor, Predictor
from fer_core.models.registry import SHIPPED, list_models, load_model

__all__ = ["list_predictors", "load_predictor"]


def load_predictor(name: str) -> Predictor:
    """Return the model of that name; raises ModelError where there is none or its weights cannot be used."""
    return FerPackage() if name == PEER else BundlePredictor(load_model(name))


def list_predictors() -> dict[str, tuple[str, str]]:
    """What can be chosen here: (title, origin) by name. Weights are not opened, so one may still turn out damaged."""
    found = {b.name: (b.title, "shipped" if b.folder.parent == SHIPPED else "yours") for b in list_models()}
    if fer_weights() is not None and has_keras():
        found[PEER] = FerPackage.title, FerPackage.origin
    return found
