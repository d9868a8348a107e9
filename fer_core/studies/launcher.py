"""Process that analyses a study: its start by a page; it outlives the page and the server."""

from __future__ import annotations

from fer_core.studies.library import list_studies
from fer_core.studies.manifest import StudyError
from fer_core.studies.study import Study
from fer_core.utils.child_process import ChildProcess

__all__ = ["launch", "resume_interrupted"]

_children: list[ChildProcess] = []  # those that ended are collected, so that no dead process stays


def launch(study: Study, *, in_turn: bool = False) -> None:
    """Start the analysis of what waits in a study, in a process of its own; nothing where one is at it already.

    Args:
        study: to be analysed.
        in_turn: one study at a time on this computer, with one worker: for hosts.

    Raises:
        StudyError: the process cannot be started.
    """
    _children[:] = [child for child in _children if child.status is None]
    if study.running():
        return
    study.clear_stops()
    study.tell(ended=False, starting=True)
    options = ["--in-turn", "--workers", "1"] if in_turn else []
    try:
        child = ChildProcess(
            "fer_core",
            *("studies", "run", study.name, *options),
            log=study.folder / "log.txt",
            settings={"FER_HOME": str(study.folder.parent.parent.resolve())},
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
