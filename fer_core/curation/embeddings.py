"""Where each image lies among the others: what a network makes of it before it answers, and a map of that.

A network's last layer draws straight borders between the expressions, so images that are near each other before it look
alike to the network. Its LiteRT file is given a second output there; nothing is trained and nothing else changes.
"""

from __future__ import annotations

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.errors import DatasetError, ModelError
from fer_core.models.bundle import Bundle
from fer_core.models.predictor import BundlePredictor
from fer_core.models.preprocessing import prepare
from fer_core.utils.array_cache import FEW, cached_array, content_key
from fer_core.utils.progress import Progress, silent
from fer_core.utils.workspace import workspace

__all__ = ["DIMENSIONS", "embed_2d", "features"]

DIMENSIONS = 32
"""Principal components that are kept: of expression-s on FER2013 they hold nearly all of the variance."""

WIDEST = 1024
"""Numbers an image of the layer before the last; of a wider one the answers are taken instead, to save memory."""

CHUNK = 64
PIXELS_SIDE = 16

LANDMARKS = 4000
"""Images that are drawn by t-SNE itself; the others go among their neighbours of these. Of FER2013's 32,297 images this
makes a map in 13 s on two quiet cores (by 6,000 in 18, by 3,000 in 10), and as many of an image's neighbours there bear
its own label: 64.8 % (63.9, 63.7)."""

EARLY, LATE = 250, 300
NEIGHBORS = 15


def features(data: Dataset, bundle: Bundle | None, progress: Progress = silent) -> np.ndarray:
    """Return what a model sees in each image, shortened to its principal components.

    Args:
        data: the images.
        bundle: the model; without one the pixels themselves are taken.
        progress: told the share that is done; may raise Cancelled.

    Returns:
        float32 (n, d), d at most `DIMENSIONS`; for 32,297 images from the disk when it was asked for before.

    Raises:
        DatasetError: there are fewer than three images.
        ModelError: the weights are missing, damaged, or not a network of this kind.
    """
    if len(data) < 3:
        raise DatasetError(f"There are {len(data)} images; a map needs at least 3.")

    def make() -> np.ndarray:
        raw = _pixels(data.images) if bundle is None else _before_the_last_layer(data.images, bundle, progress)
        return _principal(raw)

    key = f"features-{data.fingerprint}-{'pixels' if bundle is None else BundlePredictor(bundle).fingerprint}"
    found = cached_array(workspace() / "cache" if len(data) >= FEW else None, key, make)
    progress(1.0)
    return found


def embed_2d(features: np.ndarray, progress: Progress = silent) -> np.ndarray:
    """Return a map in two dimensions in which images that are alike lie together.

    Drawn by t-SNE (van der Maaten and Hinton, 2008) as openTSNE does it (Policar et al., 2024). Distances between far
    groups mean nothing.

    Args:
        features: float32 (n, d) of `features`.
        progress: told the share that is done; may raise Cancelled.

    Returns:
        float32 (n, 2), mean 0, the farthest at 1.
    """
    folder = workspace() / "cache" if len(features) >= FEW else None
    found = cached_array(folder, f"map-{content_key(features)}", lambda: _map(features, progress))
    progress(1.0)
    return found


def _before_the_last_layer(images: np.ndarray, bundle: Bundle, progress: Progress) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    model = BundlePredictor(bundle)
    try:
        interpreter = Interpreter(model_content=_with_features(bundle.weights()), num_threads=2)
        source = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(source, (CHUNK, model.side, model.side, 1))
        interpreter.allocate_tensors()
        target = interpreter.get_output_details()[-1]["index"]
        parts = []
        for start in range(0, len(images), CHUNK):
            progress(start / len(images))
            own = images[start : start + CHUNK]
            batch = np.zeros((CHUNK, model.side, model.side, 1), np.float32)
            batch[: len(own)] = prepare(own, model.side, model.scale)
            interpreter.set_tensor(source, batch)
            interpreter.invoke()
            parts.append(interpreter.get_tensor(target)[: len(own)].copy())
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"The weights of the model {bundle.name!r} are not a network of this kind.") from error
    return np.concatenate(parts)


def _with_features(weights: bytes) -> bytes:
    """Return the network with what goes into its last fully connected layer as another output, where it ends in one."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromPackedBuf(weights)
        graph = model.subgraphs[0]
        last = graph.operators[-1]
        code = model.operatorCodes[last.opcodeIndex]
        dense = max(code.builtinCode, code.deprecatedBuiltinCode) == schema.BuiltinOperator.FULLY_CONNECTED
        if not dense or list(last.outputs) != list(graph.outputs) or graph.tensors[last.inputs[0]].shape[-1] > WIDEST:
            return weights
        graph.outputs = [*graph.outputs, last.inputs[0]]
        model.signatureDefs = []  # they name the outputs there were
        builder = flatbuffers.Builder(len(weights))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
    except Exception as error:  # a damaged file fails anywhere in generated code
        raise ModelError("The weights of the model are damaged. Install it again.") from error


def _pixels(images: np.ndarray) -> np.ndarray:
    side = images.shape[1]
    small = images.reshape(-1, PIXELS_SIDE, side // PIXELS_SIDE, PIXELS_SIDE, side // PIXELS_SIDE)
    flat = small.mean((2, 4), dtype=np.float32).reshape(len(images), -1)
    flat -= flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(flat.std(1, keepdims=True), 4.0))


def _principal(raw: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    if not np.ptp(raw, 0).any():
        return np.zeros((len(raw), 1), np.float32)
    count = min(DIMENSIONS, *raw.shape)
    with threadpool_limits(1, "blas"):  # see doubt.py: 0.03 s in place of 0.55 on busy cores
        return np.asarray(PCA(count, random_state=0).fit_transform(raw).astype(np.float32))


def _map(features: np.ndarray, progress: Progress) -> np.ndarray:
    from openTSNE import TSNE

    n = len(features)
    if not np.ptp(features, 0).any():
        return np.zeros((n, 2), np.float32)
    order = np.random.default_rng(0).permutation(n)
    drawn, rest = order[:LANDMARKS], order[LANDMARKS:]
    steps = iter(range(EARLY + LATE))

    def told(iteration: int, error: float, embedding: np.ndarray) -> None:
        progress(0.1 + 0.85 * next(steps, EARLY + LATE) / (EARLY + LATE))

    progress(0.0)
    placed = TSNE(
        perplexity=min(30.0, (len(drawn) - 1) / 3),
        initialization="pca",
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        n_jobs=2 if n >= FEW else 1,
        random_state=0,
        callbacks=told,
        callbacks_every_iters=1,
    ).fit(features[drawn])
    found = np.zeros((n, 2), np.float32)
    found[drawn] = placed
    if len(rest):
        found[rest] = placed.prepare_partial(features[rest], initialization="weighted", k=NEIGHBORS)
    found -= found.mean(0)
    return found / max(float(np.abs(found).max()), 1e-9)
