"""What each server must do once and takes seconds: done beside the first visitor, before a press would wait for it."""

from __future__ import annotations

import importlib
import sys
import threading

import streamlit as st

from fer_core.datasets.library import SYNTHETIC, load_dataset
from fer_core.utils.memory import collect_rarely
from ui.app.resources import poster
from ui.app.settings import settings

__all__ = ["HEAVY", "SWITCH", "warm"]

HEAVY = ["pandas", "altair", "aiortc", "fer_core.charts.timeline", "fer_core.analysis.export"]
"""Imported when a page is first opened, or a button of it first pressed. None that makes a component of Streamlit:
outside of a page it would not be registered, and its place would stay empty (so it was with streamlit_webrtc)."""
SWITCH = 0.0005
"""Seconds for which a thread may keep the interpreter while others want it, 0.005 without this. The thread that passes
on live video and answers browsers asks for it at each packet."""


@st.cache_resource(show_spinner=False)
def warm() -> threading.Thread:
    """Begin to import what is heavy, to load the models and to draw the built-in dataset, once for a server.

    Returns:
        The thread that does it.
    """
    sys.setswitchinterval(SWITCH)
    thread = threading.Thread(target=_warm, name="warm", daemon=True)
    thread.start()
    return thread


def _warm() -> None:
    # One package after the other, and each whole: an import that begins inside of one waits for this one.
    for name in HEAVY:
        importlib.import_module(name)
    poster()
    load_dataset(SYNTHETIC)
    if settings().hosted:
        collect_rarely()
    else:
        from fer_core.studies.launcher import resume_interrupted  # brings pandas

        resume_interrupted()
