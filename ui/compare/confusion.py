"""What was taken for what: confusion matrices side by side, the images behind a cell, recall and precision."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.charts.evaluation import confusion
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.error_analysis import cell_members
from fer_core.evaluation.results import Evaluation, Subset, SubsetKey
from fer_core.reports.tables import class_board
from ui.app.formatting import escaped
from ui.compare.images import show_images
from ui.compare.metrics import written

__all__ = ["show_mistakes"]

CELL = "compare-cell"
FREQUENT = 3
"""Most frequent mistakes of each model that are offered by name."""
Cell = tuple[str, str, str]
"""A model's name, what is true, what it said."""


def show_mistakes(work: Comparison, subset: Subset, clean: bool, titles: dict[str, str]) -> None:
    """Draw the matrices, the images of the cell that was clicked, and each class's recall and precision."""
    key = subset.key
    given = [e for e in work.evaluations if key in e.figures]
    st.caption("Each row is what is true, each column what the model says. Click a cell to see its images.")
    for start in range(0, len(given), 2):
        for column, evaluation in zip(st.columns(2, gap="medium"), given[start : start + 2], strict=False):
            with column:
                _matrix(evaluation, key, subset, titles)
    _frequent(given, key, subset, titles)
    cell: Cell | None = st.session_state.get(CELL)
    chosen = next((e for e in given if cell and e.predictor.name == cell[0]), None)
    if cell and chosen and {cell[1], cell[2]} <= set(subset.names):
        _members(work, subset, chosen, cell, titles)
    st.subheader("Each expression", anchor=False)
    st.table(_classes(work, subset, clean), border="horizontal", hide_index=True, alt="Recall and precision")
    st.caption(
        "Found: of the images that show it, how many the model names so (recall). Right: of those that it names so, "
        "how many show it (precision)."
    )


def _matrix(evaluation: Evaluation, key: SubsetKey, subset: Subset, titles: dict[str, str]) -> None:
    name = evaluation.predictor.name
    chart = f"compare-matrix-{name}-{key}"

    def picked() -> None:
        points = st.session_state[chart].selection.get("cell") or []
        st.session_state[CELL] = (name, points[0]["truth"], points[0]["said"]) if points else None

    st.markdown(f"**{escaped(titles[name], 40)}**")
    st.altair_chart(
        confusion(evaluation.figures[key]["confusion"], subset.names),
        key=chart,
        on_select=picked,
        selection_mode=["cell"],
        alt=f"Confusion matrix of {titles[name]}",
    )


def _frequent(given: list[Evaluation], key: SubsetKey, subset: Subset, titles: dict[str, str]) -> None:
    """The most frequent mistakes by name: for fingers and keyboards, which do not hit a cell well."""
    cells: dict[Cell, int] = {}
    for evaluation in given:
        matrix = evaluation.figures[key]["confusion"]
        own = {
            (evaluation.predictor.name, truth, said): matrix[i][j]
            for i, truth in enumerate(subset.names)
            for j, said in enumerate(subset.names)
            if i != j and matrix[i][j]
        }
        cells |= dict(sorted(own.items(), key=lambda item: -item[1])[:FREQUENT])

    def picked() -> None:
        st.session_state[CELL] = st.session_state["compare-frequent"]

    if cells:
        st.pills(
            "Most frequent mistakes",
            list(cells),
            format_func=lambda c: escaped(f"{titles[c[0]]}: {c[1]} taken for {c[2]} · {cells[c]:,}", 120),
            key="compare-frequent",
            on_change=picked,
        )


def _members(work: Comparison, subset: Subset, evaluation: Evaluation, cell: Cell, titles: dict[str, str]) -> None:
    name, truth, said = cell
    given = subset.probabilities(evaluation)
    assert given is not None
    found = cell_members(given, subset.truth, subset.names.index(truth), subset.names.index(said))
    words = f"show {truth}, and it says so" if truth == said else f"show {truth}, and it says {said}"
    st.subheader(escaped(f"{titles[name]}: {len(found):,} images {words}", 200), anchor=False)
    if len(found):
        show_images(work, subset, found, titles, f"compare-cell-{name}-{truth}-{said}")


def _classes(work: Comparison, subset: Subset, clean: bool) -> pd.DataFrame:
    columns = {
        "Expression": list(subset.names),
        "Images": [f"{(subset.truth == i).sum():,}" for i in range(len(subset.names))],
    }
    boards = {
        words: class_board(work, figure, subset.key.truth, clean=clean)
        for words, figure in (("found", "per_class"), ("right", "precision"))
    }
    for place, title in enumerate(boards["found"].columns[1:]):
        for words, board in boards.items():
            columns[f"{escaped(title, 40)}: {words}"] = [written(cells[place]) for _, cells in board.rows]
    return pd.DataFrame(columns)
