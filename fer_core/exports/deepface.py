"""Answer of `DeepFace.analyze` to a batch of images, as JSON (deepface 0.0.103, https://github.com/serengil/deepface)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.fer import EMOTIONS
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name

__all__ = ["FORMATS", "write"]


def write(result: ClipResult) -> Iterator[bytes]:
    """Write a list of frames, each a list of faces with deepface's keys.

    `clip`, `frame`, `time_s` and `person` are added to each face. A frame without a face is an empty list. Eyes are
    null: the table does not hold them.
    """
    labels = label_names(result.table)
    order = [*(name for name in EMOTIONS if name in labels), *(name for name in labels if name not in EMOTIONS)]
    clip = clip_name(result)
    yield b"["
    frame: int | None = None
    for row in result.table.to_dict("records"):
        if row["frame"] != frame:
            yield b"[" if frame is None else b"],\n["
            frame = row["frame"]
            first = True
        if row["face_count"]:
            face = json.dumps(_face(row, order, clip), ensure_ascii=False, allow_nan=False)
            yield (b"" if first else b",") + face.encode()
            first = False
    yield b"]" if frame is None else b"]]"


def _face(row: dict[str, Any], labels: list[str], clip: str) -> dict[str, Any]:
    emotion = {name: round(100 * float(row[name]), 4) for name in labels}
    region = {name: round(row[name]) for name in "xywh"}
    return {
        "emotion": emotion,
        "dominant_emotion": max(emotion, key=lambda name: emotion[name]),
        "region": {**region, "left_eye": None, "right_eye": None},
        "face_confidence": round(float(row["det_score"]), 4),
        "clip": clip,
        "frame": int(row["frame"]),
        "time_s": round(float(row["time_s"]), 4),
        "person": row["person"],
    }


FORMATS = (
    Format(
        "deepface",
        "DeepFace",
        "-deepface.json",
        "scripts for DeepFace",
        "DeepFace's answer to a batch of images: a list of frames, each a list of faces",
        write,
    ),
)
