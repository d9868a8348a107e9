"""The form of a new training: level, dataset, network, and all settings for those who want them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from fer_core.datasets.library import SYNTHETIC, Stored, list_datasets
from fer_core.errors import FerError
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.config import CHOICES, PRESETS, TrainingConfig, preset
from fer_core.training.machine_queue import is_taken
from fer_core.training.runs import ACTIVE, list_runs
from ui.train.common import LEVELS, network
from ui.train.limits import begin
from ui.train.preview import facts
from ui.train.time_estimate import forget_trial
from ui.train.validation import check, few

__all__ = ["new_training"]

WORDS = {
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "constant": "Stays as it is",
    "plateau": "Lower where it stalls",
    "cosine": "Sinks to 0",
    "none": "None",
    "flip": "Mirrored",
    "light": "Mirrored and moved",
    "full": "As faces in clips vary",
    "balanced": "Rare ones count more",
    "auto": "The faster here",
    "float32": "32 bits",
    "mixed_bfloat16": "16 bits",
}

DOUBLE_CLICK = 3.0
"""Seconds within which a second press with the same settings is the other half of a double click."""


@st.fragment
def new_training() -> None:
    """Draw the form, and start a training when the person says so."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        level = (
            st.segmented_control(
                "How thorough",
                list(LEVELS),
                default="quick",
                required=True,
                format_func=lambda name: LEVELS[name][0],
                key="level",
            )
            or "quick"
        )
        st.caption(LEVELS[level][1])
        chosen = _dataset()
        architecture = st.selectbox(
            "Network",
            list(ARCHITECTURES),
            index=list(ARCHITECTURES).index(PRESETS[level]["architecture"]),
            format_func=network,
            key=f"network-{level}",
        )
        st.caption(ARCHITECTURES[architecture].summary)
        name = st.text_input("Name", key="name", placeholder="Such as: first try", max_chars=80)
        changes = _all_settings(level, chosen)
        config, problem = None, ""
        try:
            changes |= {"data": chosen.name, "architecture": architecture, "name": name.strip()}
            config = preset(level, **changes)
            check(config, chosen)
        except FerError as error:
            problem = str(error)
        pressed = st.button("Train", type="primary", icon=":material/play_arrow:", key="train", disabled=bool(problem))
        if problem:
            st.error(problem, icon=":material/error:")
        elif words := few(chosen):
            st.warning(words, icon=":material/warning:")
    with right:
        if config is not None:
            facts(config, chosen, busy=is_taken() or any(run.state in ACTIVE for run in list_runs()))
    if pressed and config is not None and not problem:
        _begin(config)


def _dataset() -> Stored:
    stored = {found.name: found for found in list_datasets()}
    data = st.selectbox(
        "Dataset",
        list(stored),
        format_func=lambda name: f"{stored[name].title} · {stored[name].images:,} images",
        key="data",
    )
    chosen = stored[data]
    if chosen.name == SYNTHETIC:
        st.caption(
            ":material/draw: These faces are drawn by this program. What learns from them knows drawings, not people: "
            "bring photographs in on the page **Explore** to train on them."
        )
    return chosen


def _all_settings(level: str, chosen: Stored) -> dict[str, Any]:
    """Return every setting, for those who want them; what is not touched stays as the level has it."""
    usual = dataclasses.asdict(TrainingConfig(**PRESETS[level]))
    found: dict[str, Any] = {}

    def pick(field: str, title: str, options: list[str], words: Mapping[str, str] = WORDS, **how: Any) -> None:
        at = options.index(usual[field]) if usual[field] in options else 0
        # The dataset is in the key of what depends on it.
        key = f"{field}-{level}" if words else f"{field}-{level}-{chosen.name}"
        found[field] = st.selectbox(title, options, index=at, format_func=lambda o: words.get(o, o), key=key, **how)

    def number(field: str, title: str, step: float, **how: Any) -> None:
        form = "%d" if isinstance(usual[field], int) else "%g"
        found[field] = st.number_input(
            title, value=usual[field], step=step, min_value=type(step)(0), format=form, key=f"{field}-{level}", **how
        )

    with st.expander("All settings", icon=":material/tune:"):
        one, two = st.columns(2, gap="medium")
        with one:
            number("epochs", "Rounds (epochs)", 1, help="How often all images are gone through.")
            number("batch", "Images a step (batch)", 1)
            number(
                "learning_rate", "Learning rate", 0.0001, help="How large a step is. Too large, and nothing is learned."
            )
            pick("schedule", "The rate over time", list(CHOICES["schedule"]))
            if found["schedule"] == "plateau":
                number("plateau_factor", "Lower the rate to this share", 0.05)
                number("plateau_patience", "After so many rounds without gain", 1)
            elif found["schedule"] == "cosine":
                number("warm_up", "Warm-up", 0.01, help="Share of the training in which the rate rises from 0.")
            pick("optimizer", "Optimiser", list(CHOICES["optimizer"]))
            number("weight_decay", "Weight decay", 0.0001, help="Keeps weights small.")
            number("early_stop", "End after rounds without gain", 1, help="0: never.")
        with two:
            pick("augmentation", "Vary the images", list(CHOICES["augmentation"]))
            number("label_smoothing", "Label smoothing", 0.05, help="How much the labels are doubted.")
            number("mixup", "Mix pairs of images", 0.1, help="0: never.")
            pick("class_weights", "Weigh the expressions", list(CHOICES["class_weights"]))
            number("ema", "Average the weights", 0.001, help="Decay of the moving average; 0: none.")
            number("seed", "Seed", 1, help="The same seed, settings and data give the same result.")
            pick("precision", "Numbers", list(CHOICES["precision"]))
            number("threads", "Processor threads", 1, help="0: as many as there are.")
        parts = list(chosen.splits)
        usual["training_split"] = "Training" if "Training" in parts else parts[0]
        if len(parts) == 1:
            found["training_split"] = parts[0]
            st.caption("A tenth of each expression is held back to measure on.")
        else:
            others = [part for part in parts if part != usual["training_split"]]
            usual["validation_split"] = "PublicTest" if "PublicTest" in parts else others[0]
            with one:
                pick("training_split", "Images to learn from", parts, {})
            with two:
                pick("validation_split", "Images to measure on", parts, {})
    return found


def _begin(config: TrainingConfig) -> None:
    # An object, taken before: another press may end this run of the page at any use of the session state.
    last: dict[str, Any] = st.session_state.setdefault("training-began", {})
    if last.get("config") != config or time.monotonic() - last["at"] > DOUBLE_CLICK:
        forget_trial()
        try:
            last |= {"config": config, "at": time.monotonic(), "run": begin(config).id}
        except FerError as error:
            st.error(str(error), icon=":material/error:")
            return
    st.query_params["run"] = last["run"]
    st.rerun()
