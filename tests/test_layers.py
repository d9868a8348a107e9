"""Imports go one way, nothing heavy comes with the core, and what modules promise exists."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import SAMPLE

import fer_core

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "fer_core"

LEVELS = [
    {
        "cells",
        "degradation",
        "errors",
        "files",
        "giving_back",
        "home",
        "kaggle_worker",
        "labels",
        "memory",
        "models",
        "plainly",
        "priority",
        "progress",
        "published",
        "types",
    },
    {
        "history",
        "training",
    },
    {
        "appearance",
        "bundles",
        "checkpoints",
        "frames",
        "imageset",
        "likeness",
        "launching",
        "limits",
        "newest",
        "preprocessing",
        "shots",
        "smoothing",
        "status",
        "stills",
        "yunet",
    },
    {
        "archives",
        "kaggle_csv",
        "measures",
        "pictures",
        "synthetic",
    },
    {
        "arrays",
        "library",
        "rereading",
    },
    {
        "datasets",
        "marks",
        "quality",
    },
    {
        "architectures",
        "augmentation",
        "classification",
        "containers",
        "detection",
        "doubt",
        "drawing",
        "evaluation",
        "fast_layers",
        "gradcam",
        "kaggle",
        "making",
        "partition",
        "rebuilding",
        "tracking",
        "verdict",
    },
    {
        "answers",
        "contenders",
        "feeding",
        "keras_child",
        "keras_worker",
        "mistakes",
        "learner",
        "recognition",
        "seeking",
        "sound",
        "waiting",
    },
    {
        "embedding",
        "fer_package",
        "import_worker",
        "importing",
        "looking",
        "outcomes",
        "runs",
    },
    {
        "lineup",
    },
    {
        "comparison",
        "video",
        "writing",
    },
    {
        "analysis",
        "annotation",
        "jobs",
        "moments",
        "people",
        "timeline",
    },
    {
        "charts",
        "comparison_charts",
        "curves",
        "dataset_charts",
        "export",
        "gallery",
        "headway",
        "kept",
        "pace",
        "pulse",
        "recording",
        "run_files",
        "scoreboard",
        "vectors",
    },
    {
        "clip",
        "comparison_report",
    },
    {
        "live",
    },
    {
        "fitting",
        "tempo",
    },
    {
        "trainer",
    },
    {
        "commands",
    },
    {
        "__main__",
    },
]
"""A module imports from the sets above its own only. A new module goes as high as it can."""

LEVEL = {name: i for i, names in enumerate(LEVELS) for name in names}
PATHS = {".".join(p.relative_to(CORE).with_suffix("").parts): p for p in CORE.rglob("*.py") if p.stem != "__init__"}
"""Files by module name, such as `types` and `commands.analyze`; a module of a package is at the package's level."""
MODULES = sorted(PATHS)
HEAVY = {"streamlit", "tensorflow", "keras", "torch", "sklearn", "openTSNE", "kagglehub"}
"""Each is seconds of start-up and hundreds of megabytes."""


def imports(path: Path) -> list[tuple[str, list[str]]]:
    """(module, names) of all imports of a file, also those within functions; relative ones as `fer_core.x`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ("fer_core", *path.relative_to(CORE).parts[:-1]) if node.level else ()
            parents = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*parents, *([node.module] if node.module else [])])
            names = [alias.name for alias in node.names]
            if module == "fer_core":
                found += [(f"fer_core.{name}", []) for name in names if (CORE / f"{name}.py").exists()]
            else:
                found.append((module, names))
    return found


def test_each_module_has_its_level():
    assert {name.split(".")[0] for name in MODULES} == set(LEVEL), (
        "add a new module to LEVELS, and take out one that is gone"
    )
    assert sum(map(len, LEVELS)) == len(LEVEL)


@pytest.mark.parametrize("name", MODULES)
def test_imports_never_go_upward(name):
    own = name.split(".")[0]
    for module, _ in imports(PATHS[name]):
        if module.startswith("fer_core."):
            other = module.removeprefix("fer_core.").split(".")[0]
            assert LEVEL[other] < LEVEL[own] or (other == own and "." in name), f"{name} imports {other}"


@pytest.mark.parametrize("name", MODULES)
def test_the_core_knows_no_page(name):
    tops = {module.split(".")[0] for module, _ in imports(PATHS[name])}
    assert not tops & {"streamlit", "ui", "pages", "app", "training", "tests"}


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"__main__"}))
def test_all_names_what_exists(name):
    module = importlib.import_module(f"fer_core.{name}")
    assert module.__all__, name
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert not public.startswith("_")
        assert hasattr(module, public), f"{name}.__all__ names {public}"
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            passes_on = {"bundles", "datasets", "tracking", "video"}
            own = thing.__module__ == module.__name__ or name in passes_on
            assert own, f"{public} comes from {thing.__module__}"


OUTSIDE = [ROOT / "app.py", *(ROOT / "ui").glob("*.py"), *(ROOT / "pages").glob("*.py")]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_only_what_modules_promise(path):
    for module, names in imports(path):
        if module.startswith("fer_core.") and names:
            assert set(names) <= set(importlib.import_module(module).__all__), module


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name):
    docstring = ast.get_docstring(ast.parse(PATHS[name].read_text(encoding="utf-8")))
    assert docstring and len(docstring.splitlines()[0]) <= 120


SCRIPT = """
import importlib, socket, sys
def refuse(*args, **kwargs):
    raise OSError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
heavy, modules, sample = sys.argv[1].split(","), sys.argv[2].split(","), sys.argv[3]
for name in modules:
    importlib.import_module("fer_core." + name)
assert not [h for h in heavy if h in sys.modules], "imports bring " + str([h for h in heavy if h in sys.modules])
from fer_core.analysis import Options, analyze
from fer_core.classification import Classifier
from fer_core.recognition import Recognizer
from fer_core.timeline import summary, to_table
table = to_table(analyze(sample, Recognizer(Classifier()), Options(fps=2)))
assert not [h for h in heavy if h in sys.modules], "analysing brings " + str([h for h in heavy if h in sys.modules])
print(table["frame"].nunique(), int(table["face_count"].max()), "happy" in set(table["label"]))
"""


def test_a_whole_analysis_needs_no_heavy_package_and_no_network():
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


def test_the_package_says_its_version():
    assert fer_core.__version__.count(".") == 2
    assert f'version = "{fer_core.__version__}"' in (ROOT / "pyproject.toml").read_text()
