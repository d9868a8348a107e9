"""Words and numbers as pages show them."""

from __future__ import annotations

import re
from pathlib import Path

from fer_core.utils.platform import portable_name

__all__ = ["about", "clock", "escaped", "file_stem", "quoted", "small_number"]


def clock(seconds: float) -> str:
    """Return the seconds as a person reads them on a player: 0:07, 12:30, 1:02:05."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def about(seconds: float | None) -> str:
    """Return how long it still takes, to follow how far it is; nothing where that cannot be told."""
    return "" if seconds is None else " · almost done" if seconds < 2 else f" · about {clock(seconds)} left"


def file_stem(name: str) -> str:
    """Return a name for downloads, from a name that somebody gave: letters, digits, dots, dashes."""
    return portable_name(re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.")[:60] or "clip")


def quoted(name: str) -> str:
    """Return a name that somebody gave, in quotation marks, shown as it is: Markdown in it stays text."""
    return f"“{escaped(name)}”"


def escaped(words: str, longest: int = 80) -> str:
    """Return the words that somebody gave, shown as they are: Markdown in them stays text."""
    plain = "".join(c for c in words if c.isprintable())[:longest]
    return "".join("\\" + c if c in "\\`*_{}[]()#+-!~$:<>|" else c for c in plain)


def small_number(value: float) -> str:
    """Return a small number, such as a learning rate, with two digits that count and without a power of ten."""
    return "below 0.00001" if 0 < value < 1e-5 else f"{value:.{5 if value < 1e-3 else 4}f}".rstrip("0").rstrip(".")
