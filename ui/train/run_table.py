"""The trainings so far: a table to compare them, the way to each, and their curves one above the other."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.charts import training as curves
from fer_core.datasets.library import list_datasets
from fer_core.errors import FerError
from fer_core.labels import FER7
from fer_core.models.registry import active_bundle
from fer_core.training.diagnosis import best_epoch
from fer_core.training.runs import ACTIVE, Run, list_runs
from ui.app.formatting import quoted
from ui.train.common import STATES, network, references, titles

__all__ = ["all_runs", "under_way"]

MOST = 6
"""Runs that are laid over each other at most."""


def under_way() -> None:
    """The trainings that run or wait, in their order, each with the way to it."""
    for run in reversed(list_runs()):
        if (state := run.state) in ACTIVE:
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                words = f"**{STATES[state]}:** {quoted(run.name)}"
                if state == "running" and (best := best_epoch(run.epochs())) is not None:
                    words += f", {best[1]:.1%} of the validation images right so far"
                st.markdown(f":material/model_training: {words}", width="content")
                st.button("Watch it", key=f"watch-{run.id}", on_click=_open, args=(run.id,))


def all_runs() -> None:
    """Table, a way to each run, curves of several."""
    runs = list_runs()
    if not runs:
        return
    names, in_use = titles(runs), active_bundle()
    known = {stored.name: stored.title for stored in list_datasets()}
    st.subheader("Your trainings", anchor=False)
    tables = {run.id: run.epochs() for run in runs}
    st.dataframe(
        pd.DataFrame([_row(run, names[run.id], tables[run.id], known, in_use) for run in runs]),
        hide_index=True,
        column_config={
            "Best validation": st.column_config.NumberColumn(format="%.1f %%"),
            "Note": st.column_config.TextColumn(width="medium"),
        },
        placeholder="–",
        alt="Each training with its state, network, dataset, epochs, best validation accuracy and note",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox("Look at one", list(names), format_func=names.__getitem__, key="pick", width=320)
        st.button("Open", icon=":material/open_in_new:", key="open", on_click=_open, args=(picked,))
    whole = [run for run in runs if len(tables[run.id])]
    if len(whole) > 1:
        _compare(whole, names, tables)


def _open(run_id: str) -> None:
    st.query_params["run"] = run_id


def _compare(runs: list[Run], names: dict[str, str], tables: dict[str, pd.DataFrame]) -> None:
    ids = [run.id for run in runs]
    picked = st.multiselect(
        "Compare the curves of",
        ids,
        default=ids[:2],
        format_func=lambda run_id: names[run_id],
        max_selections=MOST,
        key="compare",
    )
    if not picked:
        return
    chosen_runs = [run for run in runs if run.id in picked]
    lines = [_lines(run) for run in chosen_runs]
    overlaid = {names[run.id]: tables[run.id] for run in chosen_runs}
    left, right = st.columns(2, gap="medium")
    key = "-".join(sorted(picked))
    with left:
        st.markdown("**Accuracy**")
        st.altair_chart(
            # Only lines that hold for all of them.
            curves.accuracy(overlaid, references=[line for line in lines[0] if all(line in other for other in lines)]),
            key=f"all-accuracy-{key}",
            alt="Accuracy of the chosen trainings after each epoch",
        )
    with right:
        st.markdown("**Loss**")
        st.altair_chart(
            curves.loss(overlaid), key=f"all-loss-{key}", alt="Loss of the chosen trainings after each epoch"
        )


def _lines(run: Run) -> tuple[curves.Reference, ...]:
    try:
        data = run.config.data
    except FerError:
        data = ""
    said = run.status.get("classes")
    return references(data, [str(name) for name in said] if isinstance(said, list) else FER7)


def _row(run: Run, title: str, epochs: pd.DataFrame, known: dict[str, str], in_use: str) -> dict[str, object]:
    best = best_epoch(epochs)
    row: dict[str, object] = {
        "Training": title,
        "State": "In use" if run.id == in_use else STATES[run.state],
        "Best validation": 100 * best[1] if best else None,
        "Network": "",
        "Dataset": "",
        "Epochs": str(len(epochs)),
        "Minutes": round(float(epochs["seconds"].sum()) / 60, 1) if len(epochs) else None,
        "Note": run.note.replace("\n", " ")[:80],
    }
    try:
        config = run.config
    except FerError:
        return {**row, "State": "Damaged"}
    row |= {"Network": network(config.architecture), "Dataset": known.get(config.data, config.data)}
    return {**row, "Epochs": f"{len(epochs)} of {config.epochs}"}
