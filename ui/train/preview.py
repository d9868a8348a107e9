"""What is known before a training begins: size and time of the networks, the images as they will be shown to one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.charts.dataset import colors_of
from fer_core.datasets.library import Stored, load_dataset
from fer_core.models.architectures import ARCHITECTURES
from fer_core.training.batches import vary
from fer_core.training.config import TrainingConfig
from fer_core.utils.workspace import workspace
from ui.components.face_grid import tiles
from ui.train.time_estimate import epoch_times, measure_all, measure_time, time_needed

__all__ = ["facts"]

SHOWN = 5
"""Faces of the preview; each is shown as it is and in ROWS variations."""
ROWS = 2

VARIED = {
    "none": "The network sees the images as they are, in every round.",
    "flip": "The network sees each image mirrored in about half of the rounds.",
    "light": "The network sees each image mirrored and moved a little, differently in each round.",
    "full": "The network sees each image turned, moved, lit, blurred or covered, differently in each round.",
}


def facts(config: TrainingConfig, stored: Stored, *, busy: bool) -> None:
    """The network's size and time beside the others', and some images as they will be shown to it.

    Args:
        config: the settings.
        stored: the dataset.
        busy: whether this computer trains now.
    """
    chosen = ARCHITECTURES[config.architecture]
    with st.container(border=True):
        st.markdown(
            f"**{short(chosen.parameters)}** parameters · **{short(chosen.multiply_adds)}** multiply-adds an image"
        )
        measure_time(config, busy=busy)
        time_needed(config, stored, busy=busy)
        _networks(epoch_times(config, stored))
        measure_all(config, busy=busy)
    _preview(config, stored)


def _networks(times: dict[str, str]) -> None:
    rows = [
        {
            "Network": network.title,
            "An epoch": times[network.name],
            "Parameters": short(network.parameters),
            "Multiply-adds": short(network.multiply_adds),
        }
        for network in ARCHITECTURES.values()
    ]
    with st.expander("All networks", icon=":material/hub:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Size and time of each network")
        st.caption(
            "Parameters are the numbers that it learns; multiply-adds are the work that one image is; an epoch is one "
            "round through all images, with the settings of this form, on this computer: measured, or with ≈ estimated "
            "from the multiply-adds, which is rough."
        )


@st.cache_data(show_spinner=False, max_entries=16)
def _sample(folder: str, stored: str, name: str, split: str) -> tuple[np.ndarray, list[str]]:
    """Return some training images of different labels, and their labels."""
    data = load_dataset(name).split(split)
    order = np.random.default_rng(1).permutation(len(data))
    first = [order[data.labels[order] == label][:1] for label in np.unique(data.labels)]
    picks = np.concatenate([*first, order])[: min(SHOWN, len(data))]
    return data.images[picks], [data.names[label] for label in data.labels[picks]]


def _preview(config: TrainingConfig, stored: Stored) -> None:
    images, names = _sample(str(workspace()), repr(stored), stored.name, config.training_split)
    turn = st.session_state.setdefault("preview-turn", 0)
    rng = np.random.default_rng(turn)
    st.markdown("**As the network sees them**")
    st.caption(VARIED[config.augmentation])
    known = colors_of(list(stored.labels))
    colors = [known[name] for name in names]
    tiles(images, names, colors, width=56)
    if config.augmentation == "none":
        return
    for _ in range(ROWS):
        tiles(vary(images, rng, config.augmentation), [""] * len(images), colors, width=56)
    st.button("Vary again", icon=":material/casino:", key="vary", on_click=_again, type="tertiary")


def _again() -> None:
    st.session_state["preview-turn"] += 1


def short(count: float) -> str:
    """Return a large number as people say it: 4.48 million."""
    for unit, size in (("billion", 1e9), ("million", 1e6), ("thousand", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f}"
