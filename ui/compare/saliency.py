"""One image of a comparison: what each model and people say of it, and where the models look."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import streamlit as st

from fer_core.charts.evaluation import PEOPLE, opinions
from fer_core.datasets.votes import votes_of
from fer_core.errors import Cancelled, FerError
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.label_mapping import people_share
from fer_core.evaluation.results import Subset
from fer_core.evaluation.saliency import CAVEAT, SaliencyMap, has_saliency, saliency_maps
from fer_core.models.keras_subprocess import has_keras
from fer_core.models.predictor import Predictor
from fer_core.utils.array_cache import content_key
from ui.app.formatting import escaped
from ui.components.background_task import background

__all__ = ["look_closer"]

SIDE = 240
SAID = "what each model says"


def look_closer(work: Comparison, subset: Subset, place: int, titles: dict[str, str]) -> None:
    """Draw one image of the view."""
    image, truth = subset.which[place], subset.names[subset.truth[place]]
    with st.container(border=True):
        left, right = st.columns([1, 2], gap="large")
        picture = cv2.resize(work.images[image], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        left.image(picture, width=SIDE, alt=f"Face: {truth}, row {work.rows[image]}")
        left.markdown(f"Row {work.rows[image]} · label **{escaped(work.names[work.labels[image]])}**")
        if work.votes[image].any():
            left.markdown(f"People saw: {votes_of(work.votes[image])}")
        shares = {
            titles[e.predictor.name]: given[place]
            for e in work.evaluations
            if (given := subset.probabilities(e)) is not None
        }
        people = people_share(work.votes[image], subset.names)
        if people is not None:
            shares[PEOPLE] = people
        with right:
            st.altair_chart(
                opinions(shares, subset.names),
                key=f"opinions-{subset.key.truth}-{image}",
                alt="How sure each model is of each expression, and how many people saw it",
            )
        _where(work, subset, place, titles)


def _where(work: Comparison, subset: Subset, place: int, titles: dict[str, str]) -> None:
    models = [e for e in work.evaluations if has_saliency(e.predictor) and subset.probabilities(e) is not None]
    without = [titles[e.predictor.name] for e in work.evaluations if e.predictor.keras is None]
    if not models:
        why = "none of these models has a Keras file" if has_keras() else "TensorFlow is not installed here"
        st.caption(f":material/visibility_off: Where the models look cannot be shown: {why}.")
        return
    wished = st.selectbox("Show what speaks for", [SAID, *subset.names], key="compare-look-for", width=280)
    asked: list[tuple[Predictor, str]] = []
    for evaluation in models:
        given = subset.probabilities(evaluation)
        assert given is not None
        asked.append((evaluation.predictor, subset.names[given[place].argmax()] if wished == SAID else wished))
    image = work.images[subset.which[place]][None]
    key = "-".join(["look", content_key(image), *(f"{model.fingerprint} {words}" for model, words in asked)])
    found = background(
        key,
        "Show where the models look",
        lambda step: _looks(asked, image, subset.names, step),
        icon=":material/visibility:",
        help="Grad-CAM: which parts of the picture speak for the answer. Takes some seconds for each model.",
    )
    if found is None:
        return
    work.keep_saliency(key, [what for what in found if isinstance(what, SaliencyMap)])
    with st.container(horizontal=True, gap="medium"):
        for what in found:
            with st.container(width=SIDE):
                if isinstance(what, str):
                    st.warning(escaped(what, 600), icon=":material/warning:")
                else:
                    st.image(
                        what.overlay(SIDE), channels="BGR", width=SIDE, alt=what.words, caption=escaped(what.words, 300)
                    )
    st.caption(CAVEAT + (escaped(f" No Keras file, so not shown: {', '.join(without)}.", 300) if without else ""))


def _tell(step: Callable[[float], None], before: int, count: int, share: float) -> None:
    step((before + share) / count)


def _looks(
    asked: list[tuple[Predictor, str]], image: np.ndarray, names: tuple[str, ...], step: Callable[[float], None]
) -> list[SaliencyMap | str]:
    """Return what each model looks at; a sentence for one that cannot tell."""
    found: list[SaliencyMap | str] = []
    for i, (model, expression) in enumerate(asked):
        try:
            found += saliency_maps(model, image, [expression], names, partial(_tell, step, i, len(asked)))
        except Cancelled:
            raise
        except FerError as error:
            found.append(str(error))
    return found
