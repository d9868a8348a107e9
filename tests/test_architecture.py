"""Layers hold, nothing heavy comes with the core, and what modules promise exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.fakes import SAMPLE

import fer_core

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "fer_core").rglob("*.py")
    if path.stem not in {"__init__", "__main__"}
)
HEAVY = {"streamlit", "tensorflow", "keras", "torch", "sklearn", "openTSNE", "kagglehub", "scipy", "distributed"}
"""Each is seconds of start-up and hundreds of megabytes."""
MOST_MODULES = 18
"""In one folder; more than that, and a room is missing."""


def test_the_layers_hold() -> None:
    """The contracts stand in pyproject.toml."""
    done = subprocess.run(["lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("top", ["fer_core", "ui", "tests", "pages", "recipes", "benchmarks"])
def test_no_folder_is_crowded(top: str) -> None:
    for folder in [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]:
        modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, f"{folder.relative_to(ROOT)}: {sorted(modules)}"


@pytest.mark.parametrize("name", MODULES)
def test_all_names_what_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__, name
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert not public.startswith("_")
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__module__ == module.__name__, f"{name}: {public} comes from {thing.__module__}"


def imports(path: Path) -> list[tuple[str, list[str]]]:
    """(module, names) of all `from` imports of a file, also those within functions."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [(n.module or "", [a.name for a in n.names]) for n in nodes if isinstance(n, ast.ImportFrom)]


OUTSIDE = [ROOT / "app.py", *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_only_what_modules_promise(path: Path) -> None:
    for module, names in imports(path):
        if module in MODULES:
            assert set(names) <= set(importlib.import_module(module).__all__), module


SCRIPT = """
import importlib, socket, sys
def refuse(*args, **kwargs):
    raise OSError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
heavy, modules, sample = sys.argv[1].split(","), sys.argv[2].split(","), sys.argv[3]
for name in modules:
    importlib.import_module(name)
assert not [h for h in heavy if h in sys.modules], "imports bring " + str([h for h in heavy if h in sys.modules])
from fer_core.analysis.episodes import summary
from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.analysis.table import to_table
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
table = to_table(analyze(sample, ExpressionRecognizer(Classifier()), AnalysisOptions(sample_fps=2)))
summary(table)
assert not [h for h in heavy if h in sys.modules], "analysing brings " + str([h for h in heavy if h in sys.modules])
print(table["frame"].nunique(), int(table["face_count"].max()), "happy" in set(table["label"]))
"""


def test_a_whole_analysis_needs_no_heavy_package_and_no_network() -> None:
    arguments = [",".join(sorted(HEAVY)), ",".join(MODULES), str(SAMPLE)]
    done = subprocess.run(
        [sys.executable, "-W", "error:::fer_core", "-c", SCRIPT, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    frames, most, happy = done.stdout.split()
    assert 29 <= int(frames) <= 32 and most == "2" and happy == "True"


def test_the_version_is_in_the_changelog() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{fer_core.__version__}]" in changes
