"""What the parts of the training page share: levels and states in words, names of runs, lines to compare with."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from fer_core.charts.training import FER2013_REFERENCES, Reference, guessing
from fer_core.datasets.library import SYNTHETIC
from fer_core.labels import FER7
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.runs import Run

__all__ = ["LEVELS", "PROBLEM", "STATES", "network", "references", "say_problem", "span", "titles"]

PROBLEM = "training-problem"
"""Key of the session under which a callback leaves what went wrong, for the page to say it."""

LEVELS = {
    "quick": ("Quick look", "A small network and few rounds: enough to see how training works."),
    "reference": (
        "Reference recipe",
        "The network and the settings of the reference notebook, whose 65.8 % on FER2013 is known.",
    ),
    "best": ("Best", "A better network, images varied as clips vary, many rounds: the most accurate, and the slowest."),
}

STATES = {
    "queued": "Waiting",
    "running": "Training",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "done": "Done",
    "failed": "Failed",
}


def say_problem() -> None:
    """Draw what a callback left under PROBLEM."""
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem, icon=":material/error:")


def references(data: str, classes: Collection[str]) -> tuple[Reference, ...]:
    """Accuracies to compare with. Those of FER2013 say nothing about drawn faces, or about other labels."""
    count = len(classes) or len(FER7)
    known = data != SYNTHETIC and set(classes) == set(FER7)
    return (guessing(count), *(FER2013_REFERENCES if known else ()))


def titles(runs: list[Run]) -> dict[str, str]:
    """Return a title for each run's id; a number where two would be the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for run in reversed(runs):
        title, number = run.name, 2
        while title in taken:
            title, number = f"{run.name} ({number})", number + 1
        taken.add(title)
        found[run.id] = title
    return {run.id: found[run.id] for run in runs}


def network(name: str) -> str:
    """Return the title of a network."""
    return ARCHITECTURES[name].title if name in ARCHITECTURES else name


def span(seconds: float) -> str:
    """Return how long something takes, roughly."""
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
