"""All studies of a person, and a form for a new one."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from fer_core.models.registry import active_bundle
from fer_core.studies.library import create_study, list_studies
from fer_core.studies.settings import StudySettings
from fer_core.studies.study import Study
from ui.app.formatting import clock, escaped
from ui.app.settings import settings
from ui.components.options import STEADINESS
from ui.studies.common import go_to, tell_problem

__all__ = ["new_settings", "show_shelf"]

RATES = {"Quick": 5.0, "Normal": 10.0, "Every frame": None}


def show_shelf() -> None:
    """Draw the studies, and the form for a new one."""
    st.title("Studies", anchor=False)
    st.markdown("Many clips, analysed one after the other and kept: put them in, leave, and come back when it is done.")
    if settings().hosted:
        st.caption(":material/lock: A study is yours alone, and is deleted when your visit ends. Export what you keep.")
    tell_problem()
    studies, problems = list_studies()
    for study in studies:
        _card(study)
    for sentence in problems:
        st.warning(sentence, icon=":material/warning:")
    with st.expander("New study", icon=":material/add:", expanded=not studies):
        _form()


def _card(study: Study) -> None:
    entries = study.clips()
    done = sum(entry.state == "done" for entry in entries)
    length = sum(entry.seconds or 0.0 for entry in entries)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        count = "no clips yet" if not entries else "1 clip" if len(entries) == 1 else f"{len(entries)} clips"
        words = f"**{escaped(study.name)}** · {count}" + (f", {clock(length)} in all" if entries else "")
        if entries:
            words += f" · {done} analysed"
        if study.running():
            words += " · :material/play_circle: in work"
        st.markdown(words)
        st.button("Open", key=f"open-{study.name}", icon=":material/folder_open:", on_click=go_to, args=(study.name,))


def new_settings(key: str, now: StudySettings | None = None) -> StudySettings:
    """Draw the settings of a study's clips; to be called in a form.

    Args:
        key: prefix for the keys of widgets.
        now: the settings that are offered.
    """
    now = now or StudySettings()
    rates = {value: name for name, value in RATES.items()}
    rate = st.segmented_control(
        "How closely to analyse",
        list(RATES),
        default=rates.get(now.sample_fps, "Normal"),
        required=True,
        key=f"{key}-rate",
        help="Quick takes 5 pictures of each second, Normal 10, Every frame all of them.",
    )
    calm = {value: name for name, value in STEADINESS.items()}
    steadiness = st.segmented_control(
        "Steadiness",
        list(STEADINESS),
        default=calm.get(now.options().smoothing, "Normal"),
        required=True,
        key=f"{key}-steady",
        help="How much the reading is calmed over time. The tables always have the raw values too.",
    )
    small = st.toggle("Find small faces", now.detector_side > 320, key=f"{key}-small", help="Takes longer.")
    annotate = st.toggle("Also make clips with boxes and names", now.annotate, key=f"{key}-annotate")
    blur = st.toggle("Blur the faces in them", now.blur, key=f"{key}-blur")
    smoothing = STEADINESS[steadiness or "Normal"]
    return StudySettings(
        model=active_bundle(),
        detector=now.detector,
        detector_side=640 if small else 320,
        sample_fps=RATES[rate or "Normal"],
        time_constant=smoothing.time_constant,
        min_dwell_s=smoothing.min_dwell_s,
        switch_margin=smoothing.switch_margin,
        annotate=annotate,
        blur=blur,
    )


def _form() -> None:
    with st.form("new-study", border=False):
        name = st.text_input("Name", max_chars=60, placeholder="Pilot, spring", key="new-study-name")
        wanted = new_settings("new-study")
        made = st.form_submit_button("Make the study", type="primary", icon=":material/add:")
    if made:
        try:
            study = create_study(name, wanted)
        except FerError as error:
            st.error(str(error), icon=":material/error:")
            return
        go_to(study.name)
        st.rerun()
