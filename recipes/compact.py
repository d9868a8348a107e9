"""Make a Keras file small: weights with the precision of half floats, and the zip that it is compressed.

It stays an ordinary .keras file of float32 weights, from which training can go on.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

__all__ = ["compact", "rounded"]


def rounded(weights: np.ndarray, bits: int = 11) -> np.ndarray:
    """float32 rounded to so many binary digits of mantissa; the zeros that are left compress well."""
    mantissa, exponent = np.frexp(np.asarray(weights, np.float32))
    return np.ldexp(np.rint(mantissa * 2.0**bits) / np.float32(2.0**bits), exponent).astype(np.float32)


def compact(model, path: Path) -> None:
    """Write a Keras model with rounded weights; the model itself is left with them."""
    model.set_weights([rounded(w) for w in model.get_weights()])
    model.save(path)
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small:
        for name, data in members.items():
            small.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
