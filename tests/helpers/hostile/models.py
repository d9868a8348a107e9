"""Hostile models: folders of somebody's home, with a card and weights."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path

from helpers.hostile.base import SECRET, SHIPPED, Touch, add, cut


def model(card: object, weights: bytes | None = None, name: str = "bad") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        own = folder / "models" / name
        own.mkdir(parents=True)
        (own / "card.json").write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode())
        if weights is not None:
            (own / "model.tflite").write_bytes(weights)
        return own

    return make


def card(**changes: object) -> dict:
    whole = json.loads((SHIPPED / "card.json").read_text())
    whole.pop("sha256")
    return whole | changes


HEADS = [{"name": "fer7", "labels": ["angry", "happy"]}]
CARDS: dict[str, object] = {
    "empty": b"",
    "that is no JSON": b"{",
    "that is a list": [],
    "that is a number": 3,
    "that is null": None,
    "that is very deep": b"[" * 100_000,
    "of huge numbers": b'{"heads": [], "main": ' + b"9" * 100_000 + b"}",
    "of other bytes": bytes(range(256)),
    "without heads": {"main": "x"},
    "with heads that are text": {"heads": "abc", "main": "a"},
    "with labels that are numbers": {"heads": [{"name": "a", "labels": [1, 2]}], "main": "a"},
    "with labels that are a number": {"heads": [{"name": "a", "labels": 7}], "main": "a"},
    "with temperature 0": {"heads": [HEADS[0] | {"temperature": 0}], "main": "fer7"},
    "with temperature NaN": b'{"heads": [{"name": "a", "labels": ["x"], "temperature": NaN}], "main": "a"}',
    "with another main": {"heads": HEADS, "main": "gone"},
    "with labels of markup": {"heads": [{"name": "a", "labels": ["<script>", "=1+1"]}], "main": "a"},
    "with a title of markup": card(title="<img src=x onerror=alert(1)> **b** =1+1"),
    "with a title that is a list": card(title=["a", {}]),
    "with another size of crop": card(preprocessing={"side": 10**9, "scale": "unit"}),
    "with a size of crop that is text": card(preprocessing={"side": "../../x", "scale": []}),
    "with preprocessing that is text": card(preprocessing="none"),
}
WEIGHTS = {
    "of none": b"",
    "of noise": random.Random(5).randbytes(5000),
    "of a pickle": pickle.dumps(Touch()),
    "with the right sign only": b"\x1c\0\0\0TFL3" + bytes(500),
    "with the sign and noise": b"\x1c\0\0\0TFL3" + random.Random(6).randbytes(500),
    "cut short": cut((SHIPPED / "model.tflite").read_bytes(), 0.3),
}
for name, content in CARDS.items():
    add("model", f"card {name}", model(content, (SHIPPED / "model.tflite").read_bytes()))
for name, weights in WEIGHTS.items():
    add("model", f"weights {name}", model(card(), weights))
add("model", "weights missing", model(card()))
add("model", "of other outputs", model({"heads": HEADS, "main": "fer7"}, (SHIPPED / "model.tflite").read_bytes()))
add("model", "named like markup", model(card(), WEIGHTS["of noise"], "<b>=1+1</b>".replace("/", "")))


def linked_model(folder: Path) -> Path:
    own = folder / "models" / "bad"
    own.mkdir(parents=True)
    (own / "card.json").symlink_to(folder.parent / SECRET)
    (own / "model.tflite").symlink_to("/dev/zero")
    return own


add("model", "of links", linked_model)
