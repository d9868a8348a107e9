"""What may be done with a training that has ended: use its model, go on, take it along, write about it, delete it."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from fer_core.models.registry import active_bundle, set_active
from fer_core.training.run_export import epochs_csv, run_zip
from fer_core.training.runs import Run
from ui.app.formatting import file_stem
from ui.app.page import way
from ui.train.common import PROBLEM
from ui.train.limits import go_on

__all__ = ["delete_button", "keep", "use"]


def use(run: Run) -> None:
    """Draw the one press after which clips and camera are read with its model, and the way on from a stop."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.bundle is not None and active_bundle() == run.id:
            st.markdown(":material/check: **In use** on the pages for clips and for the camera.", width="content")
            way("pages/video.py", "Try it on a clip")
            way("pages/live.py", "Try it live")
        elif run.bundle is not None:
            st.button(
                "Use this model", type="primary", icon=":material/done_all:", on_click=_choose, args=(run,), key="use"
            )
        if run.resumable:
            again = "Go on" if len(run.epochs()) else "Try again"
            st.button(again, icon=":material/play_arrow:", on_click=_resume, args=(run,), key="resume")


def keep(run: Run) -> None:
    """Draw the downloads, the note, and the way to get rid of it."""
    stem = file_stem(f"{run.name}.x")
    with st.container(horizontal=True):
        st.download_button(
            "Epochs (CSV)",
            lambda: epochs_csv(run.epochs()),
            f"{stem}.csv",
            "text/csv",
            icon=":material/table:",
            key="csv",
            on_click="ignore",
        )
        st.download_button(
            "Settings (JSON)",
            run.config.to_json(),
            f"{stem}.json",
            "application/json",
            icon=":material/settings:",
            key="config",
            on_click="ignore",
        )
        st.download_button(
            "Everything (ZIP)",
            lambda: run_zip(run),
            f"{stem}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            key="zip",
            on_click="ignore",
            help="Settings, epochs, note and, where there is one, the model in every form.",
        )
        delete_button(run)
    st.text_area(
        "Notes",
        run.note,
        key=f"note-{run.id}",
        placeholder="What you tried, what you saw",
        max_chars=10_000,
        on_change=_note,
        args=(run,),
    )


def delete_button(run: Run) -> None:
    """Draw the way to get rid of it, which asks first."""
    with st.popover("Delete", icon=":material/delete:", key=f"delete-{run.id}"):
        st.markdown("This removes the training with its curves and its model. It cannot be undone.")
        st.button("Delete it", type="primary", on_click=_delete, args=(run,), key="delete-sure")


def _choose(run: Run) -> None:
    try:
        set_active(run.id)
    except FerError as error:
        st.session_state[PROBLEM] = str(error)


def _resume(run: Run) -> None:
    try:
        go_on(run)
    except FerError as error:
        st.session_state[PROBLEM] = str(error)


def _delete(run: Run) -> None:
    try:
        run.delete()
        st.query_params.pop("run", None)
    except FerError as error:
        st.session_state[PROBLEM] = str(error)


def _note(run: Run) -> None:
    try:
        run.note = st.session_state[f"note-{run.id}"]
    except OSError as error:
        st.session_state[PROBLEM] = f"The note cannot be kept: {error.strerror}. Free some disk space."
