"""About: what the app measures, how often it is right and for whom that is not known, and what it is not for."""

from __future__ import annotations

import streamlit as st

from fer_core import __version__
from fer_core.errors import FerError
from fer_core.labels import FER7, ICONS
from fer_core.models.bundle import Bundle
from fer_core.models.registry import DEFAULT, load_model
from ui.about.licenses import BROUGHT, SHIPPED
from ui.app.page import frame
from ui.app.privacy_notice import words
from ui.app.settings import settings

frame("pages/about.py")

NOT_FOR = """
- **At work and in school.** To find out with a computer what people there feel is forbidden in the European Union
  (AI Act, Article 5(1)(f)).
- **Deciding about anybody**: hiring, marks, insurance, credit, police, borders, health.
- **Lie detection, diagnosis, character.** A face shows none of these.
- **People who do not know of it**, or said no. Whoever uses it must tell those who are filmed (AI Act, Article 50(3)).
"""

GROUPS = """
The pictures that the network learned from do not say how old anybody is, whether man or woman, or of which skin
colour. So **it was not measured whether it reads some people worse than others. Assume that it does.** What is known of
programs like this one, and of its pictures:

- **Children and old people** are rarer in such pictures than adults, and wrinkles are taken for frowns.
- **Dark skin, low light**: fewer pictures, and less contrast for the camera. Faces are found less often, and misread
  more often.
- **Culture and habit**: people show the same thing differently, and the network learned from the votes of few.
- **Glasses, beards, masks, veils, make-up** hide what it looks at. So do hands.
- **People who move their face differently**, by palsy, Parkinson's disease, autism or after a stroke, are misread.
- **Talking** looks like surprise or anger for moments; look at stretches, not at single pictures.
"""


def recall(bundle: Bundle) -> dict[str, float]:
    """Of 100 faces on which people agree, how many the network names the same, by expression; empty if not known."""
    metrics = bundle.card.get("metrics", {})
    for name in ("PublicTest, one view (no mirrored second look)", "PublicTest"):
        found = metrics.get(name, {}).get("shown", {}).get("per_class", {})
        if found:
            return {label: float(found[label]) for label in FER7 if label in found}
    return {}


def how_often_right(bundle: Bundle) -> None:
    """The network's card, in words."""
    found = recall(bundle)
    if found:
        st.markdown(
            "Ten people looked at each picture of a test set. Of 100 faces on which most of them agreed, "
            f"**{bundle.title}** names so many as they did:"
        )
        with st.container(horizontal=True):
            for label, share in sorted(found.items(), key=lambda item: -item[1]):
                st.metric(f"{ICONS[label]} {label.capitalize()}", f"{100 * share:.0f}", border=True, width=150)
    st.markdown(
        "On pictures of another kind expect 15 to 20 of 100 fewer, and fewer still where a face is small, dark, "
        "blurred, turned away, or moves only a little. It says “unsure” where it should not guess: count that too."
    )
    data = bundle.card.get("data", {})
    if data.get("trained_on"):
        st.caption(f"Learned from: {data['trained_on']}. Measured on FER2013's PublicTest.")
    if "rule" in bundle.card:
        st.caption(f"How its outputs become what is shown: {bundle.rule.describe()}.")


def table(parts: dict[str, tuple[str, str]]) -> None:
    """Names with their licences."""
    rows = "\n".join(f"| {name} | {license} | {note} |" for name, (license, note) in parts.items())
    st.markdown(f"| | licence | |\n| --- | --- | --- |\n{rows}")


try:
    st.title("What this can do, and what it cannot", anchor=False)
    st.markdown(
        "It finds faces and says which of seven **expressions** each shows. **An expression is not a feeling:** people "
        "smile when they are sad, and frown when they think. What somebody feels, no program can see."
    )
    st.subheader("How often it is right", anchor=False)
    how_often_right(load_model(DEFAULT))
    st.subheader("Whom it may read worse", anchor=False)
    st.markdown(GROUPS)
    st.subheader("What it must not be used for", anchor=False)
    st.markdown(NOT_FOR)
    st.subheader("What happens to your pictures", anchor=False)
    now = settings()
    if now.hosted:
        st.markdown(
            "They are read on the computer that runs this page and sent nowhere else. What you bring and make here, "
            "only you can see. All of it is deleted within a few minutes after you close the page, or when you do "
            f"nothing for {now.keep_minutes:g} minutes."
        )
        if words():
            with st.expander("What you were told at the beginning", icon=":material/gavel:"):
                st.markdown(words())
    else:
        st.markdown(
            "They are read on the computer that runs this page and sent nowhere else. Clips lie in a temporary folder "
            f"and are deleted {now.keep_minutes:g} minutes after you leave their page, and when the app is stopped. "
            "A session of the camera is deleted within a few minutes after you close or reload its page. "
            "Your own datasets and models stay until you delete them."
        )
    st.subheader("Licences", anchor=False)
    table(SHIPPED)
    with st.expander("What the installation brings", icon=":material/inventory_2:"):
        table(BROUGHT)
    st.caption(f"Expression Lab {__version__}")
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
