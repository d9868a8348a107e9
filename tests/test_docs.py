"""The documentation names what there is, and its links lead somewhere."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from fer_core.cli.main import parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
OWN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 900


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    gone = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert gone == []


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.name != "index.md" and f"({page.name})" not in index] == []


def commands() -> dict[str, argparse.ArgumentParser]:
    top = parser()
    (found,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_option_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(name)}\b", page)
    options = {text for action in commands()[name]._actions for text in action.option_strings if text.startswith("--")}
    assert sorted(option for option in options - {"--help"} if f"{option}" not in page) == []


def test_make_and_ci_run_the_same_commands() -> None:
    made = re.findall(r"^\t(.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert made and [command for command in made if command not in script] == []
