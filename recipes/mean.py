"""Average the weights of runs that began with the same network: one network that answers steadier than each.

    python -m recipes.mean --runs RUN_FOLDER_OR_BUNDLE... --shares SHARE... --out RUN_FOLDER

The runs must lie in one valley, as those do that fine-tuned the same weights (Wortsman et al., "Model soups", ICML
2022). OUT can be exported as any run; its settings and log are those of the last run named, beside the shares. A bundle
may stand where a run does, but not last.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from recipes.port import weights_of

__all__ = ["mean"]


def mean(runs: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write a run whose averaged weights, moments of batch norm among them, are those of `runs` in these shares."""
    if len(runs) != len(shares) or abs(sum(shares) - 1) > 1e-6:
        raise SystemExit("Give a share for each run; they must add up to 1.")
    states = [weights_of(run) for run in runs]
    mixed = {}
    for name, value in states[-1].items():
        total = sum(share * state[name].double() for share, state in zip(shares, states, strict=True))
        mixed[name] = torch.as_tensor(total).to(value.dtype)
    out.mkdir(parents=True, exist_ok=True)
    torch.save({"average": mixed}, out / "checkpoint.pt")
    config = json.loads((runs[-1] / "config.json").read_text())
    config["mean_of"] = {run.name: share for run, share in zip(runs, shares, strict=True)}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    shutil.copy(runs[-1] / "log.csv", out / "log.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--shares", type=float, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    mean(args.runs, args.shares, args.out)
