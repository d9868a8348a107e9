"""What trainings leave behind, for tests: tables and run folders without a network."""

from __future__ import annotations

import pandas as pd

from fer_core.labels import FER7

__all__ = ["batch_rows", "batch_table", "epoch_rows", "epoch_table"]


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
