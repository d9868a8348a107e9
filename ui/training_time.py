"""How long a training will take on this computer: measured on a few steps when the person asks, and remembered."""

from __future__ import annotations

import dataclasses

import streamlit as st

from fer_core.architectures import ARCHITECTURES
from fer_core.errors import FerError
from fer_core.library import Stored
from fer_core.tempo import Trial, known
from fer_core.training import TrainingConfig
from ui.training import span
from ui.training_check import sizes

__all__ = ["epoch_times", "forget_trial", "time_needed"]

TRIAL, QUEUE = "tempo-trial", "tempo-queue"
"""Keys of the session: the measurement that runs, and the settings that are measured after it."""


def epoch_times(config: TrainingConfig, stored: Stored) -> dict[str, str]:
    """For each network how long an epoch takes with these settings and images; a dash where it was not measured."""
    found = {name: known(dataclasses.replace(config, architecture=name)) for name in ARCHITECTURES}
    counts = sizes(config, stored)
    return {name: "–" if tempo is None else span(tempo.epoch(*counts)) for name, tempo in found.items()}


def time_needed(config: TrainingConfig, stored: Stored, *, busy: bool) -> None:
    """Say how long the training will take where that is known, and offer to measure it.

    Args:
        config: the settings.
        stored: the dataset.
        busy: whether this computer trains now: a measurement would be wrong, and slow that down.
    """
    tempo = known(config)
    if tempo is not None:
        epoch = tempo.epoch(*sizes(config, stored))
        st.markdown(
            f":material/timer: About **{span(epoch)}** an epoch, **{span(epoch * config.epochs)}** in all; measured on "
            "this computer."
        )
    if problem := st.session_state.pop("tempo-problem", None):
        st.error(problem, icon=":material/error:")
    if _measuring():
        _wait()
    elif "–" in epoch_times(config, stored).values():
        st.button(
            "Measure the time",
            icon=":material/timer:",
            key="measure",
            on_click=_measure,
            args=(config,),
            disabled=busy,
            help="Lets each network learn for a few seconds on this computer, the chosen one first."
            if not busy
            else "When no training is under way.",
        )


def forget_trial() -> None:
    """End a measurement: a training begins, which needs the processors."""
    st.session_state.pop(QUEUE, None)
    if trial := st.session_state.pop(TRIAL, None):
        trial.cancel()


def _measure(config: TrainingConfig) -> None:
    order = sorted(ARCHITECTURES, key=lambda name: name != config.architecture)
    all_of_them = [dataclasses.replace(config, architecture=name) for name in order]
    st.session_state[QUEUE] = [one for one in all_of_them if known(one) is None]
    _next()


def _next() -> None:
    try:
        st.session_state[TRIAL] = Trial(st.session_state[QUEUE].pop(0))
    except FerError as error:
        st.session_state["tempo-problem"] = str(error)
        st.session_state.pop(QUEUE, None)


def _measuring() -> bool:
    """Whether a measurement runs; one that has ended makes room for the next."""
    trial: Trial | None = st.session_state.get(TRIAL)
    if trial is None:
        return False
    if trial.ended:
        del st.session_state[TRIAL]
        if st.session_state.get(QUEUE):
            _next()
    return TRIAL in st.session_state


@st.fragment(run_every=1.0)
def _wait() -> None:
    trial: Trial | None = st.session_state.get(TRIAL)
    if trial is None or trial.ended:
        st.rerun()  # the figures stand in other parts of the page too
    left = len(st.session_state.get(QUEUE, ())) + 1
    st.caption(f":material/hourglass_top: Measuring, {left} to go, about ten seconds each …")
    st.button("Cancel", key="measure-cancel", type="tertiary", on_click=forget_trial)
