"""Words of the pages: those that people use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SAID_OTHERWISE = ("looked at;", "frames looked at", "be looked at", "in every round otherwise", "with the eyes of")
"""Phrases that readers stumbled over."""


def sentences() -> Iterator[tuple[str, str]]:
    """File and text of each string on a page that is no documentation of the code."""
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
                yield path.name, node.value


def test_pages_use_words_that_people_use() -> None:
    found = list(sentences())
    assert len(found) > 500
    assert [(name, text) for name, text in found if any(phrase in text for phrase in SAID_OTHERWISE)] == []
