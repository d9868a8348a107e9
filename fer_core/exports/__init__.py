"""Exports: a clip's result as files that other tools read, all of them listed in `FORMATS`.

A further format is a module that writes it and has its row or rows in a tuple `FORMATS`, and its name in `MODULES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fer_core.analysis.export import ClipResult
from fer_core.errors import OptionError
from fer_core.exports import (
    affdex,
    boris,
    bundle,
    deepface,
    delimited,
    elan,
    excel,
    facereader,
    fer,
    parquet,
    praat,
    pyfeat,
    report,
    spss,
    subtitles,
)
from fer_core.exports.format import Format
from fer_core.exports.tables import clean_result, clean_text, person_names, person_rows
from fer_core.utils.files import write_export

__all__ = ["FORMATS", "Format", "check_names", "export_files", "write_exports"]

MODULES = (
    delimited,
    excel,
    spss,
    parquet,
    elan,
    praat,
    boris,
    subtitles,
    fer,
    deepface,
    pyfeat,
    facereader,
    affdex,
    report,
    bundle,
)

FORMATS: dict[str, Format] = {entry.name: entry for module in MODULES for entry in module.FORMATS}
"""Name to format: what pages and the command line offer."""


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of formats, each once.

    Raises:
        OptionError: one of them is no format.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in FORMATS:
            raise OptionError(
                f"There is no export called {name!r}. Choose one or several of: {', '.join(FORMATS)}; "
                "separate them by commas."
            )
    if not wanted:
        raise OptionError(f"No export was named. Choose one or several of: {', '.join(FORMATS)}.")
    return wanted


def export_files(result: ClipResult, stem: str, name: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Give the files of one format: name and parts of each.

    Args:
        result: what was found in the clip.
        stem: begin of the files' names, such as the clip's name without its suffix.
        name: of the format.
    """
    (name,) = check_names([name])
    entry, result = FORMATS[name], clean_result(result)
    people = person_names(result) if entry.per_person else []
    if not entry.per_person:
        yield f"{stem}{entry.ending}", entry.write(result)
    elif len(people) < 2:
        yield f"{stem}{entry.ending}", entry.write(person_rows(result, people[0] if people else None))
    else:
        for person, part in zip(people, _file_parts(people), strict=True):
            yield f"{stem}-{part}{entry.ending}", entry.write(person_rows(result, person))


def write_exports(result: ClipResult, folder: Path, stem: str, names: Sequence[str]) -> list[Path]:
    """Write a result in several formats, each file whole or not at all.

    Args:
        result: what was found in the clip.
        folder: where the files go; it exists.
        stem: begin of the files' names, such as the clip's name without its suffix.
        names: of formats, see `FORMATS`; none writes nothing.

    Returns:
        The files, in the order of the names.

    Raises:
        OptionError: a name is no format; nothing is written.
        FerError: the disk is full or the folder cannot be written.

    Example:
        >>> write_exports(clip.findings(), Path("results"), "interview", ["excel", "elan"])  # doctest: +SKIP
        [PosixPath('results/interview.xlsx'), PosixPath('results/interview.eaf')]
    """
    written: list[Path] = []
    for name in check_names(names) if names else ():
        for filename, parts in export_files(result, stem, name):
            written.append(folder / filename)
            write_export(written[-1], parts)
    return written


def _file_parts(people: Sequence[str]) -> list[str]:
    """Return a part of a file's name for each person: letters, digits and hyphens, each once also in capitals."""
    taken: set[str] = set()
    parts = []
    for person in people:
        part = base = re.sub(r"\W+", "-", clean_text(person)).strip("-")[:40].lower() or "person"
        number = 2
        while part.casefold() in taken:
            part, number = f"{base}-{number}", number + 1
        taken.add(part.casefold())
        parts.append(part)
    return parts
