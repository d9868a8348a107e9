"""The camera: its sizes, what the browser says of it, and words for what may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit_webrtc import Translations

__all__ = ["SIZES", "TRANSLATIONS", "WRONG", "camera_state"]

SIZES = {"Small": (320, 240), "Normal": (640, 480), "Large": (1280, 720)}

TRANSLATIONS: Translations = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose the camera",
    "select_camera": "Choose the camera",
    "turn_camera_on": "Camera on",
    "turn_camera_off": "Camera off",
    "device_ask_permission": "Your browser asks whether this page may use the camera. Answer “Allow”.",
    "device_not_available": "No camera can be used: none is connected, or another program has it. Close other programs "
    "that use it, connect one, and try again.",
    "device_access_denied": "Your browser does not let this page use the camera. Press the camera or lock sign beside "
    "the address, allow the camera, and reload the page.",
    "media_api_not_available": "Browsers give the camera only to pages with https in their address.",
}

WRONG = {
    "insecure": "This page was opened without **https**, and browsers give the camera only to secure pages. Open it "
    "with https:// in front, or on the computer that runs it as http://localhost.",
    "missing": "Your browser finds **no camera**. Connect one, or close the program that uses it, and reload the page.",
    "denied": "Your browser **does not let** this page use the camera. Press the camera or lock sign beside the "
    "address, choose “Allow”, and reload the page.",
    "blocked": "**No connection.** The camera is on, but its picture does not arrive: the network between you and the "
    "server seems to block it, as company networks and mobile networks often do. Try another network. Whoever runs "
    "this page can set up a TURN server, as its README says. “Single pictures” above works everywhere.",
    "stalled": "**No picture for 5 seconds.** Press Stop, then Start.",
}
"""What may be wrong with the camera or the connection, and what to do."""


# What a page of Streamlit cannot know by itself: whether the browser has a camera and would give it.
SCRIPT = """
export default function (component) {
  const { setStateValue } = component
  let told = null
  const tell = (value) => { if (value !== told) { told = value; setStateValue("camera", value) } }
  const look = async () => {
    if (!window.isSecureContext || !navigator.mediaDevices) return tell("insecure")
    try {
      const permission = await navigator.permissions.query({ name: "camera" })
      permission.onchange = look
      if (permission.state === "denied") return tell("denied")
    } catch (error) { /* Firefox and Safari may not know this question */ }
    const devices = await navigator.mediaDevices.enumerateDevices()
    tell(devices.some((device) => device.kind === "videoinput") ? "ready" : "missing")
  }
  look()
}
"""

_component = st.components.v2.component("expression_lab_camera", html="<span></span>", js=SCRIPT)


def camera_state() -> str | None:
    """`ready`, or a key of WRONG; None while the browser has not answered. Draws nothing."""
    state = _component(key="camera-state", height=1, on_camera_change=lambda: None)
    return getattr(state, "camera", None)
