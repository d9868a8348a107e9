"""Vary training crops as real clips vary: pose, framing, light, sharpness, compression.

Works on 48x48 grey crops and returns network-sized ones; standardisation stays with `preprocessing`, the one
function for training and inference. Pure NumPy and OpenCV, so that every training engine can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fer_core.models.preprocessing import CROP_SIDE, INPUT_SIDE

__all__ = ["Augmentation", "augment"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far crops are varied; each `*_p` is the share of images that get that change.

    Attributes:
        rotate: largest roll in degrees, either way.
        scale: smallest and largest zoom.
        shift: largest shift as a share of the side, either way.
        light_p, jpeg_p, blur_p, shrink_p, side_light_p, erase_p, noise_p: shares of images.
    """

    rotate: float = 15.0
    scale: tuple[float, float] = (0.78, 1.28)
    shift: float = 0.12
    light_p: float = 0.5
    jpeg_p: float = 0.15
    blur_p: float = 0.1
    shrink_p: float = 0.15
    side_light_p: float = 0.15
    erase_p: float = 0.3
    noise_p: float = 0.0

    @classmethod
    def weak(cls) -> Augmentation:
        """For the last epochs: the network settles on crops like those it will see."""
        return cls(8.0, (0.9, 1.1), 0.05, 0.25, 0.05, 0.05, 0.05, 0.05, 0.0)


def augment(images: np.ndarray, rng: np.random.Generator, how: Augmentation, side: int = INPUT_SIDE) -> np.ndarray:
    """Return varied crops.

    Args:
        images: uint8 (n, 48, 48).
        rng: source of all randomness.
        how: how far to vary.
        side: pixels of what is cut out of the middle; 48 for networks that see the whole crop.

    Returns:
        uint8 (n, side, side).
    """
    n = len(images)
    out = np.empty((n, side, side), np.uint8)
    angle = np.deg2rad(rng.uniform(-how.rotate, how.rotate, n))
    low, high = np.log(how.scale)
    zoom = np.exp(rng.uniform(low, high, n))
    shift = rng.uniform(-how.shift, how.shift, (n, 2)) * CROP_SIDE
    flip = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    for i, image in enumerate(images):
        c, s = np.cos(angle[i]) * zoom[i], np.sin(angle[i]) * zoom[i]
        a = np.array([[c * flip[i], -s], [s * flip[i], c]])
        b = np.full(2, (side - 1) / 2) + shift[i] - a @ np.full(2, (CROP_SIDE - 1) / 2)
        crop = cv2.warpAffine(
            image,
            np.column_stack([a, b]),
            (side, side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        out[i] = _degrade(crop, rng, how)
    return out


def _degrade(crop: np.ndarray, rng: np.random.Generator, how: Augmentation) -> np.ndarray:
    light, jpeg, blur, shrink, side, erase = rng.random(6)
    if shrink < how.shrink_p:
        small = int(rng.integers(16, 33))
        crop = cv2.resize(cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA), crop.shape[::-1])
    if blur < how.blur_p:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 1.2)))
    if side < how.side_light_p:
        crop = _light_from_a_side(crop, rng)
    if light < how.light_p:
        crop = _relight(crop, rng)
    if how.noise_p and rng.random() < how.noise_p:  # asked last, so that runs without it see what they always saw
        crop = _in_low_light(crop, rng)
    if jpeg < how.jpeg_p:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 91))])
        crop = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    if erase < how.erase_p:
        crop = _erase(crop, rng)
    return crop


def _relight(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Standardisation undoes brightness and contrast; clipping at black and white and gamma remain, as in real light.
    gain, offset, gamma = rng.uniform(0.7, 1.4), rng.uniform(-40, 40), np.exp(rng.uniform(-0.5, 0.5))
    levels = np.clip((np.arange(256) - 128) * gain + 128 + offset, 0, 255) / 255
    return cv2.LUT(crop, (255 * levels**gamma).astype(np.uint8))


def _light_from_a_side(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = np.linspace(-1, 1, len(crop), dtype=np.float32)
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.7)
    ramp = 1 + depth * (np.cos(angle) * side[None, :] + np.sin(angle) * side[:, None])
    return np.asarray(np.clip(crop * ramp, 0, 255).astype(np.uint8))


def _in_low_light(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Few levels are left, and the sensor's noise does not shrink with the light. Noise of a clip is soft, since the
    # picture was scaled and compressed, so it is blurred a little.
    gain, sigma = rng.uniform(0.12, 0.6), rng.uniform(1.0, 5.0)
    noise = cv2.GaussianBlur(rng.standard_normal(crop.shape, np.float32), (0, 0), float(rng.uniform(0.3, 0.8)))
    return np.clip(np.rint(crop * gain + sigma * noise), 0, 255).astype(np.uint8)


def _erase(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = len(crop)
    area, ratio = rng.uniform(0.02, 0.2) * side**2, np.exp(rng.uniform(-0.9, 0.9))
    height, width = (int(np.clip(np.sqrt(area * r), 2, side - 2)) for r in (ratio, 1 / ratio))
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    crop = crop.copy()
    crop[top : top + height, left : left + width] = rng.integers(0, 256, (height, width), dtype=np.uint8)
    return crop
