"""The figures of a comparison: a table with the best in bold, each kind of truth, and what differences mean."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer_core.evaluation.baselines import BASELINES, CAUTION
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import FERPLUS, LABELS, Subset, SubsetKey
from fer_core.reports.tables import NONE, Cell, Scoreboard, differences, figure_board, vote_board
from fer_core.reports.wording import MEANINGS
from ui.app.formatting import escaped

__all__ = ["show_figures", "written"]

PARTS = ((False, "all"), (True, "without copies"))


def show_figures(work: Comparison, subset: Subset, clean: bool) -> None:
    """Draw the tables and the sentences."""
    table, published = main_table(work, subset, clean), False
    if subset.key.truth == LABELS:
        published = st.toggle("Also what others have published", key="published", bind="query-params")
    if published:
        table = pd.concat([table, published_rows(list(table.columns))], ignore_index=True)
    st.table(table, border="horizontal", hide_index=True, alt="Figures of each model")
    if published:
        sources = [f"{row.title}: {', '.join(w for w in (row.source, row.note) if w)}" for row in BASELINES]
        st.caption(f"{CAUTION} Sources: {'; '.join(sources)}.")
    with st.expander("What the figures mean", icon=":material/help:"):
        st.markdown("\n".join(f"- **{name}**: {words}" for name, words in MEANINGS.items()))
    if len(work.evaluations) > 1:
        st.subheader("Is the difference real?", anchor=False)
        st.markdown("\n".join(f"- {escaped(words, 600)}" for words in differences(work, subset.key.truth, clean=clean)))
        st.caption("McNemar's exact test on the images that one model alone names right.")
    st.subheader("Against each kind of truth", anchor=False)
    st.table(truths_table(work), border="horizontal", hide_index=True, alt="Accuracy against each kind of truth")
    st.caption(_truth_words(work))


def written(cell: Cell) -> str:
    """Return a cell for a table that reads Markdown: the best in bold, kept on one line."""
    text = cell.text.replace(" ", "\u00a0")
    return f"**{text}**" if cell.best else text


def main_table(work: Comparison, subset: Subset, clean: bool) -> pd.DataFrame:
    """Return a row for each model, with the figures of the images that count."""
    table = _frame(figure_board(work, subset.key.truth, clean=clean))
    table["On"] = [
        NONE
        if subset.probabilities(e) is None
        else f"{escaped(work.split)}, {len(subset):,} images".replace(" ", "\u00a0")
        for e in work.evaluations
    ]
    return table


def published_rows(columns: Sequence[str]) -> pd.DataFrame:
    """Return what others published, as rows of the main table, marked as such."""
    rows = pd.DataFrame(
        {
            "Model": [f"{row.title} :gray-badge[published]" for row in BASELINES],
            "Right": [f"{row.accuracy:.1%}" for row in BASELINES],
            "On": [row.split for row in BASELINES],
        }
    )
    return rows.reindex(columns=columns, fill_value=NONE)


def truths_table(work: Comparison) -> pd.DataFrame:
    """Return each model against each kind of truth, on all images and on those without near copies."""
    parts = PARTS if work.clean is not None else PARTS[:1]
    kinds = {LABELS: "Labels", FERPLUS: "What most people saw"}
    table = _frame(figure_board(work, cost=False))[["Model"]]
    for kind, words in kinds.items():
        if any(SubsetKey(kind) in e.figures for e in work.evaluations):
            for clean, part in parts:
                table[f"{words}, {part}"] = _frame(figure_board(work, kind, clean=clean, cost=False))["Right"]
    votes = vote_board(work)
    return table if votes is None else table.merge(_frame(votes), on="Model")


def _frame(board: Scoreboard) -> pd.DataFrame:
    rows = [[escaped(title, 40), *map(written, cells)] for title, cells in board.rows]
    return pd.DataFrame(rows, columns=list(board.columns))


def _truth_words(work: Comparison) -> str:
    words = ["Labels are those of the dataset."]
    if work.votes.any():
        words.append(
            "FER+ asked ten people about each image: “most people” counts the images on which more than half of them "
            "agree; “votes that agree” is the share of people who say what the model says."
        )
    if work.clean is not None:
        copies = int((~work.clean).sum())
        words.append(f"{copies:,} of the {len(work.images):,} images have a near copy in Training.")
    return " ".join(words)
