"""What is known of each model: where it comes from, what it learned from, how large it is, what it is not for."""

from __future__ import annotations

import streamlit as st

from fer_core.evaluation.comparison import Comparison
from fer_core.models.predictor import Predictor
from ui.app.formatting import escaped

__all__ = ["show_cards"]

ORIGINS = {"shipped": "Shipped with the app", "yours": "Yours", "package": "From another package"}


def show_cards(work: Comparison, titles: dict[str, str]) -> None:
    """A card for each model."""
    for evaluation in work.evaluations:
        with st.container(border=True):
            _card(evaluation.predictor, titles[evaluation.predictor.name], evaluation.rule)


def _card(model: Predictor, title: str, rule: str) -> None:
    st.subheader(escaped(title, 60), anchor=False)
    card = model.card
    if summary := card.get("summary"):
        st.markdown(escaped(str(summary), 600))
    facts = {
        "From": ORIGINS.get(model.origin, model.origin),
        "Says": "; ".join(", ".join(escaped(label) for label in head.labels) for head in model.heads),
        "Shows by the rule": escaped(rule, 400),
        "Learned from": _words(card.get("data"), "trained_on"),
        "Chosen and calibrated on": _words(card.get("data"), "selected_and_calibrated_on"),
        "Architecture": _words(card, "architecture"),
        "Takes": f"{model.side} × {model.side} pixels, grey levels: {escaped(model.scale)}",
        "Weights": f"{model.size / 1e6:.1f} MB, fingerprint `{model.fingerprint[:12]}`",
        "Keras file": "yes: where it looks can be shown" if model.keras else "none",
        "Licence": _words(card, "licence"),
    }
    st.markdown("\n".join(f"- **{name}**: {words}" for name, words in facts.items() if words))
    limits = card.get("limits")
    if isinstance(limits, list) and limits:
        st.markdown("**Limits**\n" + "\n".join(f"- {escaped(str(words), 300)}" for words in limits[:10]))


def _words(part: object, key: str) -> str:
    """Return what a card says under a key, shown as it is; a card may be anything."""
    return escaped(str(part[key]), 400) if isinstance(part, dict) and part.get(key) else ""
