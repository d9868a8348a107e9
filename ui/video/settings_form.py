"""A chosen clip's facts and settings, and the start of its analysis."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.analysis.time_estimate import TimeEstimate
from fer_core.errors import FerError
from fer_core.faces.detector import STILL
from fer_core.models.registry import load_model
from fer_core.utils.jobs import Job
from fer_core.video.reader import ClipInfo
from ui.app.formatting import clock, quoted
from ui.app.own_clips import add_clip
from ui.app.resources import jobs, models, models_left_out, recognizer, usable
from ui.app.visitor_session import check_turn, took
from ui.components.active_model import in_use
from ui.components.options import STEADINESS
from ui.components.study_bounds import limits
from ui.video.upload import Source, discard

__all__ = ["ClipSettings", "start_form", "submit"]

RATES = {"Quick": 5.0, "Normal": 10.0, "Every frame": None}
AUTOMATIC = "Automatic"
FACES = {"Normal": (320, "a sixteenth"), "Small": (640, "a thirtieth"), "Tiny": (960, "a fiftieth")}


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How a clip is to be analysed, as a person chose it.

    Attributes:
        sample_fps: frames analysed in a second; None for all.
        start_s, end_s: the part of the clip, in seconds; None as end for all of it.
        annotate: whether to make a clip with boxes and names.
        blur: whether to blur the faces in that clip.
        faces: key of `FACES`, or AUTOMATIC.
        steadiness: key of `STEADINESS`.
        model: name of the model; empty for the one in use.
        detector: name of the face detector.
    """

    sample_fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    annotate: bool = True
    blur: bool = False
    faces: str = AUTOMATIC
    steadiness: str = "Normal"
    model: str = ""
    detector: str = "yunet"

    def options(self, confidence_threshold: float = 0.0) -> AnalysisOptions:
        """Return these settings as the library takes them."""
        return AnalysisOptions(
            sample_fps=self.sample_fps,
            start=self.start_s,
            end=self.end_s,
            smoothing=STEADINESS[self.steadiness],
            confidence_threshold=confidence_threshold,
        )


def start_form(source: Source) -> None:
    """Draw a chosen clip's facts and settings, and start its analysis when the person says so."""
    info = source.info
    with st.container(border=True):
        picture, words = st.columns([1, 2], gap="medium", vertical_alignment="center")
        picture.image(source.picture, width="stretch", alt="First picture of the clip")
        words.markdown(f"**{quoted(source.name)}**")
        words.markdown(_facts(info))
        estimate = words.empty()
    in_use()
    settings, pressed = _form(source)
    estimate.caption(_estimate(source, settings))
    if pressed:
        submit(source, settings)


def _facts(info: ClipInfo) -> str:
    size = f"{info.width} × {info.height} pixels"
    if info.is_image:
        return " ".join([f"A picture of {size}.", *info.notes])
    length = "length not known" if info.seconds is None else f"{clock(info.seconds)} long"
    frames = "" if info.frames is None else f", {info.frames} frames"
    sound = "with sound" if info.has_sound else "no sound"
    odd = [] if info.frame_rate else ["Its frame rate is missing or impossible, so the length may be wrong."]
    return " ".join([f"{length.capitalize()}{frames}, {size}, {sound}.", *odd, *info.notes])


def _estimate(source: Source, settings: ClipSettings) -> str:
    look = source.pace
    options = settings.options()
    detail = (_side(settings.faces) / FACES["Normal"][0]) ** 2
    pace = TimeEstimate(look.decode, look.look * detail, look.write, look.search * detail)
    seconds = pace.seconds(source.info, options, annotate=settings.annotate)
    if seconds is None:
        return "How long it takes cannot be told beforehand: the file does not say how long it is."
    _, looked = pace.frames(source.info, options)
    frames = "1 frame" if looked == 1 else f"{looked} frames"
    about = (
        "a few seconds"
        if seconds < 5
        else f"about {seconds:.0f} seconds"
        if seconds < 90
        else f"about {seconds / 60:.0f} minutes"
    )
    return f":material/timer: With the usual settings, {frames} will be analysed; this takes {about}."


def _side(faces: str) -> int:
    """Longer side of the detector's picture; to begin with the usual one where it is chosen automatically."""
    return FACES.get(faces, FACES["Normal"])[0]


