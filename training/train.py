"""Train network S. Resumable: run the same command again after a kill and it goes on from the last whole epoch.

    python -m training.train --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --config training/first.json
        [--start models/expression-s] [--soft soft.npz] [--found found.npz]

--start begins with the weights of a bundle instead of random ones; --soft mixes per-image soft targets, which
`training.teach` writes, into the labels; --found puts crops of the detector, which `training.found` writes, in the
place of some images. RUN_FOLDER receives config.json, log.csv (a line an epoch) and checkpoint.pt.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fer_core.augmentation import Augmentation
from fer_core.datasets import Dataset, read_fer2013
from fer_core.labels import FERPLUS8
from fer_core.preprocessing import standardise
from training.found import Found
from training.network import NetworkS
from training.port import from_bundle
from training.soft import Soft
from training.targets import Targets


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
    frozen_blocks: int = 0  # of a network that was started from a bundle: its first blocks stay as they are
    noise_p: float = 0.0  # share of crops in low light, with a sensor's noise
    soft_share: float = 0.0  # share of the soft targets in those of both heads; the rest are labels and votes
    found_share: float = 0.0  # share of the images that are seen as the detector cuts them out of a picture


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


def freeze(model: NetworkS, blocks: int) -> None:
    """Keep the first blocks as they are: a fifth less time for the first one, which has long learned its edges."""
    ends = [i for i, layer in enumerate(model.features) if isinstance(layer, nn.MaxPool2d)]
    for layer in model.features[: ends[blocks - 1] if blocks else 0]:
        layer.requires_grad_(False)
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


def run_epoch(model, optimizer, average, data, goals, found, rng, config, epoch) -> dict[str, float]:
    """One pass over the training images; returns its mean loss and accuracy."""
    model.train()
    freeze(model, config.frozen_blocks)
    how = Augmentation.weak() if epoch >= config.epochs - config.weak_epochs else Augmentation()
    how = replace(how, noise_p=config.noise_p)
    mixing = config.mixup_p if epoch < config.epochs - config.weak_epochs else 0.0
    order = rng.permutation(len(data))
    per_epoch = len(order) // config.batch
    losses, hits = 0.0, 0
    for k in range(per_epoch):
        pick = order[k * config.batch : (k + 1) * config.batch]
        images = found.among(data.images, pick, config.found_share, rng) if found else data.images[pick]
        crops = goals.crops(images, pick, epoch, rng, how)
        x = torch.from_numpy(standardise(crops).transpose(0, 3, 1, 2))
        y7, y8 = (torch.from_numpy(y.astype(np.float32)) for y in goals.of(pick, epoch))
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


def train(
    data: Dataset,
    folder: Path,
    config: Config,
    *,
    start: Path | None = None,
    soft: Soft | None = None,
    found: Found | None = None,
) -> None:
    """Train, or go on with what the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = NetworkS(config.dropout)
    if start is not None:
        model.load_state_dict(from_bundle(start))
    model = model.to(memory_format=torch.channels_last)
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
    goals = Targets(training, config.smoothing, soft, config.soft_share)
    averaged = NetworkS(config.dropout)
    for epoch in range(first, config.epochs):
        start = time.time()
        rng = np.random.default_rng((config.seed, epoch))  # of the epoch: a resumed run sees the same crops
        torch.manual_seed(config.seed * 1000 + epoch)
        row = {"epoch": epoch + 1, **run_epoch(model, optimizer, average, training, goals, found, rng, config, epoch)}
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
    parser.add_argument("--start", type=Path, help="bundle to begin with, such as models/expression-s")
    parser.add_argument("--soft", type=Path, help="soft targets of training.teach")
    parser.add_argument("--found", type=Path, help="crops of training.found")
    args = parser.parse_args()
    settings = Config(**json.loads(args.config.read_text())) if args.config else Config()
    given = Soft.read(args.soft) if args.soft else None
    faces = read_fer2013(args.data, args.ferplus)
    cut = Found.read(args.found, faces.split("Training").images) if args.found else None
    train(faces, args.run, settings, start=args.start, soft=given, found=cut)
