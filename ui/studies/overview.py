"""One study: how far it is, its clips in a table, and what can be done with them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.studies.library import RECENT, delete_study, open_study
from fer_core.studies.manifest import ClipEntry
from fer_core.studies.study import Study
from ui.app.formatting import clock, escaped
from ui.studies.bring import bring_clips
from ui.studies.columns import edit_columns
from ui.studies.common import STATES, go_to, start, tell_problem
from ui.studies.export import export_tables
from ui.studies.shelf import new_settings

__all__ = ["matching", "show_study"]

STARTING = 30.0
"""Seconds that a process may take from its start to its first word."""


def show_study(name: str) -> None:
    """Draw a study."""
    study = open_study(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All studies", icon=":material/arrow_back:", type="tertiary", on_click=go_to, key="to-shelf")
        st.subheader(escaped(study.name), anchor=False)
    tell_problem()
    entries = study.clips()
    if study.name != RECENT:
        bring_clips(study, expanded=not entries)
    if not entries:
        _delete(study)
        return
    _watch(study.name, _fingerprint(study))
    shown = _filtered(study, entries)
    clips, said, exports = st.tabs(["Clips", "Participants and conditions", "Export"])
    with clips:
        _table(study, shown)
    with said:
        edit_columns(study, shown)
    with exports:
        export_tables(study)
    _delete(study)


def _fingerprint(study: Study) -> tuple[int, ...]:
    """Return what the drawn table hangs on; where it changes, the whole page is drawn anew."""
    entries = study.clips()
    return (len(entries), *(sum(entry.state == state for entry in entries) for state in STATES))


@st.fragment(run_every=2.0)
def _watch(name: str, drawn: tuple[int, ...]) -> None:
    """Draw how far the analysis is, and what stops it or lets it go on."""
    study = open_study(name)
    if _fingerprint(study) != drawn:
        st.rerun()
    entries = study.clips()
    done, left = sum(e.state == "done" for e in entries), sum(e.state in ("waiting", "running") for e in entries)
    failed = sum(e.state == "failed" for e in entries)
    words = f"{done} of {len(entries)} analysed" + (f", {failed} failed" if failed else "")
    told, running = study.told(), study.running()
    fresh = not running and time.time() - float(told.get("at", 0.0)) < STARTING
    starting = fresh and bool(told.get("starting") or told.get("queued"))
    if starting:
        words += " · waits for other studies" if told.get("queued") else " · starting"
    if left:
        seconds = told.get("seconds_left") if running else None
        if seconds is not None:
            words += " · almost done" if seconds < 2 else f" · about {clock(seconds)} left for all"
        total = sum(e.seconds or 1.0 for e in entries)
        read = sum(study.progress(e) * (e.seconds or 1.0) for e in entries if e.state in ("done", "running"))
        st.progress(min(1.0, read / total), words)
        if told.get("error") and not running:
            st.error(str(told["error"]), icon=":material/error:")
        with st.container(horizontal=True):
            if running or starting:
                stopping = (study.folder / "stop").exists()
                label = "Pausing …" if stopping else "Pause"
                st.button(
                    label, icon=":material/pause_circle:", on_click=study.stop, disabled=stopping, key="study-pause"
                )
            else:
                st.button("Go on", icon=":material/play_circle:", on_click=_go_on, args=(study,), key="study-go-on")
    else:
        st.caption(words + ".")


def _go_on(study: Study) -> None:
    try:
        start(study)
    except FerError as error:
        st.session_state["study-problem"] = [str(error)]


def matching(entries: Sequence[ClipEntry], text: str, states: Sequence[str]) -> list[ClipEntry]:
    """Return the clips that hold all words of a text, in name, participant, group, condition or own columns.

    Args:
        entries: of a study.
        text: words, in any order, upper or lower case.
        states: only clips in one of these; all where empty.
    """
    words = text.casefold().split()

    def fits(entry: ClipEntry) -> bool:
        said = [entry.name, entry.participant, entry.group, entry.condition, *entry.columns.values()]
        everything = "\n".join(said).casefold()
        return (not states or entry.state in states) and all(word in everything for word in words)

    return [entry for entry in entries if fits(entry)]


def _filtered(study: Study, entries: Sequence[ClipEntry]) -> list[ClipEntry]:
    here = [state for state in STATES if any(entry.state == state for entry in entries)]
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    text = left.text_input(
        "Search", placeholder="Name, participant, condition", key=f"search-{study.name}", icon=":material/search:"
    )
    states: list[str] = []
    if len(here) > 1:
        states = right.pills(
            "State", here, selection_mode="multi", format_func=STATES.__getitem__, key=f"states-{study.name}"
        )
    return matching(entries, text, states)


def _table(study: Study, entries: Sequence[ClipEntry]) -> None:
    if not entries:
        st.info("No clip fits. Search for something else.", icon=":material/search_off:")
        return
    rows = pd.DataFrame(
        {
            "clip": [e.name for e in entries],
            "state": [STATES[e.state] for e in entries],
            "length": [clock(e.seconds) if e.seconds else "" for e in entries],
            "people": pd.array([e.people if study.has_result(e) else None for e in entries], dtype="Int64"),
            "faces": pd.array([e.faces if study.has_result(e) else None for e in entries], dtype="Int64"),
            "participant": [e.participant for e in entries],
            "condition": [e.condition for e in entries],
            "what went wrong": [e.error for e in entries],
        }
    )
    if not rows["what went wrong"].any():
        rows = rows.drop(columns="what went wrong")
    picked = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(420, 38 + 35 * len(rows)),
        key=f"clips-{study.name}",
        column_config={"faces": st.column_config.NumberColumn(help="Faces read, over all analysed pictures.")},
        placeholder="",
        alt="One row for each clip of the study, with its state",
    )
    chosen = [entries[i] for i in picked.selection.rows if i < len(entries)]
    _actions(study, chosen or [], entries)


def _actions(study: Study, chosen: Sequence[ClipEntry], entries: Sequence[ClipEntry]) -> None:
    if not chosen:
        readable = [e for e in entries if study.has_result(e)]
        with st.container(horizontal=True, vertical_alignment="center"):
            if readable:
                st.button(
                    "Open the first result",
                    icon=":material/play_arrow:",
                    on_click=go_to,
                    args=(study.name, readable[0].folder),
                    key="clip-open",
                )
            st.caption("Tick clips in the first column to open, skip, repeat or remove them.")
        return
    one = chosen[0]
    with st.container(horizontal=True):
        if len(chosen) == 1 and study.has_result(one):
            st.button(
                "Open",
                type="primary",
                icon=":material/play_arrow:",
                on_click=go_to,
                args=(study.name, one.folder),
                key="clip-open",
            )
        pending = [e for e in chosen if e.state in ("waiting", "running")]
        if pending:
            st.button("Skip", icon=":material/skip_next:", on_click=_skip, args=(study, pending), key="clip-skip")
        st.button(
            "Remove from the study",
            icon=":material/delete:",
            on_click=_remove,
            args=(study, list(chosen)),
            key="clip-remove",
            help="Also deletes its result. Files that lie in folders of your own stay.",
        )
    if study.name != RECENT:
        with st.popover("Analyse again", icon=":material/refresh:"), st.form("redo", border=False):
            st.caption("The old results stay until the new ones are whole; names of people are carried over.")
            wanted = new_settings("redo", study.wanted(one))
            if st.form_submit_button("Analyse again", type="primary"):
                study.redo(chosen, wanted)
                start(study)
                st.rerun()


def _skip(study: Study, chosen: Sequence[ClipEntry]) -> None:
    for entry in chosen:
        study.stop_clip(entry)


def _remove(study: Study, chosen: Sequence[ClipEntry]) -> None:
    for entry in chosen:
        study.stop_clip(entry)
        study.remove(entry)


def _delete(study: Study) -> None:
    with st.popover("Delete this study", icon=":material/delete:", type="tertiary"):
        st.markdown("Deletes all its results and the clips that were dropped here. Clips in your own folders stay.")
        if st.button("Delete it for good", type="primary", key="study-delete"):
            try:
                study.stop()
                delete_study(study)
            except FerError as error:
                st.error(str(error), icon=":material/error:")
                return
            go_to()
            st.rerun()
