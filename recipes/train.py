"""Train network S. Resumable: run the same command again after a kill and it goes on from the last whole epoch.

    python -m recipes.train --data fer2013.csv --ferplus fer2013new.csv --run RUN_FOLDER --config recipes/first.json
        [--start models/expression-s] [--soft soft.npz] [--found found.npz] [--device cuda --workers 4]

--start begins with the weights of a bundle or of another run instead of random ones; --soft mixes per-image soft
targets, which `recipes.teach` writes, into the labels; --found puts crops of the detector, which `recipes.found`
writes, in the place of some images. --workers is how many processes prepare crops: which one prepared a batch changes
nothing. RUN_FOLDER receives config.json, log.csv (a line an epoch) and checkpoint.pt.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.labels import FERPLUS8
from fer_core.models.preprocessing import standardize
from fer_core.training.augmentation import Augmentation
from recipes.found import Found
from recipes.network import NetworkS
from recipes.port import weights_of
from recipes.soft import Soft
from recipes.targets import Targets


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
        now = model.state_dict()
        moving = [name for name, value in now.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_([self.state[name] for name in moving], [now[name] for name in moving], 1 - decay)
        for name in now.keys() - moving:
            self.state[name].copy_(now[name])


def freeze(model: NetworkS, blocks: int) -> None:
    """Keep the first blocks as they are: a fifth less time for the first one, which has long learned its edges."""
    ends = [i for i, layer in enumerate(model.features) if isinstance(layer, nn.MaxPool2d)]
    for layer in model.features[: ends[blocks - 1] if blocks else 0]:
        layer.requires_grad_(False)
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


class Batches(torch.utils.data.Dataset):
    """All batches of a run in their order, each with randomness of its own: a resumed run sees the same crops.

    Batch number i is a crop (n, 1, 44, 44) and the targets of both heads, (n, 7) and (n, 8), all float32.
    """

    def __init__(self, data: Dataset, goals: Targets, found: Found | None, config: Config):
        self.data, self.goals, self.found, self.config = data, goals, found, config
        self.per_epoch = len(data) // config.batch

    def __len__(self) -> int:
        return self.per_epoch * self.config.epochs

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        config, data, found = self.config, self.data, self.found
        epoch, k = divmod(number, self.per_epoch)
        weak = epoch >= config.epochs - config.weak_epochs
        how = replace(Augmentation.weak() if weak else Augmentation(), noise_p=config.noise_p)
        order = np.random.default_rng((config.seed, epoch)).permutation(len(data))
        pick = order[k * config.batch : (k + 1) * config.batch]
        rng = np.random.default_rng((config.seed, epoch, k))
        images = found.among(data.images, pick, config.found_share, rng) if found else data.images[pick]
        crops = self.goals.crops(images, pick, epoch, rng, how)
        x = torch.from_numpy(standardize(crops).transpose(0, 3, 1, 2))
        y7, y8 = (torch.from_numpy(y.astype(np.float32)) for y in self.goals.of(pick, epoch))
        if not weak and rng.random() < config.mixup_p:
            share, other = float(rng.beta(config.mixup, config.mixup)), torch.from_numpy(rng.permutation(len(pick)))
            x, y7, y8 = (share * t + (1 - share) * t[other] for t in (x, y7, y8))
        return x, y7, y8


def run_epoch(
    model: NetworkS,
    optimizer: torch.optim.Optimizer,
    average: Average,
    batches: Iterator,
    steps: range,
    total: int,
    config: Config,
    device: torch.device,
) -> dict[str, float]:
    """Take the `steps` of `total` that make an epoch; returns its mean loss and accuracy."""
    model.train()
    freeze(model, config.frozen_blocks)
    losses, hits = torch.zeros((), device=device), torch.zeros((), device=device)  # read once: a look stops a GPU
    for step in steps:
        x, y7, y8 = (part.to(device, non_blocking=True) for part in next(batches))
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, total, config)
        with torch.autocast(device.type, torch.bfloat16):
            out7, out8 = model(x.contiguous(memory_format=torch.channels_last))
        loss = soft_cross_entropy(out7.float(), y7) + config.ferplus_weight * soft_cross_entropy(out8.float(), y8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(model)
        losses += loss.detach()
        hits += (out7.argmax(1) == y7.argmax(1)).sum()
    if not torch.isfinite(losses):
        raise SystemExit("The loss is not a number in this epoch; the last whole epoch is kept.")
    return {"loss": losses.item() / len(steps), "train_accuracy": hits.item() / (len(steps) * config.batch)}


@torch.no_grad()
def logits(model: nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of both heads for 48x48 crops, one view, float32."""
    model.eval()
    device = next(model.parameters()).device
    both = [
        model(torch.from_numpy(standardize(images[i : i + 256]).transpose(0, 3, 1, 2)).to(device))
        for i in range(0, len(images), 256)
    ]
    return tuple(torch.cat(head).float().cpu().numpy() for head in zip(*both, strict=True))


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
    device: str = "cpu",
    workers: int = 0,
) -> None:
    """Train, or go on with what the folder holds.

    Args:
        data: images with the splits Training and PublicTest.
        folder: of the run.
        config: its settings.
        start: bundle or run whose weights it begins with; None for random ones.
        soft: soft targets of the training images.
        found: crops of the training images as the detector makes them.
        device: "cpu" or "cuda".
        workers: processes that prepare crops; 0 for none beside this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    where = torch.device(device)
    torch.backends.cudnn.benchmark = True  # every batch has one shape
    model = NetworkS(config.dropout)
    if start is not None:
        model.load_state_dict(weights_of(start))
    model = model.to(where, memory_format=torch.channels_last)
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
        state = torch.load(checkpoint, map_location=where, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.state, average.steps = state["average"], state["steps"]
        first, rows = state["epoch"] + 1, state["rows"]
    training, validation = data.split("Training"), data.split("PublicTest")
    goals = Targets(training, config.smoothing, soft, config.soft_share)
    averaged = NetworkS(config.dropout).to(where)
    every = Batches(training, goals, found, config)
    loader = DataLoader(
        every,
        batch_size=None,
        sampler=range(first * every.per_epoch, len(every)),
        num_workers=workers,
        worker_init_fn=lambda _: cv2.setNumThreads(1),
        pin_memory=where.type == "cuda",
    )
    batches = iter(loader)
    for epoch in range(first, config.epochs):
        begun = time.time()
        torch.manual_seed(config.seed * 1000 + epoch)
        steps = range(epoch * every.per_epoch, (epoch + 1) * every.per_epoch)
        row = {"epoch": epoch + 1}
        row |= run_epoch(model, optimizer, average, batches, steps, len(every), config, where)
        averaged.load_state_dict(average.state)
        row |= measure(averaged, validation) | {"seconds": time.time() - begun}
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
    parser.add_argument("--start", type=Path, help="bundle or run to begin with, such as models/expression-s")
    parser.add_argument("--soft", type=Path, help="soft targets of recipes.teach")
    parser.add_argument("--found", type=Path, help="crops of recipes.found")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare crops")
    args = parser.parse_args()
    settings = Config(**json.loads(args.config.read_text())) if args.config else Config()
    given = Soft.read(args.soft) if args.soft else None
    faces = read_fer2013(args.data, args.ferplus)
    cut = Found.read(args.found, faces.split("Training").images) if args.found else None
    how = {"device": args.device, "workers": args.workers}
    train(faces, args.run, settings, start=args.start, soft=given, found=cut, **how)
