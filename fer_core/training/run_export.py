"""What of a training can be taken along: its epochs as CSV, and all of it as a ZIP."""

from __future__ import annotations

import io
import zipfile

import pandas as pd

from fer_core.training.runs import Run
from fer_core.utils.csv_safety import safe_table

__all__ = ["epochs_csv", "run_zip"]


def epochs_csv(epochs: pd.DataFrame) -> bytes:
    """Return the epochs of a run as CSV, one column for each class's recall."""
    shares = [share if isinstance(share, dict) else {} for share in epochs["recall"]]
    recall = pd.DataFrame(shares, index=epochs.index).add_prefix("recall_")
    return bytes(safe_table(epochs.drop(columns="recall").join(recall)).to_csv(index=False).encode())


def run_zip(run: Run) -> bytes:
    """Return a ZIP with the settings, the epochs, the note and, where there is one, the finished model of a run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # weights hardly shrink
        if run.bundle is not None:
            for path in sorted(run.bundle.rglob("*")):
                if path.is_file():
                    archive.write(path, f"{run.id}/model/{path.relative_to(run.bundle)}")
        archive.writestr(f"{run.id}/config.json", run.config.to_json())
        archive.writestr(f"{run.id}/epochs.csv", epochs_csv(run.epochs()))
        if run.note:
            archive.writestr(f"{run.id}/note.txt", run.note)
    return buffer.getvalue()
