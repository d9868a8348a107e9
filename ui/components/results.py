"""The result of a clip or a session: who showed what, when. One view, whatever the source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pandas as pd
import streamlit as st

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.episodes import episodes, frame_interval, summary
from fer_core.analysis.export import ClipResult
from fer_core.analysis.key_moments import choose_moments
from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.table import label_names
from fer_core.charts import timeline as charts
from fer_core.labels import ICONS, UNSURE
from fer_core.models.bundle import Bundle
from fer_core.video.reader import ClipInfo
from ui.app.formatting import clock, escaped, file_stem, quoted
from ui.components.active_model import warn_of
from ui.components.background_task import background
from ui.components.downloads import keep
from ui.components.people import LookalikePairs, Moments, main_people, people
from ui.components.player import seek

__all__ = ["show_results"]

MOMENTS_SHOWN = 12


class Table(Protocol):
    """Gives the native table."""

    def table(self, names: Mapping[int, str] | None = None) -> pd.DataFrame: ...


class Result(Protocol):
    """What can be shown: `ClipAnalysis`, `StoredClip`, or `LiveSession`, which has no facts of a file."""

    @property
    def name(self) -> str: ...

    @property
    def info(self) -> ClipInfo | None: ...

    @property
    def recorder(self) -> Table: ...

    @property
    def key_moments(self) -> Moments | None: ...

    @property
    def person_grouper(self) -> LookalikePairs | None: ...

    @property
    def annotated(self) -> Path | None: ...

    @property
    def damaged(self) -> int: ...

    @property
    def preview(self) -> bytes | None: ...

    @property
    def complete(self) -> bool: ...

    @property
    def names(self) -> PersonNames: ...

    @property
    def model(self) -> Bundle | None: ...

    def result(self, names: Mapping[int, str] | None = None) -> ClipResult: ...


def show_results(clip: Result, key: str) -> None:
    """Draw everything of an analysed clip, or of a camera's session.

    Args:
        clip: analysed wholly or in part.
        key: prefix for the keys of widgets, unique to the clip.
    """
    table = clip.recorder.table(clip.names)
    st.session_state.setdefault(f"{key}-seek", (0.0, 0))
    _headline(clip, table)
    if table["face_count"].max() == 0:
        _picture(clip)
        again = "for small ones choose “Tiny” under “Smallest face” and analyse again."
        if _still(clip):
            again = "cut the picture so that the faces are larger in it, and try again."
        if clip.info is None:
            again = "come nearer to the camera, and into the light."
        st.info(
            f"No face was found. Faces must be seen from the front or half from the side; {again}",
            icon=":material/search_off:",
        )
    else:
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _picture(clip)
            _draw_names(clip, key)
        with right:
            people(table, clip.key_moments, clip.person_grouper, clip.names, key)
        if not _still(clip):
            _linked(clip, table, key)
    keep(clip.name, clip.annotated, clip.result, table, key)


def _still(clip: Result) -> bool:
    return clip.info is not None and clip.info.is_image


def _headline(clip: Result, table: pd.DataFrame) -> None:
    problems = getattr(clip, "problems", ())  # a camera's session has none
    found = summary(table)
    st.subheader(clip.name, anchor=False)
    if len(found):
        labels = label_names(table)
        seen = found[list(labels)].mul(found["seconds"], axis=0).sum()
        most = str(seen.idxmax())
        who = "one person" if len(found) == 1 else f"{len(found)} people"
        unsure = float((found[UNSURE] * found["seconds"]).sum() / max(found["seconds"].sum(), 1e-9))
        if _still(clip):
            shown = table.dropna(subset=["person"])["label"].value_counts()
            what = ", ".join(f"{count} × {label}" if len(found) > 1 else str(label) for label, count in shown.items())
            text = f"{ICONS.get(str(shown.idxmax()), '')} **{who.capitalize()}: {what}.**"
        else:
            # The last frame is shown for a while too: a clip of ten seconds ends with a frame at 9.9.
            length = clock(table["time_s"].max() + frame_interval(table) + 0.01)
            text = f"{ICONS.get(most, '')} **{who.capitalize()}** in {length}, most of the time **{most}**."
            if unsure >= 0.05:
                text += f" For {unsure:.0%} of the time the faces could not be read well: these stretches say “unsure”."
        if clip.person_grouper is not None and clip.names.proposals(clip.person_grouper.pairs()):
            text += " Some look alike and may be one person: answer “Is this the same person?” to join them."
        st.markdown(text)
    if clip.model is not None:
        warn_of(clip.model)
        st.caption(f":material/neurology: Analysed with the model **{quoted(clip.model.title)[1:-1]}**.")
    for words in getattr(clip, "notes", ()):
        st.info(words, icon=":material/info:")
    for words in problems:
        st.warning(words, icon=":material/warning:")
    if not clip.complete and not problems:
        early = "The analysis was stopped early: this is what was done until then."
        long = "The session was longer than this computer keeps: this is its beginning."
        st.warning(long if clip.info is None else early, icon=":material/pause_circle:")
    if clip.damaged:
        frames = "frame is" if clip.damaged == 1 else "frames are"
        st.warning(f"{clip.damaged} {frames} damaged in this file and were skipped.", icon=":material/broken_image:")


def _draw_names(clip: Result, key: str) -> None:
    """Offer to draw the names into the clip; into a picture they are drawn at once."""
    if not isinstance(clip, ClipAnalysis):
        if clip.names and clip.annotated is not None:
            st.caption("The recording keeps the numbers; tables and charts have the names.")
        return
    if clip.annotated is None or _still(clip) or dict(clip.names) == clip.drawn_names:
        return
    given = "-".join(f"{track}:{name}" for track, name in sorted(clip.names.items()))
    background(
        f"{key}-draw-{given}",
        "Draw these names into the clip",
        clip.redraw,
        icon=":material/draw:",
        help="The clip here still shows the earlier names. It is written again, which takes less time than analysing.",
    )


def _picture(clip: Result) -> None:
    if _still(clip) and isinstance(clip, ClipAnalysis) and dict(clip.names) != clip.drawn_names:
        clip.redraw()
    if clip.annotated is not None and clip.annotated.exists():
        st.video(str(clip.annotated), alt="The clip with a box and the expression at each face")
    elif clip.preview is not None:
        st.image(clip.preview, width="stretch", alt="The picture with a box and the expression at each face")
        if _still(clip):
            st.download_button(
                "Annotated picture (JPG)",
                clip.preview,
                f"{file_stem(clip.name)}-annotated.jpg",
                "image/jpeg",
                icon=":material/image:",
                on_click="ignore",
            )


@st.fragment
def _linked(clip: Result, table: pd.DataFrame, key: str) -> None:
    """Charts and key moments, which move the player; a fragment, so that a click redraws this part alone."""
    st.subheader("Timeline", anchor=False)
    people, everyone = main_people(summary(table)), list(dict.fromkeys(table["person"].dropna()))
    if len(people) < len(everyone) and st.toggle(f"Show all {len(everyone)} people", key=f"{key}-everyone"):
        people = everyone
    found = episodes(table, unsure=True)
    found = found[found["person"].isin(people)]
    zoom = None
    if len(found):
        event = st.vega_lite_chart(
            spec=charts.ribbon(
                table[table["person"].isin(people)], found, domain=(0.0, float(table["time_s"].max()) or 1.0)
            ),
            key=f"{key}-ribbon",
            on_select="rerun",
            selection_mode=["zoom"],
            alt="Bars over time: who showed which expression when",
        )
        zoom = (event.selection.get("zoom") or {}).get("start_s") if event else None
        st.caption(
            "Drag over the bars to zoom in; double-click to see all again. A thin grey bar: unsure. No bar: not seen."
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        style = st.segmented_control("Curves", ["Lines", "Stacked"], default="Lines", required=True, key=f"{key}-style")
        chosen = people
        if len(people) > 1:
            chosen = st.pills(
                "People", people, selection_mode="multi", default=people[:4], key=f"{key}-people-{'|'.join(people)}"
            )
    shown = table if not zoom else table[table["time_s"].between(zoom[0], zoom[1])]
    drawn = [p for p in people if p in chosen and (shown["person"] == p).any()]
    for person in drawn:
        part = shown[(shown["person"] == person) | (shown["face_count"] == 0)]
        if len(people) > 1:
            st.markdown(f"**{person.replace('*', '')}**")
        event = st.vega_lite_chart(
            spec=charts.timeline(
                part,
                area=style == "Stacked",
                domain=(float(shown["time_s"].min()), float(shown["time_s"].max())),
                legend=person == drawn[0],
                titled=person == drawn[-1],
            ),
            key=f"{key}-curves-{person}",
            on_select="rerun",
            selection_mode=["moment"],
            alt=f"Probability of each expression of {person} over time",
        )
        picked = event.selection.get("moment") if event else None
        if picked:
            _go(float(picked[0]["time_s"]), key, source=f"{person}-{picked}")
    plays = clip.info is not None or (clip.annotated is not None and clip.annotated.exists())
    st.caption(("Click a curve to see that moment in the clip. " if plays else "") + "No curve: nobody was seen.")
    _moments(clip, table, key)
    seconds, token = st.session_state[f"{key}-seek"]
    # The annotated clip begins where the analysed stretch begins.
    seek(max(0.0, seconds - float(table["time_s"].min())), token, key=f"{key}-player")


def _go(seconds: float, key: str, source: str | None = None) -> None:
    """Wish the player to a moment; the same selection, seen again on a rerun, is no new wish."""
    if source is not None:
        if st.session_state.get(f"{key}-picked") == source:
            return
        st.session_state[f"{key}-picked"] = source
    st.session_state[f"{key}-seek"] = seconds, st.session_state[f"{key}-seek"][1] + 1


def _moments(clip: Result, table: pd.DataFrame, key: str) -> None:
    if clip.key_moments is None:
        return
    names = dict(zip(table["track_id"].dropna().astype(int), table["person"].dropna(), strict=True))
    found = choose_moments(clip.key_moments.found(), MOMENTS_SHOWN, names)
    if not found:
        return
    st.subheader("Key moments", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for i, moment in enumerate(found):
            with st.container(width=132, gap=None):
                who = names.get(moment.track_id, "")
                named = f"  \n{escaped(who)}" if len(set(names.values())) > 1 else ""
                st.image(moment.jpeg, width=132, alt=f"{who}, {moment.label}, at {clock(moment.peak)}")
                st.button(
                    f"{clock(moment.peak)} {moment.label.capitalize()} {moment.confidence:.0%}{named}",
                    key=f"{key}-moment-{i}",
                    on_click=_go,
                    args=(moment.peak, key),
                    width="stretch",
                    type="tertiary",
                    help=f"{who} shows {moment.label} from {moment.start:.1f} to {moment.end:.1f} s. Press to see it.",
                )
