"""The real FER2013 for tests, where this machine has it: beside the project, or where FER2013_CSV says.

Its licence keeps it out of the repository, so a test that needs it is skipped where it is not.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.readers import read_fer2013
from fer_core.labels import FER7

BESIDE = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "data" / "fer2013" / "unpack.py"


def _tool() -> ModuleType | None:
    if not BESIDE.exists():
        return None
    spec = importlib.util.spec_from_file_location("fer2013_unpack", BESIDE)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@cache
def _read() -> Dataset | None:
    if path := os.environ.get("FER2013_CSV"):
        votes = Path(path).with_name("fer2013new.csv")
        return read_fer2013(path, votes if votes.exists() else None)
    if (tool := _tool()) is None:
        return None
    images, labels, usage, votes, _ = tool.load()
    index = np.array([FER7.index(name) for name in labels])
    return Dataset(images, index, FER7, usage, votes)


def fer2013() -> Dataset:
    """Training and PublicTest with the FER+ votes; skips the test where they are not at hand."""
    data = _read()
    if data is None:
        pytest.skip("FER2013 is not at hand (FER2013_CSV names the Kaggle file)")
    return data


def unpacker() -> ModuleType:
    """What unpacks it into the layouts that people have; skips the test where it is not at hand."""
    tool = _tool()
    if tool is None:
        pytest.skip("FER2013 does not lie beside the project")
    return tool
