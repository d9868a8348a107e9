"""Train network S. Resumable: run the same command again after a kill and it goes on from the last whole epoch.

    python -m training.train --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --config training/first.json

RUN_FOLDER receives config.json, log.csv (one line an epoch) and checkpoint.pt.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fer_core.augmentation import Augmentation, augment
from fer_core.datasets import Dataset, read_fer2013
from fer_core.labels import FERPLUS8
from fer_core.preprocessing import standardise
from training.network import NetworkS


@dataclass(frozen=True)
class Config:
    """Settings of a run; kept beside its weights."""

    epochs: int = 45
    weak_epochs: int = 5
    batch: int = 128
    peak_rate: float = 0.1
    warm_up: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    ema: float = 0.999
    dropout: float = 0.3
    smoothing: float = 0.1
    mixup: float = 0.3
    mixup_p: float = 0.3
    ferplus_weight: float = 0.5
    seed: int = 1
    threads: int = 1


def targets(data: Dataset, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft targets of both heads, float32 (n, 7) and (n, 8); rows of the second are 0 where people gave no expression.

    As FER+ does, a vote that one person alone gave counts as a slip.
    """
    labels = np.eye(7, dtype=np.float32)[data.labels] * (1 - smoothing) + smoothing / 7
    votes = data.votes[:, : len(FERPLUS8)].astype(np.float32)
    votes[votes <= 1] = 0
    return labels, votes / np.maximum(votes.sum(1, keepdims=True), 1)


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy; an all-zero target adds nothing."""
    return -(target * torch.log_softmax(logits, 1)).sum(1).mean()


def rate_at(step: int, total: int, config: Config) -> float:
    """Linear warm-up, then half a cosine to zero."""
    warm = config.warm_up * total
    if step < warm:
        return config.peak_rate * (step + 1) / warm
    return config.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


class Average:
    """Exponential moving average of weights and batch-norm statistics."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def run_epoch(model, optimizer, average, data, soft7, soft8, rng, config, epoch) -> dict[str, float]:
    """One pass over the training images; returns its mean loss and accuracy."""
    model.train()
    how = Augmentation.weak() if epoch >= config.epochs - config.weak_epochs else Augmentation()
    mixing = config.mixup_p if epoch < config.epochs - config.weak_epochs else 0.0
    order = rng.permutation(len(data))
    per_epoch = len(order) // config.batch
    losses, hits = 0.0, 0
    for k in range(per_epoch):
        pick = order[k * config.batch : (k + 1) * config.batch]
        x = torch.from_numpy(standardise(augment(data.images[pick], rng, how)).transpose(0, 3, 1, 2))
        y7, y8 = torch.from_numpy(soft7[pick]), torch.from_numpy(soft8[pick])
        mixed = rng.random() < mixing
        if mixed:
            share, other = float(rng.beta(config.mixup, config.mixup)), torch.from_numpy(rng.permutation(len(pick)))
            x, y7, y8 = (share * t + (1 - share) * t[other] for t in (x, y7, y8))
        for group in optimizer.param_groups:
            group["lr"] = rate_at(epoch * per_epoch + k, config.epochs * per_epoch, config)
        with torch.autocast("cpu", torch.bfloat16):
            out7, out8 = model(x.contiguous(memory_format=torch.channels_last))
        loss = soft_cross_entropy(out7.float(), y7) + config.ferplus_weight * soft_cross_entropy(out8.float(), y8)
        if not torch.isfinite(loss):
            raise SystemExit(f"The loss is not a number in epoch {epoch}; the last whole epoch is kept.")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(model)
        losses += loss.item()
        hits += int((out7.argmax(1) == y7.argmax(1)).sum())
    return {"loss": losses / per_epoch, "train_accuracy": hits / (per_epoch * config.batch)}


@torch.no_grad()
def logits(model: nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of both heads for 48x48 crops, one view, float32."""
    model.eval()
    both = [
        model(torch.from_numpy(standardise(images[i : i + 256]).transpose(0, 3, 1, 2)))
        for i in range(0, len(images), 256)
    ]
    return tuple(torch.cat(head).float().numpy() for head in zip(*both, strict=True))


def measure(model: nn.Module, data: Dataset) -> dict[str, float]:
    """Accuracy and negative log-likelihood against the FER labels, and agreement with FER+ majorities."""
    out7, out8 = logits(model, data.images)
    log_p = out7 - np.log(np.exp(out7 - out7.max(1, keepdims=True)).sum(1, keepdims=True)) - out7.max(1, keepdims=True)
    best = data.votes.max(1)
    clear = (data.votes == best[:, None]).sum(1) == 1
    clear &= (best * 2 > data.votes.sum(1)) & (data.votes.argmax(1) < len(FERPLUS8))
    return {
        "accuracy": float((out7.argmax(1) == data.labels).mean()),
        "nll": float(-log_p[np.arange(len(data)), data.labels].mean()),
        "ferplus_accuracy": float((out8.argmax(1) == data.votes.argmax(1))[clear].mean()),
    }


def save(path: Path, state: dict) -> None:
    """Write whole or not at all."""
    torch.save(state, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


def train(data: Dataset, folder: Path, config: Config) -> None:
    """Train, or go on with what the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = NetworkS(config.dropout).to(memory_format=torch.channels_last)
    decayed = [p for n, p in model.named_parameters() if p.ndim > 1 and n != "pool"]
    plain = [p for n, p in model.named_parameters() if p.ndim <= 1 or n == "pool"]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.peak_rate,
        momentum=config.momentum,
        nesterov=True,
    )
    average = Average(model, config.ema)
    first, rows, checkpoint = 0, [], folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.state, average.steps = state["average"], state["steps"]
        first, rows = state["epoch"] + 1, state["rows"]
    training, validation = data.split("Training"), data.split("PublicTest")
    soft7, soft8 = targets(training, config.smoothing)
    averaged = NetworkS(config.dropout)
    for epoch in range(first, config.epochs):
        start = time.time()
        rng = np.random.default_rng((config.seed, epoch))  # of the epoch: a resumed run sees the same crops
        torch.manual_seed(config.seed * 1000 + epoch)
        row = {"epoch": epoch + 1, **run_epoch(model, optimizer, average, training, soft7, soft8, rng, config, epoch)}
        averaged.load_state_dict(average.state)
        row |= measure(averaged, validation) | {"seconds": time.time() - start}
        rows.append({name: round(value, 5) for name, value in row.items()})
        print(json.dumps(rows[-1]), flush=True)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state}
        save(checkpoint, state | {"steps": average.steps, "epoch": epoch, "rows": rows})
        with open(folder / "log.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--data", "--ferplus", "--run"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--config", type=Path, help="JSON with settings that differ from the defaults")
    args = parser.parse_args()
    settings = Config(**json.loads(args.config.read_text())) if args.config else Config()
    train(read_fer2013(args.data, args.ferplus), args.run, settings)
