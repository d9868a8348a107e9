"""The other side of `importing`: a process of its own that reads a foreign Keras model and makes a bundle of it.

Started as `python -m fer_core.models.import_worker FOLDER`; the folder holds request.json, and gets response.json or
error.txt.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.datasets.synthetic import synthetic_faces
from fer_core.errors import ModelError
from fer_core.labels import FER7
from fer_core.models.keras_rebuild import rebuild
from fer_core.models.litert_export import make_bundle
from fer_core.models.preprocessing import SCALES, prepare, prepare_color

__all__ = ["main"]

TRIED, SMALL = 40, 96
"""Drawn faces of each expression that a model is tried on; a quarter where its pictures have a larger side."""
ENDINGS = (".keras", ".json", ".h5", ".hdf5")
LARGEST = 500_000_000
"""Bytes of an unpacked part of an archive."""


def _described(files: list[Path], folder: Path) -> tuple[Any, Path]:
    """Return the description of the network as JSON, and a file of its weights with a name that Keras takes."""
    import h5py

    if len(files) == 2:
        text, weights = files
        return _json(text.read_bytes()), _weights(weights, folder)
    (only,) = files
    if zipfile.is_zipfile(only):
        with zipfile.ZipFile(only) as archive:
            if "config.json" not in archive.namelist():
                return _described(_unpacked(archive, folder), folder)
            parts = {name: archive.getinfo(name) for name in ("config.json", "model.weights.h5")}
            if sum(part.file_size for part in parts.values()) > LARGEST:
                raise ModelError("The model is too large when unpacked.")
            with archive.open(parts["model.weights.h5"]) as source, open(folder / "given.h5", "wb") as target:
                shutil.copyfileobj(source, target)
            return _json(archive.read(parts["config.json"])), _weights(folder / "given.h5", folder)
    with h5py.File(only, "r") as file:
        described = file.attrs.get("model_config")
        pictures = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
    if described is None and pictures:
        raise ModelError(
            "This file holds tables of numbers, such as a dataset, and no model. Bring the file that training saved."
        )
    if described is None:
        raise ModelError(
            "This file holds weights only, not the network that they belong to. Bring its model.json too, or save the "
            "whole model as .keras."
        )
    return _json(described), _weights(only, folder)


def _unpacked(archive: zipfile.ZipFile, folder: Path) -> list[Path]:
    """Return the model in a ZIP that somebody made: one file, or a description and weights."""
    inside = [part for part in archive.infolist() if not part.is_dir() and not part.filename.startswith("__MACOSX")]
    if any(Path(part.filename).name == "saved_model.pb" for part in inside):
        raise ModelError(
            "This ZIP holds a SavedModel, which is a program rather than a network of known layers, so it is refused. "
            'Load it in Keras 2 and save it with model.save("model.h5").'
        )
    ending = {suffix: [p for p in inside if p.filename.lower().endswith(suffix)] for suffix in ENDINGS}
    weights, texts = ending[".h5"] + ending[".hdf5"], ending[".json"]
    chosen = ending[".keras"] if len(ending[".keras"]) == 1 else [*texts, *weights]
    if len(chosen) not in (1, 2) or (not ending[".keras"] and (len(texts) > 1 or len(weights) != 1)):
        raise ModelError(
            "This ZIP does not hold one model. Put into it one .keras or .h5 file, or a .json file and its weights."
        )
    if sum(part.file_size for part in chosen) > LARGEST:
        raise ModelError("The model is too large when unpacked.")
    paths = []
    for number, part in enumerate(chosen):
        paths.append(folder / f"unpacked-{number}{Path(part.filename).suffix.lower()}")
        with archive.open(part) as source, open(paths[-1], "wb") as target:
            shutil.copyfileobj(source, target)
    return paths


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError("The description of the network is not readable JSON.") from error


def _weights(path: Path, folder: Path) -> Path:
    """Return a copy named as Keras tells the two layouts apart: weights.h5 of Keras 2, x.weights.h5 of Keras 3."""
    import h5py

    with h5py.File(path, "r") as file:
        _refuse_links(file)
        old = "layer_names" in file.attrs or "model_weights" in file
    return Path(shutil.copy(path, folder / ("legacy.h5" if old else "new.weights.h5")))


def _refuse_links(group: Any) -> None:
    """HDF5 can point into other files of this computer; weights have no need to."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ModelError("The file of weights points to other places or files, so it is refused.")
        item = group[name]
        if isinstance(item, h5py.Group):
            _refuse_links(item)
        elif item.external or item.is_virtual:
            raise ModelError("The file of weights takes its numbers from other files, so it is refused.")


