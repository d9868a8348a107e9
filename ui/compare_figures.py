"""The figures of a comparison: a table with the best in bold, each kind of truth, and what differences mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.comparison import Comparison
from fer_core.outcomes import FERPLUS, LABELS, Evaluation, View
from fer_core.plainly import MEANINGS, difference
from fer_core.published import CAUTION, PUBLISHED

__all__ = ["best", "percent", "show_figures"]

NONE = "–"
Cell = Callable[[float], str]


def percent(value: float) -> str:
    return f"{value:.1%}"


FIGURES: dict[str, tuple[str, Cell, bool]] = {
    "Right": ("accuracy", percent, True),
    "Macro-F1": ("macro_f1", "{:.3f}".format, True),
    "Within two": ("top2", percent, True),
    "NLL": ("nll", "{:.3f}".format, False),
    "ECE": ("ece", "{:.3f}".format, False),
}
"""Column -> its figure, how it is written, and whether more is better."""


def best(values: Sequence[float | None], cell: Cell, more: bool) -> list[str]:
    """The values as written, the best of several in bold; what is written alike is equally good."""
    known = [value for value in values if value is not None]
    if not known:
        return [NONE] * len(values)
    top = cell(max(known) if more else min(known))
    words = [NONE if value is None else cell(value) for value in values]
    return [f"**{w}**" if w == top and len(values) > 1 and len(set(words)) > 1 else w for w in words]


def main_table(work: Comparison, view: View, clean: bool, titles: dict[str, str]) -> pd.DataFrame:
    """A row for each model, with the figures of the images that count."""
    given = [e.figures.get(view.kind + ("_clean" if clean else "")) for e in work.evaluations]
    columns: dict[str, list[str]] = {"Model": [titles[e.contender.name] for e in work.evaluations]}
    for name, (key, cell, more) in FIGURES.items():
        columns[name] = best([None if g is None else g[key] for g in given], cell, more)
        if name == "Right":
            columns["95 % interval"] = [
                NONE if g is None else f"{g['accuracy_interval'][0]:.1%} to {g['accuracy_interval'][1]:.1%}"
                for g in given
            ]
    speeds = [e.speed for e in work.evaluations]
    columns["One face"] = best([s["one_ms"] for s in speeds], "{:.2f}\u00a0ms".format, False)
    columns["Images/s"] = best([s["images_per_second"] for s in speeds], "{:,.0f}".format, True)
    columns["Size"] = best([e.contender.size / 1e6 for e in work.evaluations], "{:.1f}\u00a0MB".format, False)
    columns["On"] = [f"{work.split}, {len(view):,} images" if g else NONE for g in given]
    return pd.DataFrame(columns)


def published_rows(columns: Sequence[str]) -> pd.DataFrame:
    """What others published, as rows of the main table, marked as such."""
    rows = pd.DataFrame(
        {
            "Model": [f"{row.title} :gray-badge[published]" for row in PUBLISHED],
            "Right": [percent(row.accuracy) for row in PUBLISHED],
            "On": [f"{row.split} ({'; '.join(w for w in (row.source, row.note) if w)})" for row in PUBLISHED],
        }
    )
    return rows.reindex(columns=columns, fill_value=NONE)


def truths_table(work: Comparison, titles: dict[str, str]) -> pd.DataFrame:
    """Each model against each kind of truth, on all images and on those without near copies."""
    columns: dict[str, list[str]] = {"Model": [titles[e.contender.name] for e in work.evaluations]}

    def add(name: str, read: Callable[[Evaluation], float | None], cell: Cell = percent, more: bool = True) -> None:
        values = [read(evaluation) for evaluation in work.evaluations]
        if any(value is not None for value in values):
            columns[name] = best(values, cell, more)

    parts = (("", "all"), ("_clean", "without copies"))
    for kind, words in ((LABELS, "Labels"), (FERPLUS, "What most people saw")):
        for suffix, part in parts:
            add(f"{words}, {part}", lambda e, key=kind + suffix: (e.figures.get(key) or {}).get("accuracy"))
    for suffix, part in parts:
        votes: Callable[[Evaluation], dict[str, Any]] = lambda e, s=suffix: e.votes_clean if s else e.votes  # noqa: E731
        add(f"Each vote, {part}", lambda e, votes=votes: votes(e).get("agreement"))
    add("Distance from the votes", lambda e: e.votes.get("cross_entropy"), "{:.3f}".format, False)
    return pd.DataFrame(columns)


def show_figures(work: Comparison, view: View, clean: bool, titles: dict[str, str]) -> None:
    """Draw the tables and the sentences."""
    table, published = main_table(work, view, clean, titles), False
    if view.kind == LABELS:
        published = st.toggle("Also what others have published", key="published", bind="query-params")
    if published:
        table = pd.concat([table, published_rows(list(table.columns))], ignore_index=True)
    st.table(table, border="horizontal", hide_index=True, alt="Figures of each model")
    if published:
        st.caption(CAUTION)
    with st.expander("What the figures mean", icon=":material/help:"):
        st.markdown("\n".join(f"- **{name}**: {words}" for name, words in MEANINGS.items()))
    if len(work.evaluations) > 1:
        st.subheader("Is the difference real?", anchor=False)
        for sentence in differences(work, view, titles):
            st.markdown(f"- {sentence}")
        st.caption("McNemar's exact test on the images that one model alone names right.")
    st.subheader("Against each kind of truth", anchor=False)
    st.table(
        truths_table(work, titles), border="horizontal", hide_index=True, alt="Accuracy against each kind of truth"
    )
    st.caption(_truth_words(work))


def differences(work: Comparison, view: View, titles: dict[str, str]) -> list[str]:
    """The model that is right most often against each other one."""
    order = sorted(work.evaluations, key=lambda e: -int(view.right(e).sum()))
    first, *others = [e for e in order if view.probabilities(e) is not None] or order
    return [
        difference(f"**{titles[first.contender.name]}**", f"**{titles[e.contender.name]}**", view.against(first, e))
        for e in others
    ]


def _truth_words(work: Comparison) -> str:
    words = ["Labels are those of the dataset."]
    ceilings = [e.votes["ceiling"] for e in work.evaluations if "ceiling" in e.votes]
    if ceilings:
        words.append(
            "FER+ asked ten people about each image: “most people” counts the images where more than half agree; “each "
            f"vote” is the share of people who say what the model says, at best {ceilings[0]:.1%}; the distance (cross-"
            f"entropy) is at best {work.evaluations[0].votes.get('entropy', 0):.3f}."
        )
    if work.clean is not None:
        copies = int((~work.clean).sum())
        words.append(f"{copies:,} of the {len(work.images):,} images have a near copy in Training.")
    return " ".join(words)
