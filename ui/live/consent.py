"""What a viewer is told before a camera starts, and the click that agrees."""

from __future__ import annotations

import streamlit as st

from ui.app.settings import settings

__all__ = ["NOTICE", "agreed", "ask", "notice"]

NOTICE = """
- **What is measured.** For each face in the picture: where it is, and which of seven expressions it shows, up to 30
  times a second. An expression is what a face shows, not what somebody feels.
- **What happens to the picture.** It goes to the computer that runs this app, is read in its memory, and comes back to
  you. It goes nowhere else.
- **What is kept.** The table of what was found and small pictures of the key moments, in memory. The clip is recorded
  only if you tick “Record the annotated clip”. All of it is deleted within a few minutes after you close or reload this
  page.
- **Who is in the picture.** Film only people who know of this and agree.
"""


def notice() -> str:
    """Return what is said before the camera starts: FER_NOTICE or the usual words; empty where the host says "off"."""
    own = settings().notice
    return "" if own.lower() == "off" else own or NOTICE


def agreed() -> bool:
    """Return the camera may start: this viewer agreed, or this host asks nobody."""
    return not notice() or bool(st.session_state.get("live-consent"))


def ask() -> None:
    """What is measured, before any camera starts."""
    with st.container(border=True, width=760):
        st.subheader("Before the camera starts", anchor=False)
        st.markdown(notice())
        st.button(
            "I agree, go on",
            type="primary",
            icon=":material/check:",
            key="agree",
            on_click=lambda: st.session_state.update({"live-consent": True}),
        )
