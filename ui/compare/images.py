"""Images of a comparison with what each model and people say of them, and one of them looked at closely."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.charts.dataset import colours_of
from fer_core.datasets.votes import votes_of
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.error_analysis import disagreements, hardest, label_loss, vote_loss
from fer_core.evaluation.results import FERPLUS, Evaluation, View
from ui.compare.saliency import look_closer
from ui.components.face_grid import tiles, vote_strip

__all__ = ["show_disagreements", "show_hardest", "show_images"]

A_PAGE = 24
ALL = "All models together"


def show_images(work: Comparison, view: View, places: np.ndarray, titles: dict[str, str], key: str) -> None:
    """Draw images in pages, and the one that is picked closely.

    Args:
        work: the comparison.
        view: what counts.
        places: of the images, in the view.
        titles: of the models by name.
        key: begins the keys of the widgets.
    """
    pages, page = -(-len(places) // A_PAGE), 1
    if pages > 1:
        page = st.pagination(pages, key=f"{key}-page-{pages}")
    shown = places[(page - 1) * A_PAGE : page * A_PAGE]
    images = view.which[shown]
    colours = colours_of(view.names)
    tiles(
        work.images[images],
        [_words(work, view, i, titles) for i in shown],
        [colours[view.names[view.truth[i]]] for i in shown],
        width=150,
        more=[vote_strip(votes) for votes in work.votes[images]],
    )
    picked = st.pills(
        "Look closely at",
        shown.tolist(),
        format_func=lambda i: f"row {work.rows[view.which[i]]}",
        key=f"{key}-pick-{page}-{pages}",
    )
    if picked is not None and picked in shown:
        look_closer(work, view, int(picked), titles)


def _words(work: Comparison, view: View, place: int, titles: dict[str, str]) -> str:
    image = view.which[place]
    parts = [f"{view.names[view.truth[place]]} (row {work.rows[image]})"]
    for evaluation in work.evaluations:
        given = view.probabilities(evaluation)
        if given is not None:
            parts.append(f"{titles[evaluation.contender.name]}: {_guesses(given[place], view.names)}")
    if work.votes[image].any():
        parts.append(f"people: {votes_of(work.votes[image])}")
    return " · ".join(parts)


def _guesses(given: np.ndarray, names: tuple[str, ...]) -> str:
    order = np.argsort(-given, kind="stable")[:2]
    return ", ".join(f"{names[i]}\u00a0{given[i]:.0%}" for i in order if given[i] >= 0.005)


def _loss(work: Comparison, view: View, evaluation: Evaluation) -> np.ndarray | None:
    given = view.probabilities(evaluation)
    if given is None:
        return None
    return vote_loss(given, work.votes[view.which]) if view.kind == FERPLUS else label_loss(given, view.truth)


def show_hardest(work: Comparison, view: View, titles: dict[str, str]) -> None:
    """The images that cost the models most."""
    losses = {e.contender.name: loss for e in work.evaluations if (loss := _loss(work, view, e)) is not None}
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
    order = hardest(np.stack(list(losses.values())) if whose in (ALL, None) else losses[whose])
    st.caption(
        "The images on which the models are most surely wrong come first"
        + ("; an image on which people disagree does not count as hard for that." if view.kind == FERPLUS else ". ")
        + ("" if view.kind == FERPLUS else "Look at them: often it is the label that is wrong.")
    )
    show_images(work, view, order, titles, f"compare-hardest-{whose}")


def show_disagreements(work: Comparison, view: View, titles: dict[str, str]) -> None:
    """The images that the models call differently."""
    given = [p for e in work.evaluations if (p := view.probabilities(e)) is not None]
    if len(given) < 2:
        st.info("One model alone disagrees with nobody. Choose at least two.", icon=":material/info:")
        return
    found = disagreements(given)
    if not len(found):
        st.success("The models name every image alike.", icon=":material/check_circle:")
        return
    st.markdown(
        f"The models do not agree on **{len(found):,}** of {len(view):,} images ({len(found) / len(view):.0%}). Those "
        "on which they are surest come first."
    )
    show_images(work, view, found, titles, "compare-disagree")
