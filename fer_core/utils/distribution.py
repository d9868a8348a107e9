"""Places of what is shipped beside the code: models, sample, pages."""

from __future__ import annotations

from pathlib import Path

import platformdirs

__all__ = ["PACKAGE_PARENT", "default_workspace", "is_checkout", "sample_clip", "shipped"]

PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent
"""Folder from which `fer_core` is imported: where child processes start, so that they import the same code."""

_INSTALLED = Path(__file__).resolve().parent.parent / "_app"
"""A wheel carries here what lies at the top of the repository."""


def is_checkout() -> bool:
    """Return whether this runs from the repository rather than from an installed wheel."""
    return not _INSTALLED.is_dir()


def shipped(name: str) -> Path:
    """Return the path of something that lies at the top of the repository.

    Args:
        name: such as `models`, `samples/two-people.mp4`, or `app.py`.

    Example:
        >>> shipped("models").is_dir()
        True
    """
    return (PACKAGE_PARENT if is_checkout() else _INSTALLED) / name


def sample_clip() -> Path:
    """Return the path of the sample: 15 s, two people, made from public-domain pictures.

    Example:
        >>> sample_clip().name
        'two-people.mp4'
    """
    return shipped("samples/two-people.mp4")


def default_workspace() -> Path:
    """Return the folder of a person's own data: `.fer` in the repository, else where the system keeps such data."""
    if is_checkout():
        return PACKAGE_PARENT / ".fer"
    return Path(platformdirs.user_data_dir("expression-lab", appauthor=False))
