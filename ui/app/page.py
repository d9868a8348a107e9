"""The frame round every page: its title in the browser, and the way to the others.

Each page draws it, rather than app.py through st.navigation: opened as the first visit, a deep link such as /video runs
the page alone, and would then show another app.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ui.app.browser_tabs import here
from ui.app.outgoing import ask_nobody
from ui.app.own_clips import own_clips
from ui.app.privacy_notice import ABOUT, agree
from ui.app.visitor_session import begin

__all__ = ["PAGES", "frame", "way"]

ICON = Path(__file__).with_name("icon.png")
"""Shipped: a Material icon here would be fetched by the browser from a font host."""

PAGES = {
    "pages/video.py": ("Analyse a clip", ":material/movie:"),
    "pages/studies.py": ("Studies", ":material/folder_copy:"),
    "pages/live.py": ("Live", ":material/videocam:"),
    "pages/explore.py": ("Explore", ":material/grid_view:"),
    "pages/train.py": ("Train", ":material/model_training:"),
    "pages/compare.py": ("Compare", ":material/compare_arrows:"),
    ABOUT: ("About", ":material/info:"),
}
"""Pages in the order of the menu, with title and icon. The first is the app's start."""


def frame(page: str) -> None:
    """Set up a page and draw the menu; call it first. On a host a visitor sees the notice before the page.

    Args:
        page: the page's path, a key of PAGES. Where another was open before, `entered` in the session becomes true.
    """
    ask_nobody()
    title, _ = PAGES[page]
    if st.session_state.get("page") != page:
        st.session_state["entered"] = True
        st.session_state["page"] = page
    st.set_page_config(page_title=f"{title} · Expression Lab", page_icon=ICON, layout="wide")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown("**:material/mood: Expression Lab**", width="content")
        for path, (label, _) in PAGES.items():
            way(path, label)
    here()
    begin()
    if page != ABOUT:
        agree()
    own_clips(next(iter(PAGES)))


def way(page: str, label: str) -> None:
    """Draw the way to a page; nothing where that page is not there, as one started as a script of its own is alone."""
    with suppress(StreamlitPageNotFoundError):
        st.page_link(page, label=label, icon=PAGES[page][1])
