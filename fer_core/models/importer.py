"""Bring in models that others trained: Keras's `.keras` and `.h5`, and the older pair of model.json and weights.

They are read in a process of its own (`import_worker`), which builds the network anew from a list of known layers:
opening a file never runs code from it. What comes out is a bundle like any other, under `workspace()/models`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import ModelError
from fer_core.labels import FER7, SAME
from fer_core.models.bundle import Bundle
from fer_core.models.foreign_model import ForeignModel
from fer_core.models.keras_subprocess import has_keras, wait_for
from fer_core.models.preprocessing import SCALES
from fer_core.models.registry import list_models, load_model
from fer_core.utils.platform import portable_name, temporary_folder
from fer_core.utils.workspace import workspace

__all__ = ["SUFFIXES", "import_model", "inspect_model", "known_labels"]

HDF5 = b"\x89HDF\r\n\x1a\n"
LARGEST = 300_000_000
"""Bytes of a file."""
SUFFIXES = (".keras", ".h5", ".hdf5", ".json", ".zip")


def inspect_model(
    files: Sequence[Path],
    *,
    examples: tuple[np.ndarray, np.ndarray] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> ForeignModel:
    """Read a foreign model without keeping it, and try which scale and order of labels fit its answers.

    Args:
        files: one whole model, or its description (.json) and its weights (.h5) in any order; or a ZIP of them.
        examples: uint8 (n, 48, 48) faces and (n,) names of FER7; drawn faces where None.
        progress: called now and then; where it raises, reading ends.

    Raises:
        ModelError: it cannot be read, or is refused.
    """
    facts = _work(files, progress, examples, tried=True)
    known = {name: facts[name] for name in ("side", "channels", "outputs", "parameters", "rescales", "answers")}
    return ForeignModel(**known, tried_on="drawn faces" if examples is None else "the dataset's faces")


def import_model(
    files: Sequence[Path],
    *,
    labels: Sequence[str],
    scale: str,
    name: str,
    progress: Callable[[float], None] = lambda share: None,
) -> Bundle:
    """Make a bundle of a foreign model, which then reads clips like any other.

    Args:
        files: as in `inspect_model`.
        labels: the expression that each output stands for, in their order, as somebody confirmed it.
        scale: how grey levels become its input, see `preprocessing.prepare`.
        name: what to call it; a number is added where the name is taken.
        progress: as in `inspect_model`.

    Returns:
        The bundle; Keras and the inference weights agree within 1e-3 of a probability (`making.PARITY`).

    Raises:
        ModelError: it cannot be read, is refused, or the labels do not fit it.

    Example:
        >>> order = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
        >>> import_model([Path("nowhere.keras")], labels=order, scale="unit", name="mine")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        fer_core.errors.ModelError: nowhere.keras cannot be opened: ...
    """
    names = known_labels(labels)
    if scale not in SCALES:
        raise ModelError(f"The scale of grey levels must be one of {', '.join(SCALES)}; received {scale!r}.")
    title = " ".join(name.split())[:80] or "Imported model"
    stem = portable_name(re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model")
    taken, number, free = {bundle.name for bundle in list_models()}, 1, stem
    while free in taken or (workspace() / "models" / free).exists():
        number += 1
        free = f"{stem}-{number}"
    shown = {label: label for label in names if label in FER7}
    card = {
        "name": free,
        "title": title if number == 1 else f"{title} ({number})",
        "summary": "Trained elsewhere and imported; how good it is has not been measured here yet.",
        "main": "expressions",
        "heads": [{"name": "expressions", "labels": list(names), "shown": shown}],
        "unsure_below": 0.4,
        "preprocessing": {"scale": scale},
        "data": {"trained_on": "not known: the model was imported"},
        "imported_from": [_shown(Path(file)) for file in files],
        "limits": ["An expression is not a feeling: the network names what a face shows."],
    }
    _work(files, progress, None, card=card, target=str((workspace() / "models" / free).resolve()))
    return load_model(free)


def known_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels as this program writes them; ModelError where one is not known or named twice."""
    known = {**SAME, **{name: name for name in FER7}, "contempt": "contempt"}
    names = tuple(known.get(label.strip().lower(), "") for label in labels)
    for label, name in zip(labels, names, strict=True):
        if not name:
            raise ModelError(f"The label {label!r} is not known. Known are: {', '.join((*FER7, 'contempt'))}.")
        if names.count(name) > 1:
            raise ModelError(f"The label {name!r} is named twice. Each output of the model stands for another one.")
    if len(names) < 2:
        raise ModelError("Name the expression that each output stands for, in their order.")
    return names


