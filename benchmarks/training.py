"""Images a second in training: each network, each option, plain Keras `fit`, the feeding, the quick look, the stop.

    python -m benchmarks.training [--only options feeding quick stop] [--networks NAME...] [--seconds S] [--threads N]

Options: images a second of this program's step in float32 and mixed_bfloat16, both with XLA, and of `fit` on arrays
with Keras's own layers. Feeding: the step on batches as the three presets make them, against the same step on one
fixed random batch, in turn within one process (goal: 90 %). Quick look: from the start of the run to 90 % validation
accuracy on drawn faces (goal: 60 s). Stop: from the wish to the last step, and to the model. Each option has a process
of its own. On a busy machine figures by the clock say little, those by processor time more; the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.config import PRESETS, TrainingConfig, preset

ROOT = Path(__file__).resolve().parent.parent
CLASSES = 7
FEEDING_GOAL, QUICK_GOAL, ACCURATE = 0.9, 60.0, 0.9
OPTIONS = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "mixed_bfloat16"},
    "float32 XLA": {"precision": "float32", "jit": True},
    "bfloat16 XLA": {"precision": "mixed_bfloat16", "jit": True},
    "Keras fit": {"precision": "float32", "fit": True},
    "Keras fit bf16": {"precision": "mixed_bfloat16", "fit": True},
}


def random_batch(config: TrainingConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input, targets and weights of one step."""
    rng, side = np.random.default_rng(0), ARCHITECTURES[config.architecture].side
    x = rng.standard_normal((config.batch, side, side, 1), np.float32)
    return (
        x,
        np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, config.batch)],
        np.ones(config.batch, np.float32),
    )


def speed(images: Callable[[], int], seconds: float) -> list[float]:
    """Images a second, and images a second of processor time, of work that tells how many it did."""
    done, began, worked = 0, time.perf_counter(), time.process_time()
    while not done or time.perf_counter() - began < seconds:
        done += images()
    return [done / (time.perf_counter() - began), done / (time.process_time() - worked)]


def steps(config: TrainingConfig, seconds: float, jit: bool) -> list[float]:
    """Speed of this program's step on one batch."""
    from fer_core.training.learner import Learner

    learner, batch = Learner(config, CLASSES, jit=jit), random_batch(config)

    def step() -> int:
        learner.step(0, 1e-4, *batch)
        return config.batch

    speed(step, 0)
    speed(step, 0)
    return speed(step, seconds)


