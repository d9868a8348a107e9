"""Move the page's video player to an exact moment. st.video alone floors to whole seconds and ignores repeats."""

from __future__ import annotations

import streamlit as st

__all__ = ["seek"]

# The player is outside the component, in the page itself. A token says which seeks are done: Streamlit runs this again
# on every rerun, and a person who pressed play in between must not be thrown back.
SCRIPT = """
export default function (component) {
  const { data } = component
  if (!data || window.__expressionLabSeek === data.token) return
  window.__expressionLabSeek = data.token
  if (data.token === 0) return
  const video = document.querySelector('video[data-testid="stVideo"], [data-testid="stVideo"] video')
  if (!video) return
  const go = () => { video.currentTime = data.seconds }
  if (video.readyState >= 1) { go() } else { video.addEventListener("loadedmetadata", go, { once: true }) }
  if (data.show) { video.scrollIntoView({ behavior: "smooth", block: "nearest" }) }
}
"""

_component = st.components.v2.component("expression_lab_seek", html="<span></span>", js=SCRIPT)


def seek(seconds: float, token: int, *, key: str) -> None:
    """Move the first player of the page.

    Args:
        seconds: where to.
        token: a new one for each wish to move; 0 for none.
        key: of the component.
    """
    _component(data={"seconds": seconds, "token": token, "show": True}, key=key, height=1)