def _form(source: Source) -> tuple[ClipSettings, bool]:
    """Draw the settings; return them, and whether Analyse was pressed."""
    info, usual = source.info, ClipSettings()
    key = source.folder.name
    with st.form(f"settings-{key}", border=False):
        fps, start_s, end_s, blur = usual.sample_fps, usual.start_s, usual.end_s, usual.blur
        faces: str | None = usual.faces
        steadiness: str | None = usual.steadiness
        annotate = usual.annotate and not info.is_image
        if not info.is_image:
            rate = st.segmented_control(
                "How many frames",
                list(RATES),
                default="Normal",
                required=True,
                key=f"rate-{key}",
                help="Quick analyses 5 frames of each second, Normal 10, Every frame all of them.",
            )
            fps = RATES[rate or "Normal"]
            if info.seconds and info.seconds > 2:
                start_s, last = st.slider(
                    "Part of the clip (seconds)",
                    0.0,
                    float(info.seconds),
                    (0.0, float(info.seconds)),
                    0.1,
                    key=f"part-{key}",
                )
                end_s = None if last >= info.seconds - 0.05 else last
            annotate = st.toggle("Make a clip with boxes and names", True, key=f"annotate-{key}")
            blur = st.toggle(
                "Blur the faces in it",
                False,
                key=f"blur-{key}",
                help="Before you show the clip to others, for instance.",
            )
        with st.expander("More settings", icon=":material/tune:"):
            if not info.is_image:
                faces = st.segmented_control(
                    "Smallest face",
                    [AUTOMATIC, *FACES],
                    default=AUTOMATIC,
                    required=True,
                    key=f"faces-{key}",
                    help="Automatic tries a few pictures and chooses Normal or Small; "
                    + "; ".join(f"{n}: {share} of the picture's longer side" for n, (_, share) in FACES.items())
                    + ". Smaller faces take longer.",
                )
                steadiness = st.segmented_control(
                    "Steadiness",
                    list(STEADINESS),
                    default="Normal",
                    required=True,
                    key=f"steady-{key}",
                    help="How much the reading is calmed over time. The table always has the raw values too.",
                )
            titles = models()
            model = st.selectbox("Model", list(titles), format_func=lambda n: titles[n], key=f"model-{key}")
            models_left_out()
            detector = st.segmented_control(
                "Face finder",
                ["yunet", "haar"],
                default="yunet",
                required=True,
                format_func={"yunet": "YuNet (better)", "haar": "Haar (2001)"}.__getitem__,
                key=f"detector-{key}",
            )
        with st.container(horizontal=True):
            start = st.form_submit_button("Analyse", type="primary", icon=":material/play_arrow:", key=f"start-{key}")
            other = st.form_submit_button("Choose another clip", type="tertiary", key=f"other-{key}")
    if other:
        discard()
        st.rerun()
    chosen = ClipSettings(
        sample_fps=fps,
        start_s=start_s,
        end_s=end_s,
        annotate=annotate,
        blur=blur,
        faces=faces or usual.faces,
        steadiness=steadiness or usual.steadiness,
        model=model or usual.model,
        detector=detector or usual.detector,
    )
    return chosen, start


def submit(source: Source, settings: ClipSettings | None = None) -> None:
    """Queue the analysis of a chosen clip. From then on the page's address leads to it.

    Args:
        source: the clip.
        settings: what was chosen; the usual ones if None.
    """
    chosen = settings or ClipSettings()
    try:
        model = usable(chosen.model)
        check_turn()
        side = STILL if source.info.is_image else _side(chosen.faces)
        work = ClipAnalysis(
            source.path,
            recognizer(model, chosen.detector, side, queue=True),
            chosen.options(load_model(model).confidence_threshold),
            name=source.name,
            limits=limits(),
            annotated=source.folder / "annotated.mp4" if chosen.annotate and not source.info.is_image else None,
            blur=chosen.blur,
            automatic_detail=chosen.faces == AUTOMATIC,
        )
        job: Job[ClipAnalysis] = jobs().submit(work, source.folder)
        took(job)
        add_clip(job)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state.pop("source", None)
    st.query_params["job"] = job.id
    st.rerun()
