"""High dynamic range (PQ and HLG, ITU-R BT.2100) brought to the range of ordinary screens.

PyAV's FFmpeg lacks the filter zscale that libavfilter's tonemap needs, so the curve is here: that of ITU-R BT.2390-10,
section 5.4.1, on the largest of the three colours, from a screen of 1000 to one of 203 cd/m2 (reference white). It
leaves everything up to about 90 cd/m2 as it is, faces among it.
"""

from __future__ import annotations

from functools import cache

import av
import cv2
import numpy as np

__all__ = ["HDR", "tone_mapped"]

HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics (ITU-T H.273) of high dynamic range."""

PEAK, WHITE = 1000.0, 203.0
"""Light in cd/m2 of the screen that clips are made for, and of white on it (ITU-R BT.2408)."""

LEVELS = 1024
STEPS = 4096

# ITU-R BT.2087: from the colours of BT.2020 to those of BT.709, linear light.
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)


def tone_mapped(picture: av.VideoFrame, transfer: int, size: tuple[int, int]) -> np.ndarray:
    """Return a decoded picture of high dynamic range as an ordinary one.

    Args:
        picture: as decoded, BT.2020.
        transfer: one of `HDR`.
        size: width and height of the result in pixels; shrinking comes first, as the rest costs by the pixel.

    Returns:
        uint8 (height, width, 3) BGR.
    """
    rgb = np.asarray(picture.reformat(width=size[0], height=size[1], format="rgb48le").to_ndarray(), np.uint16)
    light = np.take(_display_light(transfer), rgb >> 6)  # relative to white
    if HDR[transfer] == "HLG":  # its pictures are made brighter or darker by the light of each point (OOTF)
        luminance = np.maximum(light @ np.array([0.2627, 0.6780, 0.0593], np.float32), 1e-6)
        light *= (PEAK / WHITE * luminance**0.2)[..., None]
    top = light.max(2)
    place = np.minimum(np.sqrt(top * (WHITE / PEAK)), 1.0) * (STEPS - 1)
    light *= np.take(_gain(), place.astype(np.int32))[..., None]
    linear = np.clip(cv2.transform(light, _TO_709), 0.0, 1.0)
    shown = np.take(_shown(), (cv2.sqrt(linear) * (STEPS - 1) + 0.5).astype(np.int32))
    return np.ascontiguousarray(shown[..., ::-1])


@cache
def _display_light(transfer: int) -> np.ndarray:
    """Light relative to white for each level of a PQ signal; light of the scene, 0 to 1, of an HLG signal."""
    signal = np.linspace(0, 1, LEVELS)
    if HDR[transfer] == "PQ":
        return (_from_pq(signal) * 10000 / WHITE).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12).astype(np.float32)


@cache
def _gain() -> np.ndarray:
    """Return what light is multiplied by, for the square root of its share of the peak."""
    light = np.linspace(0, 1, STEPS) ** 2 * PEAK
    top = _to_pq(PEAK / 10000)
    limit = _to_pq(WHITE / 10000) / top
    knee = 1.5 * limit - 0.5
    e = _to_pq(light / 10000) / top
    t = np.clip((e - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * limit
    mapped = _from_pq(np.where(e < knee, e, spline) * top) * 10000
    return (mapped / np.maximum(light, 1e-9)).astype(np.float32).clip(0, 1)


@cache
def _shown() -> np.ndarray:
    """Level of an ordinary picture (sRGB), 0 to 255, for the square root of linear light."""
    linear = np.linspace(0, 1, STEPS) ** 2
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * srgb).astype(np.uint8)


_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


def _to_pq(light: np.ndarray | float) -> np.ndarray:
    """Signal of a share of 10000 cd/m2 (SMPTE ST 2084)."""
    power = np.asarray(light, np.float64) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _from_pq(signal: np.ndarray) -> np.ndarray:
    power = signal ** (1 / _M2)
    return (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)
