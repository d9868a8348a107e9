"""The tabs of browsers: what a page holds for one is let go within minutes after it was closed or reloaded."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit import config, runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.utils.memory import give_back

__all__ = ["Tabs", "here", "tabs"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tab:
    """What is known of a tab.

    Attributes:
        open: when it was last known to be open (time.monotonic).
        ends: what is done when it was closed.
    """

    open: float
    ends: list[Callable[[], object]] = field(default_factory=list)


class Tabs:
    """The tabs of this server by the names of their sessions."""

    def __init__(self) -> None:
        self._tabs: dict[str, Tab] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._litter = False
        threading.Thread(target=self._watch, name="tab-sweep", daemon=True).start()

    def here(self, session: str, end: Callable[[], object] | None = None) -> None:
        """Say that a page was drawn in a tab.

        Args:
            session: Streamlit's name of the tab's session.
            end: what is to be done when the tab was closed.
        """
        with self._lock:
            tab = self._tabs.setdefault(session, Tab(time.monotonic()))
            if end is not None:
                tab.ends.append(end)

    def sweep(self) -> None:
        """End the sessions of the tabs that were closed."""
        if self._litter:
            # What a session held knows itself in circles: its pictures would lie in memory until Python looks.
            give_back()
            self._litter = False
        for session, tab in self._tabs.copy().items():
            if _is_open(session):
                tab.open = time.monotonic()
            elif time.monotonic() - tab.open > patience():
                with self._lock:
                    self._tabs.pop(session, None)
                for end in tab.ends:
                    try:
                        end()
                    except Exception:
                        log.exception("a tab was closed, and not all of it could be ended")
                _end(session)
                self._litter = True

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(min(10.0, patience())):
            self.sweep()


def patience() -> float:
    """Seconds from the closing of a tab to the end of its session: networks falter, and it may come back until then.

    Streamlit holds a closed tab's session for longer than `server.disconnectedSessionTTL`, until another is closed. But
    then it does not find it any more, so it must be ended before.
    """
    return max(1.0, config.get_option("server.disconnectedSessionTTL") - 50.0)


def _is_open(session: str) -> bool:
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def _end(session: str) -> None:
    with contextlib.suppress(AttributeError, RuntimeError):
        server = runtime.get_instance()
        server._get_async_objs().eventloop.call_soon_threadsafe(server.close_session, session)


@st.cache_resource(show_spinner=False)
def tabs() -> Tabs:
    """Return the tabs of this server."""
    return Tabs()


def here(end: Callable[[], object] | None = None) -> None:
    """See `Tabs.here`: of the tab whose page is drawn."""
    if context := get_script_run_ctx():
        tabs().here(context.session_id, end)