def _load(files: list[Path], folder: Path) -> Any:
    try:
        config, weights = _described(files, folder)
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ModelError("The file is damaged, or not a Keras model: it cannot be read.") from error
    model = rebuild(config)
    try:
        model.load_weights(weights)
    except Exception as error:  # Keras raises whatever it likes where file and network differ
        raise ModelError("The weights do not fit the network: the two are not of the same model.") from error
    if not all(np.isfinite(w).all() for w in model.get_weights()):
        raise ModelError("Some weights of this model are not numbers: its training went wrong.")
    return model


def _logits(model: Any) -> Any:
    """Return the network without its last softmax."""
    import keras

    last = model.layers[-1]
    while isinstance(last, keras.Model):
        raise ModelError("The answer of this model comes from a network within it, which is not read here.")
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    ):
        out = last.input
    else:
        activation = getattr(last, "activation", keras.activations.linear)
        if activation not in (keras.activations.softmax, keras.activations.linear):
            raise ModelError(
                f"The model ends in {activation.__name__}; one probability for each expression is needed (softmax)."
            )
        if hasattr(last, "activation"):
            last.activation = keras.activations.linear
        out = last.output
    if len(out.shape) != 2:
        raise ModelError("The model's answer is a picture; one number for each expression is needed.")
    return keras.Model(model.inputs, out, name=model.name)


def _answers(logits: Any, folder: Path, side: int, channels: int) -> dict[str, list[list[int]]]:
    """Return how often each output is the strongest for faces of each of FER7, at each scale of grey levels."""
    given = folder / "examples.npz"
    if given.exists():
        with np.load(given, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"].astype(str)
    else:
        drawn = synthetic_faces(TRIED if side <= SMALL else TRIED // 4)
        images, labels = drawn.images, np.asarray(FER7)[drawn.labels]
    found = {}
    for scale in SCALES:
        x = (prepare_color if channels == 3 else prepare)(images, side, scale)
        strongest = np.concatenate([np.argmax(np.asarray(logits(x[i : i + 32])), 1) for i in range(0, len(x), 32)])
        outputs = int(logits.output_shape[-1])
        found[scale] = [np.bincount(strongest[labels == name], minlength=outputs).tolist() for name in FER7]
    return found


def _facts(model: Any) -> dict[str, Any]:
    import keras

    def layers(network: Any) -> Any:
        for layer in network.layers:
            yield from layers(layer) if isinstance(layer, keras.Model) else [layer]

    kinds = [type(layer).__name__ for layer in layers(model)]
    return {
        "side": model.input_shape[1],
        "channels": model.input_shape[3],
        "outputs": model.output_shape[-1] if len(model.output_shape) == 2 else math.prod(model.output_shape[1:]),
        "parameters": int(model.count_params()),
        "rescales": "Rescaling" in kinds,
    }


def main(folder: Path) -> int:
    """Do what the request asks; returns the exit status."""
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        model = _load([Path(name) for name in request["files"]], folder)
        facts = _facts(model)
        logits = _logits(model)
        if request.get("tried"):
            facts["answers"] = _answers(logits, folder, facts["side"], facts["channels"])
        if card := request.get("card"):
            named = len(card["heads"][0]["labels"])
            if named != facts["outputs"]:
                raise ModelError(
                    f"The model gives {facts['outputs']} answers, but {named} expressions are named. Name one for "
                    "each, in its order."
                )
            card["preprocessing"]["side"] = facts["side"]
            if facts["channels"] == 3:
                card["preprocessing"]["channels"] = 3
            make_bundle(logits, Path(request["target"]), card, synthetic_faces(10).images)
    except ModelError as error:
        (folder / "error.txt").write_text(str(error), encoding="utf-8")
        return 3
    (folder / "response.json").write_text(json.dumps(facts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
