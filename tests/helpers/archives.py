"""A ZIP of image folders."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np

FACES = np.random.default_rng(0).integers(0, 256, (6, 48, 48)).astype(np.uint8)


def folders() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, face in enumerate(FACES):
            name = f"{'train' if i < 4 else 'test'}/{'happy' if i % 2 else 'sad'}/{i}.png"
            archive.writestr(name, cv2.imencode(".png", face)[1].tobytes())
    return buffer.getvalue()
