"""Face crops to probabilities, on LiteRT: no TensorFlow here."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import Any

import numpy as np

from fer_core.errors import ModelError
from fer_core.models.bundle import Bundle, Head
from fer_core.models.decision_rule import HeadOutput
from fer_core.models.preprocessing import INPUT_SIDE, SCALES, prepare, prepare_color
from fer_core.models.registry import DEFAULT, load_model

__all__ = ["CONTEMPT", "Classifier", "preprocessing_of", "softmax", "split_heads"]

CONTEMPT = "contempt"
"""The eighth expression of FER+, named on request."""

SIZES = (1, 2, 4, 8, 16, 32)
"""Batch sizes that networks are prepared for; other numbers of crops are made up of these."""
CALLS = 2
"""Calls that run at the same time; a clip is analysed in two threads."""
SMALLEST, LARGEST = 16, 256
"""Sides in pixels of the inputs that are known."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the probabilities along the last axis."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


class Classifier:
    """A model bundle at work. May be shared between threads.

    Attributes:
        bundle: the model.
        labels: names of the columns of what a call returns.
        own_crop: side of the crops in color that it should be given; None where gray ones of 48 pixels are enough.

    Example:
        >>> classifier = Classifier()
        >>> crops = np.zeros((2, 48, 48), np.uint8)
        >>> classifier(crops).shape
        (2, 7)
    """

    def __init__(self, bundle: Bundle | None = None, *, flip: bool = False, threads: int = 1, contempt: bool = False):
        """Load the weights.

        Args:
            bundle: the model; the default one if None.
            flip: also look at the mirrored crop and take the mean: twice the time for 1.0 point of accuracy on FER
                labels and 0.1 on what people see (PublicTest). A clip gains little, as its frames are averaged anyway.
            threads: processor threads of one call. With one, a clip is read faster: two frames are in work at a time.
            contempt: also name contempt, as the last column; FER2013 has no such class, FER+ has.

        Raises:
            ModelError: the weights are missing, damaged, or not a network of this kind; or it does not know contempt.
        """
        self.bundle = bundle or load_model()
        self.flip = flip
        self._threads = threads
        self._weights = self.bundle.weights()
        self.side, self._scale = preprocessing_of(self.bundle)
        self._channels = 3 if (self.bundle.card.get("preprocessing") or {}).get("channels") == 3 else 1
        self.own_crop = self.side if self._channels == 3 else None
        # An interpreter holds its input and output, so two calls at a time need two; more would only take memory.
        self._free: queue.LifoQueue[dict[int, tuple[Any, ...]]] = queue.LifoQueue()
        for _ in range(CALLS):
            self._free.put({})
        self.rule = self.bundle.rule
        self.labels: tuple[str, ...] = _labels(self.bundle, contempt)
        outputs = self._run(np.zeros((1, self.side, self.side, self._channels), np.float32)).shape[1]
        expected = sum(len(head.labels) for head in self.bundle.heads)
        if outputs != expected:
            raise ModelError(f"The model {self.bundle.name!r} has {outputs} outputs, its card names {expected}.")

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities of the expressions that pages show, calibrated.

        Args:
            crops: uint8 (n, 48, 48); or (n, own_crop, own_crop, 3) RGB.

        Returns:
            float32 (n, k), columns as `labels`, rows sum to 1.
        """
        return self.probabilities(self.logits(crops))

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return what a call returns, from outputs that are at hand; `logits` as the method of that name gives them."""
        return self.rule.probabilities(split_heads(self.bundle.heads, logits), self.labels).astype(np.float32)

    def head(self, crops: np.ndarray, name: str) -> np.ndarray:
        """Calibrated probabilities of one head, with all its labels; float32 (n, labels of the head)."""
        start = 0
        for head in self.bundle.heads:
            if head.name == name:
                return softmax(self.logits(crops)[:, start : start + len(head.labels)], head.temperature)
            start += len(head.labels)
        raise ModelError(f"The model {self.bundle.name!r} has no output called {name!r}.")

    def logits(self, crops: np.ndarray) -> np.ndarray:
        """Raw outputs of all heads side by side, the mean of both views where `flip` is set; float32 (n, outputs)."""
        how = prepare_color if self._channels == 3 else prepare
        x = how(crops, self.side, self._scale)
        if self.flip:
            both = self._run(np.concatenate([x, x[:, :, ::-1]]))
            return np.asarray((both[: len(x)] + both[len(x) :]) / 2)
        return self._run(x)

    def _run(self, x: np.ndarray) -> np.ndarray:
        parts, start = [], 0
        interpreters = self._free.get()
        try:
            while start < len(x):
                # The largest size that fits: an empty place in a batch takes as long as a face.
                size = next(s for s in reversed(SIZES) if s <= len(x) - start)
                interpreter, source, target = self._interpreter(interpreters, size)
                interpreter.set_tensor(source, x[start : start + size])
                interpreter.invoke()
                parts.append(interpreter.get_tensor(target))
                start += size
        finally:
            self._free.put(interpreters)
        outputs = sum(len(head.labels) for head in self.bundle.heads)
        return np.concatenate(parts) if parts else np.empty((0, outputs), np.float32)

    def _interpreter(self, interpreters: dict[int, tuple[Any, ...]], size: int) -> tuple[Any, ...]:
        if size not in interpreters:
            from ai_edge_litert.interpreter import Interpreter  # a third of a second, only where a model is used

            try:
                interpreter = Interpreter(model_content=self._weights, num_threads=self._threads)
                source = interpreter.get_input_details()[0]["index"]
                interpreter.resize_tensor_input(source, (size, self.side, self.side, self._channels))
                interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise ModelError(
                    f"The weights of the model {self.bundle.name!r} are not a network that takes "
                    f"{self.side}x{self.side} {'grey' if self._channels == 1 else 'colour'} crops."
                ) from error
            interpreters[size] = interpreter, source, interpreter.get_output_details()[0]["index"]
        return interpreters[size]


def split_heads(heads: Sequence[Head], logits: np.ndarray) -> dict[str, HeadOutput]:
    """Return each head's part of a network's outputs, float (n, outputs), by its name."""
    parts, start = {}, 0
    for head in heads:
        parts[head.name] = HeadOutput(head.names, logits[:, start : start + len(head.labels)])
        start += len(head.labels)
    return parts


def _labels(bundle: Bundle, contempt: bool) -> tuple[str, ...]:
    main = next(head for head in bundle.heads if head.name == bundle.main)
    shown = tuple(sorted(main.shown.values() or main.labels))
    if not contempt or CONTEMPT in shown:
        return shown
    if CONTEMPT not in main.names:
        raise ModelError(
            f"The model {bundle.name!r} does not know contempt; it knows {', '.join(shown)}. "
            f"Choose one that was trained on FER+ votes, such as {DEFAULT}, or leave contempt out."
        )
    return (*shown, CONTEMPT)


def preprocessing_of(bundle: Bundle) -> tuple[int, str]:
    """Return the side and scale of the input that a bundle's card asks for, see `preprocessing.prepare`.

    Raises:
        ModelError: the card asks for another one than is known here.
    """
    asked = bundle.card.get("preprocessing") or {}
    known = isinstance(asked, dict)
    side, scale = (asked.get("side", INPUT_SIDE), asked.get("scale", SCALES[0])) if known else (None, None)
    if type(side) is not int or not SMALLEST <= side <= LARGEST or scale not in SCALES:
        raise ModelError(f"The model {bundle.name!r} asks for input that this program does not know. Install it again.")
    return side, scale
