"""Single pictures in place of live video: they need no connection of their own, and so work in every network."""

from __future__ import annotations

import io

import cv2
import streamlit as st

from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.errors import MediaError
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.labels import ICONS, UNSURE
from fer_core.utils.boundary import media_boundary
from fer_core.video.images import read_still
from fer_core.video.limits import Limits

__all__ = ["pictures"]


def pictures(read: ExpressionRecognizer) -> None:
    """Draw the camera for single pictures, and what the last one shows."""
    left, right = st.columns(2, gap="medium")
    with left:
        taken = st.camera_input(
            "Take a picture of yourself",
            key="picture",
            help="The browser asks whether it may use the camera. The picture is read in memory and not stored.",
        )
    if taken is None:
        right.caption("The picture appears here with its faces and their expressions.")
        return
    try:
        with media_boundary():
            image = read_still(io.BytesIO(taken.getvalue()), Limits()).image
    except MediaError as error:
        raise MediaError("This picture cannot be used. Take another one.") from error
    faces = read(image)
    found = overlays(faces, bars=True)
    draw_overlays(image, found)
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    with right:
        st.image(jpeg, width="stretch", alt="The picture with a box and the expression at each face")
        if not found:
            st.info(
                "No face was found. Look towards the camera, come nearer, and into the light.",
                icon=":material/search_off:",
            )
        for i, mark in enumerate(found):
            words = "unsure" if mark.label == UNSURE else f"{mark.label}, {mark.confidence:.0%}"
            who = f"Face {i + 1}: " if len(found) > 1 else ""
            st.markdown(f"{ICONS.get(mark.label, '')} {who}**{words}**")
        st.download_button(
            "Keep this picture", jpeg, "expression.jpg", "image/jpeg", icon=":material/download:", on_click="ignore"
        )
