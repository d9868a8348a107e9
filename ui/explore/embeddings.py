"""What a model makes of a dataset: a map of the images, and the labels that it doubts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.charts.dataset import map_chart
from fer_core.curation.embeddings import embed_2d, features
from fer_core.curation.label_errors import caution, label_errors
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored
from fer_core.models.bundle import Bundle
from fer_core.models.registry import active_bundle, list_models
from fer_core.utils.progress import part
from fer_core.utils.workspace import use_workspace, workspace
from ui.app.formatting import escaped
from ui.app.resources import models_left_out
from ui.components.background_task import Step, background
from ui.explore.image_grid import show_grid

__all__ = ["show_doubts", "show_map"]

DRAWN = 6000
"""Points that are drawn: more make a browser slow. A box finds all images, drawn or not."""

ONCE = "Half a minute for 35,000 images, longer on a busy computer; then it is kept."

PIXELS = ""
"""Stands for no model among the names of models."""


def show_map(data: Dataset, stored: Stored) -> None:
    """Draw the map, and the images of the area that is picked in it."""
    st.caption(
        "Each point is an image; those that look alike to the model lie together. Where colours mix, it can hardly "
        "tell the labels apart. How far groups lie from each other means nothing."
    )
    bundle, key = _model(data, "map")
    folder = workspace()

    def place(step: Step) -> np.ndarray:
        with use_workspace(folder):
            return embed_2d(features(data, bundle, part(step, 0.0, 0.5)), part(step, 0.5, 1.0))

    places = background(
        key,
        "Draw the map",
        place,
        icon=":material/scatter_plot:",
        help=ONCE,
    )
    if places is None:
        return
    drawn = np.random.default_rng(0).permutation(len(data))[:DRAWN]
    table = pd.DataFrame(
        {
            "x": places[drawn, 0],
            "y": places[drawn, 1],
            "label": np.array(data.names, object)[data.labels[drawn]],
            "row": data.rows[drawn],
        }
    )
    event = st.altair_chart(
        map_chart(table, data.names),
        key=f"{key}-chart",
        on_select="rerun",
        selection_mode=["brush"],
        alt="Map of the images, coloured by label",
    )
    some = f" {DRAWN:,} of the {len(data):,} images are drawn; a box finds all." if len(data) > DRAWN else ""
    st.caption(f"Drag a box to see its images; double-click to let it go.{some}")
    box = event.selection.get("brush") or {}
    if "x" not in box or "y" not in box:
        return
    inside = np.ones(len(data), bool)
    for axis, channel in enumerate("xy"):
        low, high = sorted(box[channel])
        inside &= (places[:, axis] >= low) & (places[:, axis] <= high)
    found = np.flatnonzero(inside)
    st.subheader("The images of this area", anchor=False)
    st.markdown(_of_which(data, found))
    show_grid(data, stored, found, "map", extra=pd.DataFrame(places[found].round(4), columns=["x", "y"]))


def show_doubts(data: Dataset, stored: Stored) -> None:
    """Draw the images whose label the model contradicts, the most doubtful first."""
    bundle, key = _model(data, "doubts")
    st.caption(escaped(caution(bundle), 1000))
    folder = workspace()

    def judge(step: Step) -> pd.DataFrame:
        with use_workspace(folder):
            return label_errors(data, features(data, bundle, part(step, 0.0, 0.5)), part(step, 0.5, 1.0))

    table = background(
        key,
        "Look for doubtful labels",
        judge,
        icon=":material/rule:",
        help=ONCE,
    )
    if table is None:
        return
    st.markdown(
        f"**{len(table):,}** of {len(data):,} labels are contradicted. A doubtful label is not a wrong one: look, and "
        "leave out of a cleaned copy what you find to be wrong."
    )
    left, right = st.columns(2)
    labels = left.multiselect("Label in the file", list(data.names), key=f"{key}-labels", placeholder="All")
    splits = right.multiselect("Splits", data.split_names, key=f"{key}-splits", placeholder="All")
    if labels:
        table = table[table["label"].isin(labels)]
    if splits:
        table = table[table["split"].isin(splits)]
    notes = [f"probably {name} ({p:.0%})" for name, p in zip(table["suggested"], table["confidence"], strict=True)]
    extra = table[["suggested", "confidence", "label_confidence"]].round(4)
    show_grid(data, stored, table["index"].to_numpy(np.int64), "doubtful", notes=notes, extra=extra)


def _model(data: Dataset, what: str) -> tuple[Bundle | None, str]:
    """Draw the choice of the model; gives it, None for plain pixels, and a key for what is made with it."""
    bundles = {bundle.name: bundle for bundle in list_models()}
    names = [*bundles, PIXELS]
    name = st.selectbox(
        "Model that measures similarity",
        names,
        index=names.index(active_bundle()) if active_bundle() in names else 0,
        format_func=lambda key: bundles[key].title if key in bundles else "No model: plain pixels",
        key=f"explore-{what}-model",
        width=480,
    )
    models_left_out()
    bundle = bundles.get(name)
    version = str(bundle.card.get("sha256"))[:8] if bundle else "pixels"
    return bundle, f"explore-{what}-{data.fingerprint[:8]}-{version}"


def _of_which(data: Dataset, found: Sequence[int] | np.ndarray) -> str:
    """Such as "12 happy, 3 sad", in Markdown."""
    counts = np.bincount(data.labels[np.asarray(found, np.int64)], minlength=len(data.names))
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i]]
    return ", ".join(f"**{counts[i]:,}** {escaped(data.names[i])}" for i in order)
