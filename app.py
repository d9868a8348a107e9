"""Expression Lab: read facial expressions in video. Run with `streamlit run app.py`."""

import streamlit as st

from ui.app.page import PAGES
from ui.app.warmup import warm

warm()
st.switch_page(next(iter(PAGES)))
