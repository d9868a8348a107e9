"""Carry the weights of network S from PyTorch to Keras and back. Both are the same network, so nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from recipes.network import NetworkS

__all__ = ["from_bundle", "from_keras", "to_keras", "weights_of"]

NORM = ("weight", "bias", "running_mean", "running_var")


def _layers(model) -> list[tuple[str, str, object, object]]:
    """(PyTorch convolution, PyTorch batch norm, Keras convolution, Keras batch norm) from input to output."""
    features = NetworkS(0.0).features
    places = [i for i, layer in enumerate(features) if isinstance(layer, torch.nn.Conv2d)]
    found = [layer for layer in model.layers if layer.name.endswith("_conv")]
    return [
        (f"features.{i}", f"features.{i + 1}", layer, model.get_layer(layer.name.replace("_conv", "_norm")))
        for i, layer in zip(places, found, strict=True)
    ]


def to_keras(state: dict[str, torch.Tensor]):
    """The Keras network with the weights of a PyTorch one."""
    from fer_core.models.architectures import network_s  # here: where runs train there need be no Keras

    model = network_s(15)
    arrays = {name: value.float().numpy() for name, value in state.items()}
    for own, own_norm, convolution, norm in _layers(model):
        convolution.set_weights([arrays[f"{own}.weight"].transpose(2, 3, 1, 0)])
        norm.set_weights([arrays[f"{own_norm}.{part}"] for part in NORM])
    model.get_layer("pool").set_weights([arrays["pool"].transpose(1, 2, 0)[..., None]])
    heads = [arrays["fer7.weight"], arrays["ferplus8.weight"]], [arrays["fer7.bias"], arrays["ferplus8.bias"]]
    model.get_layer("logits").set_weights([np.concatenate(heads[0]).T, np.concatenate(heads[1])])
    return model


def from_keras(model) -> dict[str, torch.Tensor]:
    """The weights of a Keras network as the state of a PyTorch one."""
    state = NetworkS(0.0).state_dict()
    arrays: dict[str, np.ndarray] = {}
    for own, own_norm, convolution, norm in _layers(model):
        arrays[f"{own}.weight"] = convolution.get_weights()[0].transpose(3, 2, 0, 1)
        arrays |= {f"{own_norm}.{part}": w for part, w in zip(NORM, norm.get_weights(), strict=True)}
    arrays["pool"] = model.get_layer("pool").get_weights()[0][..., 0].transpose(2, 0, 1)
    weights, bias = model.get_layer("logits").get_weights()
    arrays["fer7.weight"], arrays["ferplus8.weight"] = weights.T[:7], weights.T[7:]
    arrays["fer7.bias"], arrays["ferplus8.bias"] = bias[:7], bias[7:]
    return state | {name: torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()}


def from_bundle(folder: Path) -> dict[str, torch.Tensor]:
    """The state of a shipped bundle's Keras model."""
    import keras

    return from_keras(keras.models.load_model(folder / "model.keras", compile=False))


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """The state of a run, its averaged weights, or of a bundle."""
    checkpoint = folder / "checkpoint.pt"
    if not checkpoint.exists():
        return from_bundle(folder)
    return torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
