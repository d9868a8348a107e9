"""How long a training will take here: measured on a few steps while the form is filled in, and remembered."""

from __future__ import annotations

import dataclasses

import streamlit as st

from fer_core.datasets.library import Stored
from fer_core.errors import FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.config import TrainingConfig
from fer_core.training.speed_estimate import SpeedTrial, estimate_speed, known_speed, speed_key
from ui.train.common import span
from ui.train.validation import sizes

__all__ = ["epoch_times", "forget_trial", "measure_all", "measure_time", "time_needed"]

TRIAL, FAILED, ALL = "tempo-trial", "tempo-failed", "tempo-all"
"""Keys of the session: the measurement that runs and of what, what could not be measured and why, and the settings
with which all networks shall be measured."""

NOTHING = "The time could not be measured here."


def epoch_times(config: TrainingConfig, stored: Stored) -> dict[str, str]:
    """For each network how long an epoch takes with these settings and images; ≈ where that is an estimate."""
    counts, found = sizes(config, stored), {}
    for one in _each(config):
        measured = known_speed(one)
        tempo = measured or estimate_speed(one)
        words = "–" if tempo is None else span(tempo.epoch(*counts))
        found[one.architecture] = words if measured or tempo is None else f"≈ {words}"
    return found


def measure_time(config: TrainingConfig, *, busy: bool) -> None:
    """Begin to measure what is not known yet of these settings, in the background; a measurement of others ends.

    Args:
        config: the settings.
        busy: whether this computer trains now: a measurement would be wrong, and slow that down.
    """
    failed: dict[str, str] = st.session_state.setdefault(FAILED, {})
    if busy:
        forget_trial()
        failed.clear()
        return
    running: tuple[str, SpeedTrial] | None = st.session_state.get(TRIAL)
    if running is not None and running[1].ended:
        failed[running[0]] = NOTHING  # looked at only where nothing is known
        running = None
    first = _each(config) if st.session_state.get(ALL) == _settings(config) else [config]
    wanted = next((one for one in first if known_speed(one) is None and speed_key(one) not in failed), None)
    if running is not None and (wanted is None or running[0] != speed_key(wanted)):
        running[1].cancel()
        running = None
    if running is None and wanted is not None:
        try:
            running = speed_key(wanted), SpeedTrial(wanted)
        except FerError as error:
            failed[speed_key(wanted)] = str(error)
    st.session_state[TRIAL] = running


def time_needed(config: TrainingConfig, stored: Stored, *, busy: bool) -> None:
    """Say how long the training will take, how that is known, and what is being measured."""
    measured = known_speed(config)
    if (tempo := measured or estimate_speed(config)) is not None:
        epoch = tempo.epoch(*sizes(config, stored))
        whole = tempo.prepare + epoch * config.epochs
        how = "measured on this computer." if measured else "estimated from the multiply-adds."
        st.markdown(f":material/timer: About **{span(epoch)}** an epoch, **{span(whole)}** in all; {how}")
    if st.session_state.get(TRIAL) is not None:
        _wait()
    elif measured is None and busy:
        st.caption(":material/timer: The time is measured when no training is under way.")
    elif measured is None:
        st.caption(f":material/timer: {st.session_state[FAILED].get(speed_key(config), NOTHING)}")
        st.button("Try again", key="measure-again", type="tertiary", on_click=_forget_failures)


def measure_all(config: TrainingConfig, *, busy: bool) -> None:
    """Offer to measure the other networks too, where one of them is not known."""
    unknown = [one for one in _each(config)[1:] if known_speed(one) is None]
    if unknown and st.session_state.get(ALL) != _settings(config):
        st.button(
            "Measure the others too",
            icon=":material/timer:",
            key="measure-all",
            on_click=_want_all,
            args=(config,),
            disabled=busy,
            help=f"Lets {len(unknown)} networks learn for a few seconds on this computer, one after the other.",
        )


def forget_trial() -> None:
    """End a measurement: a training begins, which needs the processors."""
    st.session_state.pop(ALL, None)
    if running := st.session_state.pop(TRIAL, None):
        running[1].cancel()


def _each(config: TrainingConfig) -> list[TrainingConfig]:
    """Return the settings with each network, their own first."""
    order = sorted(ARCHITECTURES, key=lambda name: name != config.architecture)
    return [dataclasses.replace(config, architecture=name) for name in order]


def _settings(config: TrainingConfig) -> str:
    return speed_key(dataclasses.replace(config, architecture="tiny"))


def _want_all(config: TrainingConfig) -> None:
    st.session_state[ALL] = _settings(config)
    _forget_failures()


def _forget_failures() -> None:
    st.session_state.pop(FAILED, None)


@st.fragment(run_every=1.0)
def _wait() -> None:
    running: tuple[str, SpeedTrial] | None = st.session_state.get(TRIAL)
    if running is None or running[1].ended:
        st.rerun()  # the figures stand in other parts of the page too
    st.caption(":material/hourglass_top: Measuring on this computer, which takes about ten seconds …")
