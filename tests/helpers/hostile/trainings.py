"""Hostile trainings: run folders of somebody's home."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

from helpers.hostile.base import SECRET, add


def run(**files: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        own = folder / "runs" / "bad"
        own.mkdir(parents=True)
        for name, data in files.items():
            (own / name.replace("_", ".")).write_bytes(data)
        return own

    return make


def config(**changes: object) -> bytes:
    return json.dumps({"data": "synthetic", "epochs": 3, **changes}).encode()


def epoch(**changes: object) -> bytes:
    """One line of a table of epochs."""
    plain = {"epoch": 1, "loss": 1.9, "accuracy": 0.2, "val_loss": 1.9, "val_accuracy": 0.2, "recall": {"happy": 0.5}}
    rest = {"learning_rate": 1e-3, "images_per_second": 9.0, "seconds": 1.0, "memory_mb": 9.0}
    return json.dumps({**plain, **rest, **changes}).encode() + b"\n"


def batch(**changes: object) -> bytes:
    plain = {"batch": 1, "epoch": 1, "loss": 1.9, "accuracy": 0.2, "t": 0.5}
    return json.dumps({**plain, **changes}).encode() + b"\n"


def said(**values: object) -> bytes:
    return json.dumps(values).encode()


MARKUP = "<script>alert(1)</script> **b** =1+1 \u202e\x1b[31m"
HUGE = b"9" * 5000
NAMES = ("config_json", "status_json", "epochs_jsonl", "batches_jsonl")
RUNS: dict[str, dict[str, bytes]] = {
    "empty": {},
    "of empty files": dict.fromkeys(NAMES, b""),
    "of noise": {name: random.Random(7).randbytes(999) for name in NAMES},
    "of nulls": dict.fromkeys(NAMES, b"null\n"),
    "of lists": dict.fromkeys(NAMES, b"[]\n"),
    "of numbers": dict.fromkeys(NAMES, b"3\n"),
    "of deep lists": dict.fromkeys(NAMES, b"[" * 100000 + b"\n"),
    "of huge numbers": dict.fromkeys(NAMES, b'{"epoch": ' + HUGE + b', "epochs": ' + HUGE + b"}\n"),
    "with a setting nobody knows": {"config_json": config(**{MARKUP: 1})},
    "with settings of other kinds": {"config_json": config(epochs="3", name=7, data=[])},
    "with settings beyond all bounds": {"config_json": config(epochs=10**12, batch=-1)},
    "with a name of markup": {"config_json": config(name=MARKUP)},
    "with a dataset elsewhere": {"config_json": config(data="/etc/passwd")},
    "with a dataset that is gone": {"config_json": config(data="../../../gone")},
    "with a foreign process": {"config_json": config(), "status_json": said(state="running", pid=1)},
    "with a process that is text": {"config_json": config(), "status_json": said(state="running", pid="rm -rf")},
    "with an unknown state": {"config_json": config(), "status_json": said(state=MARKUP)},
    "with a state that is a list": {"config_json": config(), "status_json": said(state=["done"])},
    "with an error of markup": {"config_json": config(), "status_json": said(state="failed", error=MARKUP * 500)},
    "with an error that is a list": {"config_json": config(), "status_json": said(state="failed", error=[1, {}])},
    "with a place that is text": {"config_json": config(), "status_json": said(state="queued", place="7")},
    "with figures that are text": {
        "config_json": config(),
        "status_json": said(state="done", epoch="x", epochs=[], classes={}, best_epoch="<b>", best_accuracy=MARKUP),
    },
    "with half a line": {"config_json": config(), "status_json": said(state="done"), "epochs_jsonl": epoch()[:20]},
    "with epochs that are text": {"config_json": config(), "epochs_jsonl": epoch(epoch="<b>", loss=[])},
    "with epochs of NaN": {"config_json": config(), "epochs_jsonl": b'{"epoch": NaN, "loss": Infinity}\n'},
    "with figures of NaN": {
        "config_json": config(),
        "status_json": said(state="done"),
        "epochs_jsonl": epoch(loss=float("nan"), val_accuracy=float("inf"), learning_rate=-1),
    },
    "with figures that are lists": {
        "config_json": config(),
        "status_json": said(state="done"),
        "epochs_jsonl": epoch(loss=[1], accuracy={}, val_loss="x", val_accuracy=[0.5], learning_rate=None),
    },
    "with one epoch without figures": {"config_json": config(), "epochs_jsonl": b'{"epoch": 1}\n'},
    "with epoch true": {"config_json": config(), "epochs_jsonl": epoch(epoch=True)},
    "with an epoch below all": {"config_json": config(), "epochs_jsonl": epoch(epoch=-(10**18))},
    "with an epoch beyond all": {"config_json": config(), "epochs_jsonl": epoch(epoch=10**30)},
    "with recall that is a list": {"config_json": config(), "epochs_jsonl": epoch(recall=[0.5])},
    "with recall of markup": {"config_json": config(), "epochs_jsonl": epoch(recall={MARKUP: 0.5, "=1+1": None})},
    "with recall that is text": {"config_json": config(), "epochs_jsonl": epoch(recall={"happy": "x", "sad": []})},
    "with the same epoch five thousand times": {"config_json": config(), "epochs_jsonl": epoch() * 5_000},
    "with twenty thousand batches": {"config_json": config(), "batches_jsonl": batch() * 20_000},
    "with batches that are text": {"config_json": config(), "batches_jsonl": batch(batch="x", epoch="y", loss=MARKUP)},
    "with batches that are lists": {"config_json": config(), "batches_jsonl": batch(batch=[1], epoch={}, loss=[])},
    "with batches beyond all": {"config_json": config(), "batches_jsonl": batch(batch=10**30, epoch=-(10**30))},
    "with one batch without figures": {"config_json": config(), "batches_jsonl": b'{"batch": 1}\n'},
    "with a line of fifty megabytes": {"config_json": config(), "epochs_jsonl": b'"' + b"x" * 50_000_000 + b'"\n'},
    "with a note of markup": {"config_json": config(), "note_txt": b"<script>alert(1)</script>=1+1\xff\xfe"},
    "with a note of fifty megabytes": {"config_json": config(), "note_txt": b"x" * 50_000_000},
}
for name, files in RUNS.items():
    add("run", name, run(**files))


def linked_run(folder: Path) -> Path:
    """A run whose files lie elsewhere."""
    own = run(config_json=config())(folder)
    for name in ("status.json", "epochs.jsonl", "batches.jsonl", "note.txt"):
        (own / name).symlink_to(folder.parent / SECRET)
    (own / "bundle").symlink_to(folder.parent)
    (own / "lock").symlink_to("/dev/null")
    return own


def blocked_run(folder: Path) -> Path:
    """A run whose files are folders."""
    own = run(config_json=config())(folder)
    for name in ("status.json", "epochs.jsonl", "batches.jsonl", "note.txt", "bundle/card.json"):
        (own / name).mkdir(parents=True)
    return own


def piped_run(folder: Path) -> Path:
    """A run whose files are pipes that nobody writes to."""
    own = run(config_json=config())(folder)
    for name in ("status.json", "epochs.jsonl", "note.txt"):
        os.mkfifo(own / name)
    return own


def run_of_a_model(folder: Path) -> Path:
    """A finished run whose model has no more than a card, of markup."""
    own = run(config_json=config(), status_json=said(state="done"), epochs_jsonl=epoch())(folder)
    (own / "bundle").mkdir()
    (own / "bundle" / "card.json").write_bytes(json.dumps({"title": MARKUP, "heads": [], "main": MARKUP}).encode())
    return own


add("run", "of links", linked_run)
add("run", "of folders", blocked_run)
add("run", "of pipes", piped_run)
add("run", "with a card alone", run_of_a_model)
