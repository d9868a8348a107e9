"""How bright, rich in contrast and sharp the images of a dataset are, and the extremes of each."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.charts.dataset import histogram_chart
from fer_core.charts.timeline import Spec, written
from fer_core.curation.image_stats import STATISTICS, histogram, image_stats
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored
from ui.components.datasets import shelf
from ui.explore.image_grid import show_grid

__all__ = ["measures", "show_light"]

ORDERS = {
    "Darkest": ("brightness", 1),
    "Brightest": ("brightness", -1),
    "Least contrast": ("contrast", 1),
    "Most contrast": ("contrast", -1),
    "Most blurred": ("sharpness", 1),
    "Sharpest": ("sharpness", -1),
}
"""What may stand first: a measure, and whether its least (1) or its most (-1) does."""

MEANING = {
    "brightness": "Mean grey: 0 is black, 255 white.",
    "contrast": "How far its pixels lie from that mean.",
    "sharpness": "How much a pixel differs from its neighbours.",
}


@st.cache_resource(show_spinner="Measuring the images …", max_entries=4)
def _measures(folder: str, fingerprint: str, _data: Dataset) -> pd.DataFrame:
    return image_stats(_data.images)


def measures(data: Dataset) -> pd.DataFrame:
    """See `fer_core.curation.image_stats.image_stats`."""
    return _measures(shelf(data), data.fingerprint, data)


@st.cache_data(show_spinner=False, max_entries=64)
def _bars(folder: str, fingerprint: str, kept: int, name: str, _values: np.ndarray) -> tuple[pd.DataFrame, Spec]:
    bins = histogram(_values)
    return bins, written(histogram_chart(bins, f"{name} (grey levels)"))


def show_light(data: Dataset, stored: Stored) -> None:
    """Draw a histogram of each measure; a click on a bar, or the choice below, shows the images."""
    key = f"explore-light-{data.fingerprint[:8]}"
    table = measures(data)
    labels = st.multiselect("Labels", list(data.names), key=f"{key}-labels", placeholder="All")
    keep = np.isin(np.array(data.names)[data.labels], labels) if labels else np.ones(len(data), bool)
    for place, name in zip(st.columns(3), STATISTICS, strict=True):
        values = table[name].to_numpy()
        kept = zlib.crc32(np.packbits(keep).tobytes())
        bins, chart = _bars(shelf(data), data.fingerprint, kept, name, values[keep])
        with place:
            event = st.vega_lite_chart(
                spec=chart,
                key=f"{key}-{name}",
                on_select="rerun",
                selection_mode=["bin"],
                alt=f"How many images have which {name}",
            )
            st.caption(MEANING[name])
        picked = [point["bin"] for point in event.selection.get("bin") or []]
        if picked and int(picked[0]) < len(bins):
            chosen = bins.iloc[int(picked[0])]
            last = chosen["high"] >= bins["high"].max()
            inside = (values >= chosen["low"]) & ((values <= chosen["high"]) if last else (values < chosen["high"]))
            keep = keep & inside
            st.markdown(f"Images with a {name} of **{chosen['low']:.1f} to {chosen['high']:.1f}**.")
    st.caption("Click a bar to see its images; double-click to see all again.")
    order = st.segmented_control("First", list(ORDERS), default="Darkest", required=True, key=f"{key}-order")
    name, side = ORDERS[order or "Darkest"]
    found = np.flatnonzero(keep)
    found = found[np.argsort(side * table[name].to_numpy()[found], kind="stable")]
    notes = [f"{name} {value:.0f}" for value in table[name].to_numpy()[found]]
    show_grid(data, stored, found, "light", notes=notes, extra=table.iloc[found].round(2))
