"""A network with its optimiser, one step of its training, and what it answers. TensorFlow is imported when it is made.

Randomness comes from the seed and the number of the step, so that going on after a kill gives what an uninterrupted
training would have given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.config import TrainingConfig
from fer_core.training.layers import fast_layers
from fer_core.utils.platform import computes_bfloat16, usable_cores

__all__ = ["Learner", "precision_for"]

CHUNK = 128
"""Images that are asked at a time: between two chunks a stop is heard."""


def precision_for(asked: str, architecture: str) -> str:
    """Return the precision to compute a network in: what was asked for, or where that is "auto" the fastest here.

    Both train as well (benchmarks/README.md). bfloat16 is up to 1.7 times as fast where the processor computes with it,
    but networks of depthwise convolutions are up to 1.8 times as fast in float32.
    """
    if asked != "auto":
        return asked
    if ARCHITECTURES[architecture].separable:
        return "float32"
    return "mixed_bfloat16" if computes_bfloat16() else "float32"


class Learner:
    """A network in training. One a process: it sets TensorFlow's threads and Keras's precision for all of it.

    Attributes:
        architecture: of the network.
        precision: in which it computes.
        model: gives logits.
        optimizer: of its weights.
        average: the moving average of the weights; empty where there is none.
    """

    def __init__(self, config: TrainingConfig, classes: int, *, jit: bool = False):
        """Build network and optimiser as the settings say.

        Args:
            config: the settings.
            classes: outputs of the network.
            jit: let XLA compile the step; slower here, kept to be measured (benchmarks/training.py).
        """
        import keras
        import tensorflow as tf

        threads = config.threads or usable_cores()
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(config.seed)
        self.config = config
        self.precision = precision_for(config.precision, config.architecture)
        keras.mixed_precision.set_dtype_policy(self.precision)
        self.architecture = ARCHITECTURES[config.architecture]
        self._seed = tf.Variable([config.seed, 0], dtype=tf.int32, trainable=False)
        self.model = self.architecture.build(classes, fast_layers(self._seed))
        decay = config.weight_decay or None
        if config.optimizer == "adam":
            self.optimizer: Any = keras.optimizers.Adam(config.learning_rate, weight_decay=decay)
        else:
            self.optimizer = keras.optimizers.SGD(config.learning_rate, momentum=0.9, nesterov=True, weight_decay=decay)
        self.optimizer.build(self.model.trainable_variables)
        self.average = [tf.Variable(w.value) for w in self.model.weights] if config.ema else []
        self._compile(tf, classes, jit)

    def _compile(self, tf: Any, classes: int, jit: bool) -> None:
        side = self.architecture.side
        image, target = tf.TensorSpec([None, side, side, 1]), tf.TensorSpec([None, classes])

        @tf.function(input_signature=[image, target, tf.TensorSpec([None])], jit_compile=jit)
        def step(x: Any, y: Any, w: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = self.model(x, training=True)
                each = tf.nn.softmax_cross_entropy_with_logits(y, logits)
                loss = tf.reduce_mean(each * w)
            variables = self.model.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            if self.average:
                done = tf.cast(tf.convert_to_tensor(self.optimizer.iterations.value), tf.float32)
                keep = tf.minimum(self.config.ema, (1 + done) / (10 + done))
                for mean, weight in zip(self.average, self.model.weights, strict=True):
                    mean.assign(keep * mean + (1 - keep) * weight)
            return loss, tf.argmax(logits, 1)

        @tf.function(input_signature=[image])
        def forward(x: Any) -> Any:
            return self.model(x, training=False)

        self._step, self._forward = step, forward

    def step(self, number: int, rate: float, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Learn from a batch.

        Args:
            number: of the step, from 0; decides what dropout drops.
            rate: size of the step.
            x: input, float32 (n, side, side, 1).
            y: targets, float32 (n, classes).
            w: weights of the images, float32 (n,).

        Returns:
            The loss, and the classes that it said before it learned, int (n,).
        """
        self._seed.assign([self.config.seed, number])
        self.optimizer.learning_rate.assign(rate)
        loss, guess = self._step(x, y, w)
        return float(loss), guess.numpy()

    def answers(self, x: np.ndarray) -> Generator[np.ndarray]:
        """Logits for input, chunk by chunk; of the averaged weights where there are any."""
        with self._averaged():
            for i in range(0, len(x), CHUNK):
                yield self._forward(x[i : i + CHUNK]).numpy()

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        own = [np.asarray(w) for w in self.model.weights] if self.average else []
        for weight, mean in zip(self.model.weights, self.average, strict=False):
            weight.assign(mean)
        try:
            yield
        finally:
            for weight, array in zip(self.model.weights, own, strict=False):
                weight.assign(array)

    @property
    def steps_done(self) -> int:
        """Steps that it has learned from."""
        return int(np.asarray(self.optimizer.iterations))

    @property
    def _variables(self) -> list[Any]:
        return [*self.model.weights, *self.optimizer.variables, *self.average]

    def arrays(self) -> list[np.ndarray]:
        """Return all that going on needs."""
        return [np.asarray(v) for v in self._variables]

    def assign(self, arrays: Sequence[np.ndarray]) -> None:
        """Take over what `arrays` gave; raises FerError where that was another network."""
        variables = self._variables
        if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
            raise FerError("The checkpoint of this training is of another network. Start a new training.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def weights(self) -> list[np.ndarray]:
        """Return the weights to keep: the averaged ones where there are any."""
        return [np.asarray(w) for w in self.average or self.model.weights]