def fit(config: TrainingConfig, seconds: float) -> list[float]:
    """Speed of Keras's `fit` on arrays, with Keras's own layers, in its second and later epochs."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(config.threads)
    keras.mixed_precision.set_dtype_policy(config.precision)
    model = ARCHITECTURES[config.architecture].build(CLASSES)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss, metrics=["accuracy"])
    x, y, _ = random_batch(config)
    x, y = np.concatenate([x] * 4), np.concatenate([y] * 4)

    def epoch() -> int:
        model.fit(x, y, batch_size=config.batch, verbose=0)
        return len(x)

    speed(epoch, 0)
    return speed(epoch, seconds)


def feeding(config: TrainingConfig, seconds: float) -> list[float]:
    """Work for a step on one batch over that for a step on made ones, in time and in processor time of all threads.

    The median of blocks in turn.
    """
    from fer_core.datasets.synthetic import synthetic_faces
    from fer_core.training.batches import batches
    from fer_core.training.learner import Learner

    faces, network = synthetic_faces(30), ARCHITECTURES[config.architecture]
    images = np.resize(faces.images, (40 * config.batch, 48, 48))
    labels = np.resize(faces.labels, len(images))

    def made() -> Any:
        for epoch in range(1, 10**6):
            yield from batches(images, labels, CLASSES, config, epoch, network.side, network.scale)

    learner, batch, feed = Learner(config, CLASSES), random_batch(config), made()

    def block(fed: bool, count: int) -> np.ndarray:
        began = np.array([time.perf_counter(), time.process_time()])
        for number in range(count):
            learner.step(number, 1e-4, *(next(feed)[:3] if fed else batch))
        return (np.array([time.perf_counter(), time.process_time()]) - began) / count

    block(True, 5)
    block(False, 2)
    count = max(5, int(seconds / 10 / block(False, 5)[0]))
    ratios = []
    for _ in range(5):
        alone = block(False, count)
        block(True, 5)  # what lay ready from the block before is used up
        ratios.append(alone / block(True, count))
    return np.median(ratios, 0).tolist()


def child(task: str, config: TrainingConfig, seconds: float, **more: Any) -> list[float]:
    """Two figures from a process of its own, by the clock and by processor time; NaN where it fails."""
    request = json.dumps({"task": task, "config": json.loads(config.to_json()), "seconds": seconds, **more})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", "--child", request],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return [float("nan")] * 2
    return json.loads(done.stdout.splitlines()[-1])


def answer(request: dict[str, Any]) -> list[float]:
    """The figures that a child was asked for."""
    config, seconds = TrainingConfig.from_dict(request["config"]), request["seconds"]
    if request["task"] == "feeding":
        return feeding(config, seconds)
    return fit(config, seconds) if request.get("fit") else steps(config, seconds, bool(request.get("jit")))


def until(run: Any, true: Any) -> float:
    """Seconds until something is true of a run; ends with it."""
    began = time.monotonic()
    while not true() and (run.alive or time.monotonic() - began < 5):
        time.sleep(0.02)
    return time.monotonic() - began


def quick_look() -> dict[str, float]:
    """Seconds from the start of the quick look to 90 % of the validation images, and to its model."""
    from fer_core.training.runs import start

    run, began = start(preset("quick")), time.monotonic()
    until(run, lambda: (run.epochs()["val_accuracy"] >= ACCURATE).any())
    reached = time.monotonic() - began if (run.epochs()["val_accuracy"] >= ACCURATE).any() else float("nan")
    until(run, lambda: not run.alive)
    found = {"reached": reached, "all": time.monotonic() - began, "best": run.status.get("best_accuracy", float("nan"))}
    run.delete()
    return found


def stopping(network: str, threads: int) -> dict[str, float]:
    """Seconds from the wish to stop to the last step, and to the end with the model."""
    from fer_core.training.runs import start

    run = start(replace(preset("quick"), architecture=network, epochs=1000, threads=threads))
    until(run, lambda: len(run.batches()) > 3)
    wished = time.time()
    run.stop()
    until(run, lambda: run.batches()["t"].max() > wished or not run.alive)
    until(run, lambda: not run.alive)
    steps_end = max(0.0, float(run.batches()["t"].max()) - wished)
    found = {"last_step": steps_end, "model": time.time() - wished, "has_model": float(run.bundle is not None)}
    run.delete()
    return found


def main() -> int:
    """Measure and print; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=("options", "feeding", "quick", "stop"))
    parser.add_argument("--networks", nargs="+", choices=list(ARCHITECTURES), default=list(ARCHITECTURES))
    parser.add_argument("--seconds", type=float, default=10.0, help="for each figure")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(answer(json.loads(given.child))))
        return 0
    parts, missed, found = given.only or ("options", "feeding", "quick", "stop"), 0, {}
    print(f"{platform.machine()}, {given.threads} threads, load {os.getloadavg()[0]:.1f}, batch {given.batch}")
    usual = TrainingConfig(batch=given.batch, threads=given.threads)
    if "options" in parts:
        print("images/s, and of processor time\n" + " " * 14 + "".join(f"{name:>16}" for name in OPTIONS))
        for network in given.networks:
            print(f"{network:14}", end="", flush=True)
            found[network] = {}
            for name, how in OPTIONS.items():
                config = replace(usual, architecture=network, precision=str(how["precision"]))
                more = {key: value for key, value in how.items() if key != "precision"}
                found[network][name] = child("options", config, given.seconds, **more)
                print(
                    "{:8.1f}{:>8}".format(found[network][name][0], f"({found[network][name][1]:.1f})"),
                    end="",
                    flush=True,
                )
            print()
    if "feeding" in parts:
        for name in PRESETS:
            config = preset(name, threads=given.threads)
            clock, work = found[f"feeding {name}"] = child("feeding", config, given.seconds)
            missed += not work >= FEEDING_GOAL
            network = f"{config.architecture}, {config.augmentation}"
            print(f"feeding of {name} ({network}): {clock:.1%}, of processor time {work:.1%}", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
        os.environ |= {"FER_HOME": home, "FER_QUEUE": f"{home}/queue"}
        if "quick" in parts:
            took = found["quick look"] = quick_look()
            missed += not took["reached"] <= QUICK_GOAL
            print(f"quick look: 90 % after {took['reached']:.1f} s", end="; ")
            print(f"{took['best']:.1%} and its model after {took['all']:.1f} s")
        if "stop" in parts:
            for network in ("tiny", "reference"):
                took = found[f"stop {network}"] = stopping(network, given.threads)
                print(f"stop {network}: last step after {took['last_step']:.2f} s, model after {took['model']:.1f} s")
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
