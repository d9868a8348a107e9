"""The studies of a workspace: made, opened, listed and deleted."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from fer_core.errors import FerError
from fer_core.studies.manifest import StudyError
from fer_core.studies.settings import StudySettings
from fer_core.studies.study import VERSION, Study, write_file
from fer_core.utils.platform import remove_folder
from fer_core.utils.workspace import workspace

__all__ = ["RECENT", "create_study", "delete_study", "list_studies", "open_study", "study_names"]

RECENT = "Recent"
"""The study of clips that were analysed one by one."""

README = """This folder is a study of Expression Lab. It can be read without that program:

study.json            settings: how the clips are analysed
manifest.jsonl        one JSON object a line; the last line about a clip counts
clips/<first 12 signs of the clip's id>/
  clip.json           facts of the clip, and everything that its numbers hang on
  table.parquet       one row for each face and analysed frame
  episodes.parquet    who showed what, from when to when
  people.json         names given to tracks; tracks of one name are one person
  moments.json        key moments; their pictures lie in moments/
  annotated.mp4       the clip with boxes and expressions, where it was wanted
sources/              clips that were brought through the browser
work/                 what is in hand; it goes when a clip is done

An expression is what a face shows, not what somebody feels.
"""


def _root() -> Path:
    return workspace() / "studies"


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not re.fullmatch(r"[\w][\w .()-]{0,59}", name) or name.endswith("."):
        raise StudyError(
            "A study's name has 1 to 60 letters, digits, spaces, dots, brackets or dashes, and begins with a letter or "
            f"digit; received {name[:80]!r}."
        )
    return name


def create_study(name: str, settings: StudySettings | None = None) -> Study:
    """Make a study in the workspace.

    Args:
        name: becomes the folder's name.
        settings: how its clips are analysed.

    Raises:
        StudyError: the name is taken or no name for a folder, or nothing can be written there.

    Example:
        >>> from fer_core.studies.library import create_study
        >>> study = create_study("Pilot")  # doctest: +SKIP
    """
    folder = _root() / _checked(name)
    if (folder / "study.json").exists():
        raise StudyError(f"There is a study called {folder.name} already. Choose another name.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"{folder} cannot be made: {error.strerror}. Choose a workspace that can be written."
        ) from error
    write_file(folder / "README.txt", README)
    facts = {"version": VERSION, "name": folder.name, "settings": (settings or StudySettings()).as_object()}
    write_file(folder / "study.json", json.dumps(facts, indent=1))
    return Study(folder)


def open_study(name: str) -> Study:
    """Open a study of the workspace.

    Raises:
        StudyError: there is none of that name, or it cannot be used.
    """
    folder = _root() / _checked(name)
    if not folder.is_dir():
        raise StudyError(f"There is no study called {name!r}. There are: {', '.join(study_names()) or 'none yet'}.")
    return Study(folder)


def study_names() -> list[str]:
    """Return the names of the workspace's studies, in order of the alphabet."""
    return sorted((path.parent.name for path in _root().glob("*/study.json")), key=str.casefold)


def list_studies() -> tuple[list[Study], list[str]]:
    """Return the workspace's studies, and a sentence for each that cannot be used."""
    studies, problems = [], []
    for name in study_names():
        try:
            studies.append(Study(_root() / name))
        except FerError as error:
            problems.append(str(error))
    return studies, problems


def delete_study(study: Study) -> None:
    """Delete a study with everything in it; clips that lie elsewhere stay.

    Raises:
        StudyError: it is being analysed.
    """
    with study.hold():
        gone = study.folder.with_name(f".gone-{study.name}-{os.getpid()}")
        study.folder.rename(gone)
    remove_folder(gone)
