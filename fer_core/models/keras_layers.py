"""Layers that published networks bring and Keras does not offer by name: written anew here, so that none runs code."""

from __future__ import annotations

from typing import Any

__all__ = ["layer_scale"]

_made: dict[str, Any] = {}


def layer_scale() -> Any:
    """Return the class of layers that multiply each channel by a learnt number, registered with Keras.

    Source: Touvron et al., "Going deeper with Image Transformers", 2021, arXiv:2103.17239; as in Keras's ConvNeXt.
    """
    if "LayerScale" not in _made:
        import keras

        @keras.saving.register_keras_serializable(package="expression-lab")
        class LayerScale(keras.layers.Layer):
            def __init__(self, projection_dim: int, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.projection_dim = projection_dim

            def build(self, _: Any) -> None:
                self.gamma = self.add_weight(shape=(self.projection_dim,), initializer="ones", name="gamma")

            def call(self, x: Any) -> Any:
                return x * self.gamma

            def get_config(self) -> dict[str, Any]:
                return {**super().get_config(), "projection_dim": self.projection_dim}

        _made["LayerScale"] = LayerScale
    return _made["LayerScale"]
