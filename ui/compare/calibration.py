"""How far the models' confidence can be trusted, what leaving out the unsure buys, and images made harder."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.charts.evaluation import reliability, risk_coverage
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import COVERAGES, Subset
from fer_core.reports.wording import GOOD

__all__ = ["show_confidence"]


def show_confidence(work: Comparison, subset: Subset, clean: bool, titles: dict[str, str]) -> None:
    """Reliability, and risk against coverage."""
    key = subset.key
    figures = {titles[e.predictor.name]: e.figures[key] for e in work.evaluations if key in e.figures}
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Is it as sure as it may be?", anchor=False)
        st.altair_chart(
            reliability({title: own["reliability"] for title, own in figures.items()}),
            alt="How often each model is right, by how sure it is",
        )
        st.caption(GOOD["reliability"])
    with right:
        st.subheader("What does “unsure” buy?", anchor=False)
        st.altair_chart(
            risk_coverage({title: own["risk_coverage"] for title, own in figures.items()}),
            alt="How often each model is wrong, by the share of the images that it answers",
        )
        st.caption(GOOD["risk"])
    rows = {"Answers": [f"{c:.0%} of the images" if c < 1 else "all images" for c in COVERAGES]}
    for title, own in figures.items():
        rows[title] = [f"{own['risk_at_coverage'][str(c)]:.1%} wrong" for c in COVERAGES]
    rows_table = pd.DataFrame(rows)
    st.table(rows_table, border="horizontal", hide_index=True, alt="Share wrong by share answered")
