"""Whether, and how long, somebody may train here: pages start and resume trainings through this and nothing else."""

from __future__ import annotations

import math

from fer_core.errors import FerError
from fer_core.models.keras_subprocess import has_keras
from fer_core.training.config import TrainingConfig
from fer_core.training.launcher import held
from fer_core.training.runs import ACTIVE, Run, list_runs, start
from fer_core.utils.jobs import Busy
from ui.app.settings import settings
from ui.app.visitor_session import visits

__all__ = ["begin", "go_on", "refusal"]


def refusal() -> str:
    """Why nothing is trained here, in words; empty where it is."""
    if not settings().training:
        return (
            "Training is switched off here, because it takes a computer of one's own for minutes or hours. Start the "
            "app on your own computer, or ask whoever runs this host."
        )
    if not has_keras():
        return "TensorFlow is not installed here, and training needs it: pip install tensorflow."
    return ""


def begin(config: TrainingConfig) -> Run:
    """Start a training for whoever looks at the page.

    Raises:
        FerError: it is switched off, or cannot be started.
        Busy: the visitor of a host has one under way, or as many of others run or wait as the host allows.
    """
    _check()
    return start(config, minutes=_minutes())


def go_on(run: Run, epochs: int | None = None) -> None:
    """Resume a training, see `Run.resume`; raises what `begin` does."""
    _check()
    run.resume(epochs, minutes=_minutes())


def _check() -> None:
    if words := refusal():
        raise FerError(words)
    now = settings()
    if not now.hosted:
        return
    if any(run.state in ACTIVE for run in list_runs()):
        raise Busy("You have a training under way or waiting already. Stop it, or wait until it is done.")
    others = sum(held(path.parent) for path in visits().root.glob("*/runs/*/config.json"))
    if others > now.waiting:
        raise Busy(f"{others} trainings run or wait here already. Try again later.")


def _minutes() -> float | None:
    minutes = settings().training_minutes
    return None if math.isinf(minutes) else minutes
