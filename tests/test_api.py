"""The public API is what `fer_core/__init__.pyi` lists: it loads lazily, is documented, and its examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fer_core

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "fer_core").rglob("*.py")
    if path.stem not in {"__init__", "__main__"} and ">>>" in path.read_text(encoding="utf-8")
)
EXCEPTIONS = {"Cancelled", "DatasetError", "FerError", "LimitError", "MediaError", "ModelError", "OptionError"}


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = (
        "import sys, fer_core; "
        "print(*sorted({'numpy', 'pandas', 'cv2', 'av', 'scipy', 'streamlit', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", fer_core.__all__)
def test_each_public_name_is_there_and_says_what_it_is(name: str) -> None:
    thing = getattr(fer_core, name)
    assert inspect.getdoc(thing), name
    assert thing.__name__ == name


def test_the_whole_api_loads_neither_tensorflow_nor_scipy_nor_streamlit() -> None:
    code = (
        "import sys, fer_core; [getattr(fer_core, name) for name in fer_core.__all__]; "
        "print(*sorted({'scipy', 'sklearn', 'streamlit', 'tensorflow', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="analyse"):
        fer_core.analyse  # noqa: B018


def test_the_page_of_the_api_lists_the_same_names() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)`", page.split("## The table")[0], re.M))
    assert listed == set(fer_core.__all__)


@pytest.mark.parametrize("name", ["fer_core", *MODULES])
def test_the_examples_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))  # an empty workspace
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed


def test_every_entry_point_has_an_example() -> None:
    without = [
        name
        for name in fer_core.__all__
        if name not in EXCEPTIONS and ">>>" not in _documentation(getattr(fer_core, name))
    ]
    assert without == []


def _documentation(thing: object) -> str:
    parts = [inspect.getdoc(thing) or ""]
    if inspect.isclass(thing):
        parts += [inspect.getdoc(member) or "" for _, member in inspect.getmembers(thing, inspect.isfunction)]
    return "\n".join(parts)
