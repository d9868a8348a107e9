"""Folder of a person's own datasets, runs, and models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from fer_core.utils.distribution import default_workspace

__all__ = ["set_workspace_finder", "use_workspace", "workspace"]

_chosen: ContextVar[Path | None] = ContextVar("home", default=None)
_finder: Callable[[], Path | None] | None = None


def workspace() -> Path:
    """Return the folder of the datasets, runs and models of whoever is served now; it need not exist yet.

    On one's own computer that is FER_HOME, else `.fer` in the repository or the system's folder for such data. On a
    host each visitor has one of their own, so ask every time rather than keep the answer, and put it into the key of
    whatever is cached by name. A child process is given it as FER_HOME.
    """
    found = _chosen.get() or (_finder() if _finder is not None else None)
    return found or Path(os.environ.get("FER_HOME") or default_workspace())


@contextmanager
def use_workspace(folder: Path) -> Iterator[None]:
    """Within it, `workspace()` is this folder: for work on a thread of its own, begun for somebody."""
    before = _chosen.set(folder)
    try:
        yield
    finally:
        _chosen.reset(before)


def set_workspace_finder(finder: Callable[[], Path | None] | None) -> None:
    """Let pages say whose workspace it is: asked at every `workspace()`; None stands for the usual folder."""
    global _finder
    _finder = finder
