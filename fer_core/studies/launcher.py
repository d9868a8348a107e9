"""Process that analyses a study: its start by a page; it outlives the page and the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fer_core.studies.library import list_studies
from fer_core.studies.manifest import StudyError
from fer_core.studies.study import Study

__all__ = ["launch", "resume_interrupted"]

PROJECT = Path(__file__).resolve().parent.parent.parent

_children: list[subprocess.Popen[bytes]] = []  # those that ended are collected, so that no dead process stays


def launch(study: Study, *, in_turn: bool = False) -> None:
    """Start the analysis of what waits in a study, in a process of its own; nothing where one is at it already.

    Args:
        study: to be analysed.
        in_turn: one study at a time on this computer, with one worker: for hosts.

    Raises:
        StudyError: the process cannot be started.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    if study.running():
        return
    study.clear_stops()
    study.tell(ended=False, starting=True)
    options = ["--in-turn", "--workers", "1"] if in_turn else []
    try:
        with open(study.folder / "log.txt", "ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "fer_core", "studies", "run", study.name, *options],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "FER_HOME": str(study.folder.parent.parent.resolve())},
            )
    except OSError as error:
        raise StudyError(f"The analysis could not be started: {error.strerror}. Try again in a moment.") from error
    _children.append(child)


def resume_interrupted() -> list[str]:
    """Go on with the studies of this workspace whose process was killed; returns their names."""
    resumed = []
    for study in list_studies()[0]:
        in_hand = any(entry.state == "running" for entry in study.clips())
        if in_hand and not study.running() and not (study.folder / "stop").exists():
            launch(study)
            resumed.append(study.name)
    return resumed
