"""What a host says to each visitor before anything is read, and the agreement to it."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ui.app.settings import settings

__all__ = ["ABOUT", "agree", "words"]

ABOUT = "pages/about.py"

WORDS = """
- **What this does.** It looks for faces in your clip, your picture or your camera, and writes beside each face which
  expression it shows: happy, sad, surprised and so on.
- **A face is not a feeling.** You can smile and be sad. This program sees only the face. It cannot know what anybody
  feels or thinks, and it is often wrong.
- **What happens to your pictures.** They go to the computer that runs this page, and nowhere else. Nothing is kept:
  all of it is deleted when you close the page, or when you do nothing for {minutes}.
- **Ask first.** Use only pictures of people who know about it and said yes. If they are children, ask their parents
  too.
- **Not for judging people.** Do not use it to decide about anybody. To find out like this what people feel at work or
  in school is forbidden in the European Union.
"""


def words() -> str:
    """Return the notice: FER_NOTICE, else the usual words; empty where the host says "off"."""
    now = settings()
    if now.notice:
        return "" if now.notice.lower() == "off" else now.notice
    return WORDS.format(minutes="an hour" if now.keep_minutes == 60 else f"{now.keep_minutes:g} minutes")


def agree() -> None:
    """On a host, show the notice until the visitor agrees: the page goes no further before that."""
    if not settings().hosted or st.session_state.get("agreed") or not words():
        return
    with st.container(border=True, width=760):
        st.subheader("Before you begin", anchor=False)
        st.markdown(words())
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "I understand, go on", type="primary", icon=":material/check:", key="agree-visit", on_click=_agreed
            )
            with suppress(StreamlitPageNotFoundError):  # a page that was started as a script of its own is alone
                st.page_link(ABOUT, label="What it can and cannot do", icon=":material/info:")
    st.stop()


def _agreed() -> None:
    st.session_state["agreed"] = True
    if settings().notice:  # the host's own words are those before the camera too: not twice
        st.session_state["live-consent"] = True
