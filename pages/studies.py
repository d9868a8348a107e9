"""Studies: many clips, analysed one after the other, kept, and looked through."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from ui.app.page import frame

# What brings pandas and Arrow (a second of start-up) is imported where it is first needed: not for the first look.

frame("pages/studies.py")

try:
    name, clip = st.query_params.get("study"), st.query_params.get("clip")
    if name is None:
        from ui.studies.shelf import show_shelf

        show_shelf()
    elif clip is None:
        from ui.studies.overview import show_study

        show_study(name)
    else:
        from ui.studies.clip import show_clip

        show_clip(name, clip)
except FerError as error:
    st.error(str(error), icon=":material/error:")
    if "study" in st.query_params:
        st.button("All studies", icon=":material/arrow_back:", on_click=st.query_params.clear, key="to-shelf")
    st.stop()
