"""Face crops to probabilities, on LiteRT: no TensorFlow here."""

from __future__ import annotations

import threading

import numpy as np

from fer_core.errors import ModelError
from fer_core.models.bundle import Bundle
from fer_core.models.preprocessing import INPUT_SIDE, SCALES, prepare, prepare_color
from fer_core.models.registry import load_bundle

__all__ = ["Classifier", "preprocessing_of", "softmax"]

SIZES = (1, 2, 4, 8, 16, 32)
"""Batch sizes that networks are prepared for; other numbers of crops are padded to the next."""
SMALLEST, LARGEST = 16, 256
"""Sides in pixels of the inputs that are known."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities along the last axis."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


class Classifier:
    """A model bundle at work. May be shared between threads.

    Attributes:
        bundle: the model.
        labels: names of the columns of what a call returns.
        own_crop: side of the crops in colour that it should be given; None where grey ones of 48 pixels are enough.
    """

    def __init__(self, bundle: Bundle | None = None, *, flip: bool = False, threads: int = 1):
        """Load the weights.

        Args:
            bundle: the model; the default one if None.
            flip: also look at the mirrored crop and take the mean: twice the time for 1.0 point of accuracy on FER
                labels and 0.1 on what people see (PublicTest). A clip gains little, as its frames are averaged anyway.
            threads: processor threads of one call. With one, a clip is read faster: two frames are in work at a time.

        Raises:
            ModelError: the weights are missing, damaged, or not a network of this kind.
        """
        self.bundle = bundle or load_bundle()
        self.flip = flip
        self._threads = threads
        self._weights = self.bundle.weights()
        self.side, self._scale = preprocessing_of(self.bundle)
        self._channels = 3 if (self.bundle.card.get("preprocessing") or {}).get("channels") == 3 else 1
        self.own_crop = self.side if self._channels == 3 else None
        self._lock = threading.Lock()  # an interpreter holds its input and output: one call at a time
        self._interpreters: dict[int, tuple] = {}
        main = next(head for head in self.bundle.heads if head.name == self.bundle.main)
        shown = main.shown or {label: label for label in main.labels}
        self.labels: tuple[str, ...] = tuple(sorted(shown.values()))
        self._columns = [main.labels.index(next(k for k, v in shown.items() if v == name)) for name in self.labels]
        outputs = self._run(np.zeros((1, self.side, self.side, self._channels), np.float32)).shape[1]
        expected = sum(len(head.labels) for head in self.bundle.heads)
        if outputs != expected:
            raise ModelError(f"The model {self.bundle.name!r} has {outputs} outputs, its card names {expected}.")

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Probabilities of the expressions that pages show, calibrated.

        Args:
            crops: uint8 (n, 48, 48); or (n, own_crop, own_crop, 3) RGB.

        Returns:
            float32 (n, k), columns as `labels`, rows sum to 1.
        """
        shown = self.head(crops, self.bundle.main)[:, self._columns]
        return shown / shown.sum(1, keepdims=True)

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
            return (both[: len(x)] + both[len(x) :]) / 2
        return self._run(x)

    def _run(self, x: np.ndarray) -> np.ndarray:
        parts = []
        with self._lock:
            for i in range(0, len(x), SIZES[-1]):
                part = x[i : i + SIZES[-1]]
                size = next(s for s in SIZES if s >= len(part))
                interpreter, source, target = self._interpreter(size)
                batch = np.zeros((size, *x.shape[1:]), np.float32)
                batch[: len(part)] = part
                interpreter.set_tensor(source, batch)
                interpreter.invoke()
                parts.append(interpreter.get_tensor(target)[: len(part)])
        outputs = sum(len(head.labels) for head in self.bundle.heads)
        return np.concatenate(parts) if parts else np.empty((0, outputs), np.float32)

    def _interpreter(self, size: int) -> tuple:
        if size not in self._interpreters:
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
            self._interpreters[size] = interpreter, source, interpreter.get_output_details()[0]["index"]
        return self._interpreters[size]


def preprocessing_of(bundle: Bundle) -> tuple[int, str]:
    """Side and scale of the input that a bundle's card asks for, see `preprocessing.prepare`.

    Raises:
        ModelError: the card asks for another one than is known here.
    """
    asked = bundle.card.get("preprocessing") or {}
    known = isinstance(asked, dict)
    side, scale = (asked.get("side", INPUT_SIDE), asked.get("scale", SCALES[0])) if known else (None, None)
    if type(side) is not int or not SMALLEST <= side <= LARGEST or scale not in SCALES:
        raise ModelError(f"The model {bundle.name!r} asks for input that this program does not know. Install it again.")
    return side, scale
