"""Images of a comparison with what each model and people say of them, and one of them looked at closely."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.charts.dataset import colors_of
from fer_core.datasets.votes import votes_of
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.error_analysis import disagreements, highest_loss, label_loss, vote_loss
from fer_core.evaluation.results import FERPLUS, Evaluation, Subset
from ui.compare.saliency import look_closer
from ui.components.face_grid import tiles, vote_strip

__all__ = ["show_disagreements", "show_hardest", "show_images"]

A_PAGE = 24
ALL = "All models together"


def show_images(work: Comparison, subset: Subset, places: np.ndarray, titles: dict[str, str], key: str) -> None:
    """Draw images in pages, and the one that is picked closely.

    Args:
        work: the comparison.
        subset: what counts.
        places: of the images, in the view.
        titles: of the models by name.
        key: begins the keys of the widgets.
    """
    pages, page = -(-len(places) // A_PAGE), 1
    if pages > 1:
        page = st.pagination(pages, key=f"{key}-page-{pages}")
    shown = places[(page - 1) * A_PAGE : page * A_PAGE]
    images = subset.which[shown]
    colors = colors_of(subset.names)
    tiles(
        work.images[images],
        [_words(work, subset, i, titles) for i in shown],
        [colors[subset.names[subset.truth[i]]] for i in shown],
        width=150,
        more=[vote_strip(votes) for votes in work.votes[images]],
    )
    picked = st.pills(
        "Look closely at",
        shown.tolist(),
        format_func=lambda i: f"row {work.rows[subset.which[i]]}",
        key=f"{key}-pick-{page}-{pages}",
    )
    if picked is not None and picked in shown:
        look_closer(work, subset, int(picked), titles)


def _words(work: Comparison, subset: Subset, place: int, titles: dict[str, str]) -> str:
    image = subset.which[place]
    parts = [f"{subset.names[subset.truth[place]]} (row {work.rows[image]})"]
    for evaluation in work.evaluations:
        given = subset.probabilities(evaluation)
        if given is not None:
            parts.append(f"{titles[evaluation.predictor.name]}: {_guesses(given[place], subset.names)}")
    if work.votes[image].any():
        parts.append(f"people: {votes_of(work.votes[image])}")
    return " · ".join(parts)


def _guesses(given: np.ndarray, names: tuple[str, ...]) -> str:
    order = np.argsort(-given, kind="stable")[:2]
    return ", ".join(f"{names[i]}\u00a0{given[i]:.0%}" for i in order if given[i] >= 0.005)


def _loss(work: Comparison, subset: Subset, evaluation: Evaluation) -> np.ndarray | None:
    given = subset.probabilities(evaluation)
    if given is None:
        return None
    return (
        vote_loss(given, work.votes[subset.which]) if subset.key.truth == FERPLUS else label_loss(given, subset.truth)
    )


def show_hardest(work: Comparison, subset: Subset, titles: dict[str, str]) -> None:
    """The images that cost the models most."""
    losses = {e.predictor.name: loss for e in work.evaluations if (loss := _loss(work, subset, e)) is not None}
    whose: str | None = ALL
    if len(losses) > 1:
        whose = st.segmented_control(
            "Hardest for",
            [ALL, *losses],
            format_func=lambda name: titles.get(name, name),
            default=ALL,
            required=True,
            key="compare-hardest",
        )
    order = highest_loss(np.stack(list(losses.values())) if whose in (ALL, None) else losses[whose])
    st.caption(
        "The images on which the models are most surely wrong come first"
        + (
            "; an image on which people disagree does not count as hard for that."
            if subset.key.truth == FERPLUS
            else ". "
        )
        + ("" if subset.key.truth == FERPLUS else "Look at them: often it is the label that is wrong.")
    )
    show_images(work, subset, order, titles, f"compare-hardest-{whose}")


def show_disagreements(work: Comparison, subset: Subset, titles: dict[str, str]) -> None:
    """The images that the models call differently."""
    given = [p for e in work.evaluations if (p := subset.probabilities(e)) is not None]
    if len(given) < 2:
        st.info("One model alone disagrees with nobody. Choose at least two.", icon=":material/info:")
        return
    found = disagreements(given)
    if not len(found):
        st.success("The models name every image alike.", icon=":material/check_circle:")
        return
    st.markdown(
        f"The models do not agree on **{len(found):,}** of {len(subset):,} images ({len(found) / len(subset):.0%}). "
        "Those on which they are surest come first."
    )
    show_images(work, subset, found, titles, "compare-disagree")
