"""Export format: a row of the table of formats, and what the writers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fer_core.analysis.export import ClipResult
from fer_core.utils.platform import temporary_folder

__all__ = ["Format", "through_file"]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file that a result can be written to.

    Attributes:
        name: what the command line calls it.
        title: what a page calls it.
        ending: what follows the clip's name in the name of the file, such as `-frames.csv`.
        opens_in: the programs and libraries that read it.
        description: what it holds.
        write: gives the file's bytes, part by part.
        per_person: the format knows one face only, so that each person gets a file of their own.
    """

    name: str
    title: str
    ending: str
    opens_in: str
    description: str
    write: Callable[[ClipResult], Iterable[bytes]]
    per_person: bool = False


def through_file(write: Callable[[Path], object], name: str) -> bytes:
    """Return what a library writes that takes a path and no stream.

    Args:
        write: writes to the path that it is given.
        name: of the file, whose suffix some libraries read.
    """
    with temporary_folder("export-") as folder:
        path = folder / name
        write(path)
        return path.read_bytes()
