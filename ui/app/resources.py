"""What all visitors share: loaded models and the queue of work."""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from typing import Any

import cv2
import numpy as np
import streamlit as st

from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.faces.detector import FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
from fer_core.models.registry import DEFAULT, active_bundle, list_models, load_model, unreadable_bundles
from fer_core.utils.jobs import Jobs
from fer_core.video.reader import FrameReader
from ui.app.formatting import escaped
from ui.app.settings import SAMPLE, settings

__all__ = ["drawing", "jobs", "models", "models_left_out", "poster", "ready", "recognizer", "usable"]

POSTER_SECONDS = 14.6

cv2.setNumThreads(1)  # an analysis has two frames in work at a time; more threads would only get in each other's way


@st.cache_resource(show_spinner=False, max_entries=6)
def _classifier(folder: str, model: str, sha256: str, queue: bool) -> Classifier:
    # The hash is in the key: a model that was trained again under the same name is loaded again. So is the folder:
    # two visitors of a host may have models of the same name.
    return Classifier(load_model(model))


@st.cache_resource(show_spinner=False, max_entries=8)
def _detector(kind: str, side: int | tuple[int, ...], queue: bool) -> FaceDetector:
    return FaceDetector(kind, side=side, alone=queue)


def models() -> dict[str, str]:
    """Titles of the models by name; the one in use comes first, which makes it what a list of them offers.

    No two are alike: a list of Streamlit's could not tell them apart.
    """
    now = active_bundle()
    found = sorted(list_models(), key=lambda bundle: bundle.name != now)
    often = Counter(bundle.title for bundle in found)
    return {b.name: b.title if often[b.title] == 1 else f"{b.title} ({b.name})" for b in found}


def models_left_out() -> None:
    """Draw, below a list of models, a sentence for each that is missing there as it is damaged."""
    for sentence in unreadable_bundles().values():
        st.caption(f":material/warning: Left out: {escaped(sentence, 600)}")


def usable(model: str) -> str:
    """Return the model of that name, or the one in use where there is none: it was deleted since it was picked."""
    return model if model in models() else active_bundle()


def recognizer(model: str, detector: str, side: int | tuple[int, ...], *, queue: bool = False) -> ExpressionRecognizer:
    """Detector and model, loaded once for all visitors.

    Args:
        model: name of the model.
        detector: see `FaceDetector`.
        side: see `FaceDetector`.
        queue: for work of the queue: it has its own, or pages and cameras would wait for it.
    """
    bundle = load_model(model)
    classifier = _classifier(str(bundle.folder), model, str(bundle.card.get("sha256")), queue)
    return ExpressionRecognizer(classifier, _detector(detector, side, queue))


def ready(model: str) -> ExpressionRecognizer:
    """Detector and model, loaded and run once: the first frames of a camera must not wait for it."""
    read = recognizer(model, "yunet", 320)
    _warm(read)
    return read


@st.cache_resource(
    show_spinner=False, max_entries=4, hash_funcs={ExpressionRecognizer: lambda read: id(read.classifier)}
)
def _warm(read: ExpressionRecognizer) -> ExpressionRecognizer:
    read(np.zeros((480, 640, 3), np.uint8))
    for faces in (1, 2, 4):
        read.classifier(np.zeros((faces, 48, 48), np.uint8))
    return read


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs[Any]:
    """Return the queue of analyses and comparisons of this server."""
    now = settings()
    queue: Jobs[Any] = Jobs(workers=now.workers, waiting=now.waiting, keep_seconds=60 * now.keep_minutes, busy=drawing)
    atexit.register(queue.close)
    return queue


def drawing() -> bool:
    """Return a page is drawn at the moment: Streamlit does that in threads of this name."""
    return any(thread.name.startswith("ScriptRunner.") for thread in threading.enumerate())


@st.cache_resource(show_spinner=False)
def poster() -> bytes:
    """JPEG of a moment of the sample clip as the app reads it."""
    read = recognizer(DEFAULT, "yunet", 320)
    with FrameReader(SAMPLE, start=POSTER_SECONDS) as reader:
        image = next(iter(reader)).image()
    image = cv2.resize(image, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    draw_overlays(image, overlays(read(image)))
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
