"""What trainings leave behind, for tests: tables and run folders without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from fer_core.labels import FER7
from fer_core.models.registry import DEFAULT, SHIPPED
from fer_core.training.config import preset
from fer_core.training.runs import Run
from fer_core.utils.locks import lock
from fer_core.utils.workspace import workspace

__all__ = ["batch_rows", "batch_table", "epoch_rows", "epoch_table", "fake_run", "held"]


def epoch_rows(
    validation: list[float], training: list[float] | None = None, *, rate: float = 5e-4
) -> list[dict[str, object]]:
    """One record an epoch, as a run writes them, from the validation accuracy of each; training grows with it."""
    seen = training or [0.15 + 0.8 * i / max(1, len(validation)) for i in range(len(validation))]
    return [
        {
            "epoch": i + 1,
            "loss": 2.0 - 1.8 * train,
            "accuracy": train,
            "val_loss": 2.0 - 1.6 * value,
            "val_accuracy": value,
            "recall": {name: max(0.0, min(1.0, value + 0.03 * (k - 3))) for k, name in enumerate(FER7)},
            "learning_rate": rate / 10 ** (i // 5),
            "images_per_second": 800.0,
            "seconds": 2.5,
            "memory_mb": 900.0,
        }
        for i, (value, train) in enumerate(zip(validation, seen, strict=True))
    ]


def batch_rows(epochs: int, batches: int = 10) -> list[dict[str, object]]:
    """One record a batch."""
    return [
        {
            "batch": b,
            "epoch": e + 1,
            "loss": 1.9 - 0.1 * e,
            "accuracy": min(1.0, 0.2 + 0.1 * e),
            "t": 2.5 * e + 0.25 * b,
        }
        for e in range(epochs)
        for b in range(1, batches + 1)
    ]


def epoch_table(validation: list[float], training: list[float] | None = None) -> pd.DataFrame:
    """The table of epochs of such a run."""
    columns = list(epoch_rows([0.5])[0])
    return pd.DataFrame(epoch_rows(validation, training), columns=columns)


def batch_table(epochs: int, batches: int = 10) -> pd.DataFrame:
    """The table of batches of such a run."""
    return pd.DataFrame(batch_rows(epochs, batches), columns=list(batch_rows(1)[0]))


def fake_run(
    run_id: str,
    validation: list[float] = (),
    *,
    training: list[float] | None = None,
    state: str = "done",
    batches: int = 0,
    bundle: bool = False,
    status: dict[str, object] | None = None,
    **settings: object,
) -> Run:
    """The folder of a run as its process would have left it; see `held` for one that lives.

    Args:
        run_id: its folder's name.
        validation: accuracy of each epoch that is complete.
        training: the same on the training images.
        state: what its process said last.
        batches: steps of an epoch that are written, for each complete epoch and one more while it runs.
        bundle: whether it has a model; it is the shipped one.
        status: more that its process said.
        settings: changes to the quick preset.
    """
    folder = workspace() / "runs" / run_id
    folder.mkdir(parents=True)
    rows = epoch_rows(list(validation), training)
    config = preset("quick", **settings)  # type: ignore[arg-type]
    (folder / "config.json").write_text(config.to_json())
    said = {"state": state, "epochs": config.epochs, "classes": list(FER7), "place": 0, **(status or {})}
    (folder / "status.json").write_text(json.dumps(said))
    (folder / "epochs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = batch_rows(len(rows) + (state == "running"), batches)
    (folder / "batches.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "lock").touch()
    if bundle:
        shutil.copytree(SHIPPED / DEFAULT, folder / "bundle")
        card: Path = folder / "bundle" / "card.json"
        card.write_text(json.dumps({**json.loads(card.read_text()), "title": config.name or run_id}))
    return Run(folder)


@contextmanager
def held(run: Run) -> Iterator[Run]:
    """Within it the run lives, as far as others can tell."""
    with lock(run.folder / "lock"):
        yield run
