"""Expression Lab: read facial expressions in video. Run with `streamlit run app.py`."""

import streamlit as st

from ui.frame import PAGES
from ui.warm import warm

warm()
st.switch_page(next(iter(PAGES)))
