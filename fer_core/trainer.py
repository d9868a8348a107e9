"""The training loop, in a process of its own: `python -m fer_core.trainer RUN_FOLDER LOCK`. See `runs` for the folder.

Randomness comes from the seed and the number of the epoch and step, so that going on after a kill gives what an
uninterrupted run would have given.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .architectures import ARCHITECTURES
from .datasets import open_dataset
from .errors import DatasetError, FerError, OptionError
from .feeding import batches
from .files import write_whole
from .imageset import Dataset
from .preprocessing import prepare
from .runs import Run
from .training import TrainingConfig
from .waiting import turn

__all__ = ["main"]

FULL = "The disk is full, so the training had to end. What it had reached is kept: free some space and resume it."


class _Status:
    """status.json; keeps a little space on the disk so that the last word can be said when it is full."""

    def __init__(self, folder: Path):
        self.folder, self.known = folder, Run(folder).status
        with contextlib.suppress(OSError):
            (folder / "reserve").write_bytes(bytes(65536))

    def say(self, **values: Any) -> None:
        self.known = {**self.known, **values, "updated": time.time()}
        for attempt in (1, 2):
            try:
                write_whole(self.folder / "status.json", json.dumps(self.known).encode())
                return
            except OSError:
                if attempt == 2:
                    raise
                (self.folder / "reserve").unlink(missing_ok=True)


def _save(path: Path, arrays: list[np.ndarray], state: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            named = {f"a{i:04d}": array for i, array in enumerate(arrays)}
            np.savez(file, state=np.array(json.dumps(state)), **named)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        if path.name == "checkpoint.npz" and path.exists():
            os.replace(path, path.with_name("checkpoint-before.npz"))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _load(path: Path) -> tuple[list[np.ndarray], dict[str, Any]] | None:
    """Arrays and state of a checkpoint; None where it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            state = json.loads(str(arrays["state"]))
            return [arrays[name] for name in sorted(arrays.files) if name != "state"], state
    except FileNotFoundError:
        return None
    except Exception:  # zip, zlib, JSON and NumPy each have their own words for damage
        logging.getLogger(__name__).warning("%s is damaged", path)
        return None


def _precision(asked: str) -> str:
    if asked != "auto":
        return asked
    with contextlib.suppress(OSError):
        if re.search(r"\b(avx512_bf16|amx_bf16)\b", Path("/proc/cpuinfo").read_text()):
            return "mixed_bfloat16"
    return "float32"


def _splits(config: TrainingConfig) -> tuple[Dataset, Dataset, str]:
    data = open_dataset(config.data)
    training, validation = data.split(config.training_split), data.split(config.validation_split)
    if config.batch > len(training):
        raise OptionError(
            f"A batch of {config.batch} is larger than the {len(training)} training images. Choose a smaller batch."
        )
    if len(np.unique(training.labels)) < 2:
        raise DatasetError("All training images have the same label, so there is nothing to learn. Add other classes.")
    return training, validation, data.fingerprint


