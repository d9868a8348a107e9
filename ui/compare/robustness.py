"""Accuracy on images made harder, on the compare page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.charts.evaluation import condition
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.corruptions import CONDITIONS, TITLES, corrupt
from fer_core.evaluation.results import LABELS, Subset
from fer_core.reports.wording import GOOD
from ui.app.formatting import escaped
from ui.components.background_task import Step, background
from ui.components.face_grid import tiles

__all__ = ["HARDER", "show_harder"]

HARDER = 300
"""Images that are made worse, under each of the 23 conditions."""


def show_harder(work: Comparison, subset: Subset, clean: bool, titles: dict[str, str], key: str) -> None:
    """Accuracy against face size, blur, brightness and roll; the images are made worse on the fly."""
    done = [e for e in work.evaluations if e.conditions]
    if len(done) < len(work.evaluations):
        count = min(HARDER, len(work.images))
        st.markdown(
            f"How soon does a model give in? {count:,} of the images are made smaller, blurred, darker, brighter and "
            "turned, a little at first, then more, and the models are asked again."
        )

        def harder(step: Step) -> bool:
            work.run_corruptions(count, step)
            return True

        if background(f"{key}-harder", "Make the images harder", harder, icon=":material/fitness_center:") is None:
            return
    truth = subset.key
    rows = {titles[e.predictor.name]: e.conditions[truth] for e in work.evaluations if truth in e.conditions}
    if not rows:
        st.info("None of the images that were made worse is among those that count.", icon=":material/filter_alt_off:")
        return
    columns = st.columns(2, gap="large")
    for place, name in enumerate(CONDITIONS):
        with columns[place % 2]:
            st.subheader(TITLES[name], anchor=False)
            st.altair_chart(condition(rows, name), alt=f"How often each model is right, by {TITLES[name].lower()}")
            stack = np.concatenate([corrupt(work.images[:1], name, amount) for amount in CONDITIONS[name]])
            tiles(stack, [f"{amount:g}" for amount in CONDITIONS[name]], ["transparent"] * len(stack), width=44)
            st.caption(GOOD[name])
    against = "the dataset's labels" if subset.key.truth == LABELS else "what most people saw"
    part = " without a near copy in Training" if clean else ""
    st.caption(
        f"Right against {against} on {next(iter(rows.values()))[0]['n']:,} images{part} in one view, without the "
        "mirrored second look. At the dashed rule the images are as they were."
    )
    missing = [title for title in titles.values() if title not in rows]
    if missing:
        st.caption(f":material/info: {escaped(', '.join(missing), 300)}: no words for what people saw.")