def _work(
    files: Sequence[Path],
    progress: Callable[[float], None],
    examples: tuple[np.ndarray, np.ndarray] | None,
    **more: Any,
) -> dict[str, Any]:
    if not has_keras():
        raise ModelError("TensorFlow is not installed here, and importing needs it: pip install tensorflow.")
    sorted_files = _check(files)
    with temporary_folder("import-") as folder:
        request = {"files": [str(file.resolve()) for file in sorted_files], **more}
        if examples is not None:
            np.savez(folder / "examples.npz", images=examples[0], labels=np.asarray(examples[1], str))
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        wait_for("fer_core.models.import_worker", folder, progress)
        found: dict[str, Any] = json.loads((folder / "response.json").read_text(encoding="utf-8"))
        return found


def _check(files: Sequence[Path]) -> list[Path]:
    """Return the files with a description first; ModelError where it can be told already that they are of no use."""
    texts: list[Path] = []
    binaries: list[Path] = []
    for path in map(Path, files):
        shown = _shown(path)
        if path.is_dir():
            kind = "is a SavedModel" if (path / "saved_model.pb").exists() else "is a folder, not a model"
            raise ModelError(f"{shown} {kind}. Bring one file: save it with model.save('model.keras').")
        try:
            size = path.stat().st_size
            with open(path, "rb") as file:
                head = file.read(512)
        except OSError as error:
            raise ModelError(f"{shown} cannot be opened: {error.strerror}.") from error
        if size > LARGEST:
            raise ModelError(f"{shown} is larger than {LARGEST // 10**6} MB, which is the most that is read here.")
        if words := _foreign(path, head):
            raise ModelError(f"{shown} {words}")
        (texts if head.lstrip()[:1] == b"{" else binaries).append(path)
    if (len(texts), len(binaries)) not in {(0, 1), (1, 1)}:
        raise ModelError(
            "Bring one file that holds the whole model (.keras or .h5), or two: the description (.json) and the "
            "weights (.h5)."
        )
    return [*texts, *binaries]


def _shown(path: Path) -> str:
    """Return a file's name without what would change the text around it."""
    return "".join(c if c.isprintable() else "?" for c in path.name)[:80]


def _foreign(path: Path, head: bytes) -> str:
    """Return what is wrong with a file that begins like this; empty where nothing is."""
    suffix, text = path.suffix.lower(), head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        return "is empty."
    if text.startswith(b"version https://git-lfs.github.com/"):
        return (
            "is only a pointer of Git LFS to the model, not the model. Fetch it with `git lfs pull`, or press Download "
            "on the page of the file."
        )
    if text[:1] == b"<":
        return "is a web page, not a model. Open the address in a browser and press Download, then bring that file."
    if head[:1] == b"\x80" or suffix in {".pkl", ".pickle", ".joblib"}:
        return "is pickled, and opening such a file can run code that somebody put into it, so it is refused."
    if suffix in {".pt", ".pth"} or b"data.pkl" in head:
        return "is a model of PyTorch. Only models of Keras are read: .keras, .h5, or model.json and weights."
    if head[4:8] == b"TFL3" or suffix in {".onnx", ".tflite"}:
        return "is a model for use alone, without its layers. Bring the Keras model: .keras, .h5, or .json and weights."
    if suffix == ".pb" or b"saved_model.pb" in head:
        return (
            "is a SavedModel, which is a program rather than a network of known layers, so it is refused. Load it in "
            'Keras 2 and save it with model.save("model.h5").'
        )
    if head[:8] != HDF5 and head[1:4] == b"HDF":
        return (
            "was damaged when it was copied: something took it for text and changed its line ends. Download it again, "
            "in binary mode."
        )
    if head[:4] not in {b"PK\x03\x04", HDF5[:4]} and text[:1] != b"{":
        return f"is no Keras model. Those end in {', '.join(SUFFIXES)}."
    return ""
