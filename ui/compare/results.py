"""The result of a comparison: what counts, and the views of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import FERPLUS, LABELS, Subset
from fer_core.reports.html import report_html
from fer_core.reports.tables import model_titles
from fer_core.utils.jobs import Job, State
from ui.app.formatting import escaped, file_stem
from ui.compare.calibration import show_confidence
from ui.compare.confusion import show_mistakes
from ui.compare.images import show_disagreements, show_hardest
from ui.compare.metrics import show_figures
from ui.compare.model_cards import show_cards
from ui.compare.robustness import show_harder

__all__ = ["show_comparison"]

TRUTHS = {LABELS: "Labels", FERPLUS: "What most people saw"}
PARTS = ("All images", "Without near copies")
FACES = 12
"""Hardest images, and as many contested ones, of a report with faces."""
VIEWS = ("Figures", "Mistakes", "Confidence", "Harder images", "Hardest images", "Disagreements", "Models")


def show_comparison(job: Job[Comparison], again: Callable[[], None]) -> None:
    """Draw a comparison that has ended; `again` is called before the page is drawn to choose others."""
    work = job.work
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader(
            f"{escaped(work.dataset_name)} · {escaped(work.split)} · {len(work.images):,} images", anchor=False
        )
        with st.container(horizontal=True, width="content"):
            if work.evaluations:
                _report(work)
            st.button("Compare others", icon=":material/arrow_back:", on_click=again, key="over")
    if job.error is not None:
        st.error(job.error, icon=":material/error:")
    if job.state is State.CANCELLED:
        st.info(
            f"It was stopped: {len(work.evaluations)} of {len(work.models)} models are through.",
            icon=":material/pause_circle:",
        )
    for name, sentence in work.failures:
        st.warning(f"**{escaped(name)}** could not be asked. {escaped(sentence, 600)}", icon=":material/warning:")
    if not work.evaluations:
        return
    notes = [note for evaluation in work.evaluations for note in evaluation.notes] + work.notes
    if notes:
        st.caption("  \n".join(f":material/info: {escaped(note, 600)}" for note in dict.fromkeys(notes)))
    subset, clean = _what_counts(work)
    if not len(subset):
        st.info("No image is left to count.", icon=":material/filter_alt_off:")
        return
    titles = model_titles(work.evaluations)
    shown = st.segmented_control("View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params")
    if shown == "Mistakes":
        show_mistakes(work, subset, clean, titles)
    elif shown == "Confidence":
        show_confidence(work, subset, clean, titles)
    elif shown == "Harder images":
        show_harder(work, subset, clean, titles, job.id)
    elif shown == "Hardest images":
        show_hardest(work, subset, titles)
    elif shown == "Disagreements":
        show_disagreements(work, subset, titles)
    elif shown == "Models":
        show_cards(work, titles)
    else:
        show_figures(work, subset, clean)


def _report(work: Comparison) -> None:
    with st.popover("Report", icon=":material/description:"):
        st.markdown("All figures and charts as one HTML file: it needs no internet, and prints well.")
        faces = st.toggle(
            "With face images",
            key="compare-faces",
            help="The hardest and the most contested ones, and where models look as far as you asked. A dataset's "
            "licence may not let its images be passed on.",
        )
        st.download_button(
            "Download",
            lambda: report_html(work, when=datetime.now().astimezone(), images=FACES if faces else 0),
            f"{file_stem(work.dataset_name)}-{file_stem(work.split)}-comparison.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            key="compare-report",
        )


def _what_counts(work: Comparison) -> tuple[Subset, bool]:
    """Draw the choice of truth and part, where there is one; gives the view and whether it is the clean part."""
    kind, clean = LABELS, False
    with st.container(horizontal=True, gap="medium"):
        if work.known.any() and any(e.ferplus is not None for e in work.evaluations):
            kind = st.segmented_control(
                "Held against",
                list(TRUTHS),
                format_func=TRUTHS.__getitem__,
                default=LABELS,
                required=True,
                key="truth",
                bind="query-params",
                help="The dataset's labels, or what more than half of the ten people of FER+ saw.",
            )
        if work.clean is not None:
            part = st.segmented_control(
                "Counted",
                PARTS,
                default=PARTS[0],
                required=True,
                key="part",
                bind="query-params",
                help="A model may know images by heart that have a near copy in Training.",
            )
            clean = part == PARTS[1]
    return work.subset(kind or LABELS, clean=clean), clean
