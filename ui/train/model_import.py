"""Bring in a model that was trained elsewhere: look at it, say what its answers stand for, keep it, use it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.errors import FerError
from fer_core.models.foreign_model import ForeignModel
from fer_core.models.importer import SUFFIXES, import_model, inspect_model, known_labels
from fer_core.models.registry import active_bundle, list_models, set_active
from fer_core.utils.platform import temporary_folder
from ui.app.formatting import file_stem, quoted

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["bring_in"]

SCALES = {
    "unit": "From 0 to 1",
    "signed": "From -1 to 1",
    "standardise": "Each picture to mean 0 and deviation 1",
    "raw": "From 0 to 255, as they are",
}
OTHER = "Another order"
SEEN, BROUGHT = "foreign-seen", "foreign-brought"


def bring_in() -> None:
    """Draw the way in, and what comes of it."""
    with st.expander("Bring in a model from elsewhere", icon=":material/upload_file:"):
        st.caption(
            "A Keras model of yours or of somebody else: one `.keras` or `.h5` file, or the pair of `model.json` and "
            "its weights. It is built anew from layers that this program knows: opening it never runs code from it."
        )
        uploads = st.file_uploader(
            "Keras model",
            [suffix.removeprefix(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            key="foreign-files",
        )
        if uploads:
            try:
                _form(uploads, _seen(uploads))
            except FerError as error:
                st.error(str(error), icon=":material/error:")
        _brought()


@contextmanager
def _stored(uploads: Sequence[UploadedFile]) -> Iterator[list[Path]]:
    """The files in a folder that goes when they have been read."""
    with temporary_folder("expression-lab-model-") as folder:
        paths = []
        for upload in uploads[:3]:
            suffix = re.sub(r"[^.a-z0-9]", "", Path(upload.name).suffix.lower())[:8]
            path = folder / f"{file_stem(upload.name)}{suffix}"
            path.write_bytes(upload.getbuffer())
            paths.append(path)
        yield paths


def _seen(uploads: Sequence[UploadedFile]) -> ForeignModel:
    """Return what the model says of itself; looked at once."""
    ids = tuple(upload.file_id for upload in uploads)
    known = st.session_state.get(SEEN)
    if known is None or known[0] != ids:
        st.session_state.pop(BROUGHT, None)
        with st.spinner("Checking the model, about ten seconds …"), _stored(uploads) as paths:
            known = st.session_state[SEEN] = (ids, inspect_model(paths))
    return known[1]


def _form(uploads: Sequence[UploadedFile], seen: ForeignModel) -> None:
    color = "grey" if seen.channels == 1 else "colour"
    st.markdown(
        f"It takes {color} pictures of {seen.side} × {seen.side} pixels, has {seen.parameters:,} parameters and gives "
        f"{seen.outputs} answers."
    )
    with st.form("foreign-form", border=False):
        orders = {f"In the order {title}": labels for title, labels in seen.orders.items()}
        order = st.radio(
            "What do its answers stand for?",
            [*orders, OTHER],
            captions=[*(_caption(seen, labels) for labels in orders.values()), "Write it below, with commas."],
            help="The order of the labels it was trained with. Nothing in the file says it, and with the wrong one "
            "every answer has the wrong name.",
        )
        other = st.text_input("Another order", placeholder="angry, disgust, fear, happy, sad, surprise, neutral")
        names = list(SCALES)
        scale = st.selectbox(
            "Grey levels it was trained with",
            names,
            index=names.index(seen.scale),
            format_func=SCALES.__getitem__,
            help="How the pictures' brightness was turned into numbers. Most notebooks divide by 255: from 0 to 1.",
        )
        whole = next((upload for upload in uploads if not upload.name.endswith(".json")), uploads[0])
        name = st.text_input("Name of the model", file_stem(whole.name), max_chars=80)
        sure = st.checkbox("I have checked the order of the labels.")
        pressed = st.form_submit_button("Bring it in", type="primary", icon=":material/download_done:")
    if not pressed:
        return
    if not sure:
        st.warning("Please confirm the order of the labels first.", icon=":material/fact_check:")
        return
    labels = known_labels(orders[order] if order in orders else other.split(","))
    if doubt := seen.doubt(scale, labels):
        st.warning(doubt, icon=":material/fact_check:")
    with st.spinner("Building the model and comparing its answers with Keras's …"), _stored(uploads) as paths:
        st.session_state[BROUGHT] = import_model(paths, labels=labels, scale=scale, name=name).name


def _caption(seen: ForeignModel, labels: tuple[str, ...]) -> str:
    """Return an order's labels, and how many drawn faces the model names rightly if it is this one."""
    words = ", ".join(labels)
    return f"{words} ({seen.accuracy(seen.scale, labels):.0%} of {seen.tried_on} right)" if seen.answers else words


def _brought() -> None:
    name = st.session_state.get(BROUGHT)
    bundle = next((bundle for bundle in list_models() if bundle.name == name), None)
    if bundle is None:
        return
    st.success(
        f"{quoted(bundle.title)} is among your models now. The page **Compare** tells how good it is.",
        icon=":material/check_circle:",
    )
    if active_bundle() == bundle.name:
        st.markdown(":material/check: **In use** on the pages for clips and for the camera.")
    else:
        st.button("Use this model", icon=":material/done_all:", key="foreign-use", on_click=_use, args=(bundle.name,))


def _use(name: str) -> None:
    try:
        set_active(name)
    except FerError as error:
        st.session_state.pop(BROUGHT, None)
        st.error(str(error), icon=":material/error:")
