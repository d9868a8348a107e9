"""Train a network: choose images and a network, watch it learn, and use what it has learned."""

from __future__ import annotations

import math

import streamlit as st

from fer_core.errors import FerError
from fer_core.training.runs import Run, list_runs
from ui.app.page import frame
from ui.app.settings import settings
from ui.train.common import say_problem
from ui.train.limits import refusal
from ui.train.run_actions import delete_button

frame("pages/train.py")


def opened() -> Run | None:
    """The training that the page's address names; None where there is none of that name."""
    run_id = st.query_params.get("run")
    if run_id is None:
        return None
    run = next((found for found in list_runs() if found.id == run_id), None)
    if run is None:
        st.query_params.pop("run", None)
        st.info("That training is no longer there.", icon=":material/history:")
    return run


def back() -> None:
    """To the form and the table."""
    st.query_params.pop("run", None)


def one(run: Run) -> None:
    """A training of its own, however it is."""
    st.button("All trainings", icon=":material/arrow_back:", type="tertiary", on_click=back, key="back")
    try:
        from ui.train.monitor import show_run

        show_run(run)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        delete_button(run)


def start() -> None:
    """The form, and what was trained so far."""
    from ui.train.form import new_training
    from ui.train.model_import import bring_in
    from ui.train.run_table import all_runs, under_way

    st.title("Train a network", anchor=False)
    st.markdown("Choose images and a network, press **Train**, watch it learn, and use what it has learned on a clip.")
    minutes = settings().training_minutes
    if not math.isinf(minutes):
        st.caption(
            f":material/timer: On this server a training ends after {minutes:g} minutes at the latest, and its best "
            "weights are kept. It is deleted when your visit ends."
        )
    under_way()
    new_training()
    all_runs()
    bring_in()


try:
    if words := refusal():
        st.title("Train a network", anchor=False)
        st.info(words, icon=":material/lock:")
        st.stop()
    say_problem()
    if (run := opened()) is not None:
        one(run)
    else:
        start()
except FerError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