class _Training:
    """A network in training, with what its figures and checkpoints need."""

    def __init__(self, run: Run, status: _Status):
        import keras
        import tensorflow as tf

        from .fast_layers import fast_layers

        self.run, self.config, self.status = run, run.config, status
        config = self.config
        threads = config.threads or len(os.sched_getaffinity(0))
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(config.seed)
        self.precision = _precision(config.precision)
        keras.mixed_precision.set_dtype_policy(self.precision)
        self.training, self.validation, self.fingerprint = _splits(config)
        self.names = self.training.names
        self.architecture = ARCHITECTURES[config.architecture]
        self.steps = math.ceil(len(self.training) / config.batch)
        self.seed = tf.Variable([config.seed, 0], dtype=tf.int32, trainable=False)
        self.model = self.architecture.build(len(self.names), fast_layers(self.seed))
        kind = {
            "adam": lambda: keras.optimizers.Adam(config.learning_rate, weight_decay=config.weight_decay or None),
            "sgd": lambda: keras.optimizers.SGD(
                config.learning_rate, momentum=0.9, nesterov=True, weight_decay=config.weight_decay or None
            ),
        }
        self.optimizer = kind[config.optimizer]()
        self.optimizer.build(self.model.trainable_variables)
        self.average = [tf.Variable(w.value) for w in self.model.weights] if config.ema else []
        self.state: dict[str, Any] = {
            "epoch": 0,
            "rate": config.learning_rate,
            "best_loss": math.inf,
            "wait": 0,
            "best_accuracy": -1.0,
            "best_epoch": 0,
            "rows": [],
            "fingerprint": self.fingerprint,
        }
        self._compile(tf)
        x = prepare(self.validation.images, self.architecture.side, self.architecture.scale)
        self.check = x, self.validation.labels

    def _compile(self, tf: Any) -> None:
        side, k = self.architecture.side, len(self.names)
        image, target = tf.TensorSpec([None, side, side, 1]), tf.TensorSpec([None, k])

        @tf.function(input_signature=[image, target, tf.TensorSpec([None])])
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

        self.step, self.forward = step, forward

    def arrays(self) -> list[np.ndarray]:
        variables = [*self.model.weights, *self.optimizer.variables, *self.average]
        return [np.asarray(v) for v in variables]

    def restore(self) -> None:
        """Take over the last good checkpoint; raises FerError where there are only damaged or foreign ones."""
        found = _load(self.run.folder / "checkpoint.npz") or _load(self.run.folder / "checkpoint-before.npz")
        if found is None:
            if (self.run.folder / "checkpoint.npz").exists():
                raise FerError("The checkpoints of this training are damaged. Start a new training with its settings.")
            for name in ("epochs.jsonl", "batches.jsonl"):
                (self.run.folder / name).unlink(missing_ok=True)
            return
        arrays, state = found
        if state.get("fingerprint") not in {None, self.fingerprint}:
            raise DatasetError(
                "The dataset has changed since this training began, so going on would mix two datasets. "
                "Bring the old one back, or start a new training."
            )
        variables = [*self.model.weights, *self.optimizer.variables, *self.average]
        if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
            raise FerError("The checkpoint of this training is of another network. Start a new training.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        self.state = state
        lines = "".join(json.dumps(row) + "\n" for row in state["rows"])
        write_whole(self.run.folder / "epochs.jsonl", lines.encode())
        kept = [row for row in self.run._lines("batches.jsonl") if row.get("epoch", 0) <= state["epoch"]]
        write_whole(self.run.folder / "batches.jsonl", "".join(json.dumps(row) + "\n" for row in kept).encode())

    def rate(self, step: int) -> float:
        config = self.config
        if config.schedule != "cosine":
            return self.state["rate"]
        total = self.steps * config.epochs
        rising = config.warm_up * total
        if step < rising:
            return config.learning_rate * (step + 1) / rising
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))

    def epoch(self, number: int) -> bool:
        """One round; False where it was stopped within."""
        config, began, told = self.config, time.time(), time.time()
        total = hits = seen = 0.0
        part = [0.0, 0.0, 0.0]
        feed = batches(
            self.training.images,
            self.training.labels,
            len(self.names),
            config,
            number,
            self.architecture.side,
            self.architecture.scale,
        )
        with contextlib.closing(feed), open(self.run.folder / "batches.jsonl", "a") as file:  # type: ignore[type-var]
            for b, (x, y, w, own) in enumerate(feed):
                if (self.run.folder / "stop").exists():
                    return False
                step = (number - 1) * self.steps + b
                self.seed.assign([config.seed, step])
                self.optimizer.learning_rate.assign(self.rate(step))
                value, guess = self.step(x, y, w)
                loss, n = float(value), len(own)
                if not math.isfinite(loss):
                    raise FloatingPointError
                right = float((guess.numpy() == own).sum())
                total, hits, seen = total + loss * n, hits + right, seen + n
                part = [part[0] + loss * n, part[1] + right, part[2] + n]
                if time.time() - told > 0.5 or b + 1 == self.steps:
                    told = time.time()
                    row = {"batch": b + 1, "epoch": number, "loss": part[0] / part[2], "accuracy": part[1] / part[2]}
                    file.write(json.dumps({**row, "t": told}) + "\n")
                    file.flush()
                    self.status.say(state="running", epoch=number, batch=b + 1, batches=self.steps)
                    part = [0.0, 0.0, 0.0]
        self._measure(number, began, total / seen, hits / seen, seen / (time.time() - began))
        return True

    def validate(self) -> tuple[float, float, dict[str, float | None]]:
        """Loss, accuracy, and recall of each class on the validation images, with the averaged weights if any."""
        own = [np.asarray(w) for w in self.model.weights] if self.average else []
        for weight, mean in zip(self.model.weights, self.average, strict=False):
            weight.assign(mean)
        x, labels = self.check
        logits = np.concatenate([self.forward(x[i : i + 256]).numpy() for i in range(0, len(x), 256)])
        for weight, array in zip(self.model.weights, own, strict=False):
            weight.assign(array)
        top = logits.max(1, keepdims=True)
        log_sum = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
        loss = float((log_sum - logits[np.arange(len(labels)), labels]).mean())
        right = logits.argmax(1) == labels
        recall = {
            name: float(right[labels == i].mean()) if (labels == i).any() else None for i, name in enumerate(self.names)
        }
        return loss, float(right.mean()), recall

    def _measure(self, number: int, began: float, loss: float, accuracy: float, speed: float) -> None:
        val_loss, val_accuracy, recall = self.validate()
        if not math.isfinite(val_loss):
            raise FloatingPointError
        state, config = self.state, self.config
        row = {
            "epoch": number,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "recall": recall,
            "learning_rate": float(np.asarray(self.optimizer.learning_rate)),
            "images_per_second": round(speed, 1),
            "seconds": round(time.time() - began, 2),
            "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        if val_accuracy > state["best_accuracy"]:
            state |= {"best_accuracy": val_accuracy, "best_epoch": number}
            self.keep(number)
        if val_loss < state["best_loss"] - 1e-4:
            state |= {"best_loss": val_loss, "wait": 0}
        else:
            state["wait"] += 1
            if config.schedule == "plateau" and state["wait"] >= config.plateau_patience:
                state |= {"rate": max(state["rate"] * config.plateau_factor, 1e-5), "wait": 0}
        state["epoch"] = number
        state["rows"].append(row)
        _save(self.run.folder / "checkpoint.npz", self.arrays(), state)
        with open(self.run.folder / "epochs.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")
        self.status.say(best_epoch=state["best_epoch"], best_accuracy=state["best_accuracy"])

    def keep(self, number: int) -> None:
        """Keep the weights as the best so far."""
        weights = self.average or self.model.weights
        _save(self.run.folder / "best.npz", [np.asarray(w) for w in weights], {"epoch": number})

    def bundle(self) -> None:
        """Make the model of the best weights; of the present ones where no epoch is complete."""
        from .making import make_bundle

        if not self.state["best_epoch"]:
            if not int(np.asarray(self.optimizer.iterations)):
                return
            self.keep(0)
        found = _load(self.run.folder / "best.npz")
        if found is None:
            raise FerError("The best weights of this training cannot be read. Resume it to make them anew.")
        import keras

        keras.mixed_precision.set_dtype_policy("float32")
        model = self.architecture.build(len(self.names))
        model.set_weights(found[0])
        config, best = self.config, self.state["best_epoch"]
        row: dict[str, Any] = next((row for row in self.state["rows"] if row["epoch"] == best), {})
        card = {
            "name": self.run.id,
            "title": config.name or f"{self.architecture.title}, trained here",
            "summary": f"{self.architecture.title}, trained on {config.data}.",
            "architecture": config.architecture,
            "main": "expressions",
            "heads": [{"name": "expressions", "labels": list(self.names)}],
            "unsure_below": 0.4,
            "preprocessing": {"side": self.architecture.side, "scale": self.architecture.scale},
            "data": {
                "trained_on": f"{config.data}, {config.training_split}, {len(self.training)} images",
                "selected_on": f"{config.data}, {config.validation_split}, {len(self.validation)} images",
            },
            "recipe": json.loads(config.to_json()) | {"precision": self.precision},
            "epoch": best,
            "epochs_done": self.state["epoch"],
            "metrics": {config.validation_split: {"accuracy": row.get("val_accuracy"), "recall": row.get("recall")}},
            "limits": ["An expression is not a feeling: the network names what a face shows."],
        }
        make_bundle(model, self.run.folder / "bundle", card, self.validation.images)


def _train(run: Run, status: _Status) -> str:
    """Train until the end or a stop; returns the state in which it ended."""
    job = _Training(run, status)
    guess = float(np.bincount(job.validation.labels).max() / len(job.validation))
    status.say(classes=list(job.names), guess=guess, precision=job.precision, epochs=job.config.epochs)
    job.restore()
    config, ended = job.config, "done"
    try:
        for number in range(job.state["epoch"] + 1, config.epochs + 1):
            if not job.epoch(number):
                ended = "stopped"
                break
            if config.early_stop and number - job.state["best_epoch"] >= config.early_stop:
                break
    except FloatingPointError:
        if job.state["best_epoch"]:
            job.bundle()
        raise FerError(
            "The loss became infinite, so the training had to end; the weights of the best epoch are kept. "
            "Try a smaller learning rate."
        ) from None
    job.bundle()
    return ended


def main(folder: Path) -> int:
    """Do the training of a run's folder, in its turn; whatever happens is said in status.json."""
    run, status = Run(folder), _Status(folder)
    status.say(state="queued", started=time.time(), ended=None, error=None, pid=os.getpid())
    try:
        with turn(lambda place: status.say(place=place), (folder / "stop").exists) as mine:
            if mine:
                status.say(state="running", place=0)
                ended = _train(run, status)
            else:
                ended = "stopped"
        status.say(state=ended, ended=time.time())
        return 0
    except BaseException as error:
        if isinstance(error, FerError):
            words = str(error)
        elif isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            words = FULL
        elif isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            words = "There is not enough memory for this network. Choose a smaller batch or network."
        else:
            logging.getLogger(__name__).exception("training failed")
            words = (
                "Something went wrong inside the program; log.txt of this training has the details. Try to resume it."
            )
        status.say(state="failed", error=words, ended=time.time())
        return 1
    finally:
        (folder / "stop").unlink(missing_ok=True)
        (folder / "reserve").unlink(missing_ok=True)


if __name__ == "__main__":
    logging.basicConfig()
    sys.exit(main(Path(sys.argv[1])))
