"""Drawn faces with the seven expressions: a dataset for a fresh machine, made in seconds and with no download.

They are drawings, and a network that knows them knows drawings. A few faults are put in on purpose, so that the quality
report has something to find: copies across the splits, copies with another label, blank images.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache

import cv2
import numpy as np

from fer_core.datasets.dataset import SIDE, Dataset
from fer_core.labels import FER7

__all__ = [
    "BLANK",
    "CONFLICTS",
    "LEAKS",
    "draw_face",
    "synthetic_faces",
]

ZOOM = 4
"""Faces are drawn this many times larger and shrunk, which gives smooth edges."""

RAMP, PLACES = np.linspace(-1, 1, SIDE * ZOOM, dtype=np.float32), np.linspace(-1, 1, SIDE)
ALONG_A_MOUTH = np.linspace(-1, 1, 25)
"""From -1 to 1 across the drawing, the image and the mouth; made once, not for each face."""

LEAKS, CONFLICTS, BLANK = 8, 3, 2
"""Faults that are put in: images of PublicTest copied from Training; such with another label; blank images."""


@dataclass(frozen=True, slots=True)
class Features:
    """How far each part of a face is moved from rest; 0 is neutral, 1 is strong."""

    corners: float = 0.0
    """Corners of the mouth up."""
    opening: float = 0.0
    width: float = 0.0
    """Mouth wider."""
    teeth: float = 0.0
    eyes: float = 0.0
    """Eyes wider open."""
    brows: float = 0.0
    """Eyebrows up."""
    inner: float = 0.0
    """Inner ends of the eyebrows up."""
    frown: float = 0.0
    """Folds between the eyebrows."""
    nose: float = 0.0
    """Wrinkles of the nose, and the upper lip up."""


EXPRESSIONS = {
    "angry": (
        Features(corners=-0.3, width=-0.1, eyes=-0.35, brows=-0.7, inner=-1.0, frown=1.0),
        Features(corners=-0.2, opening=0.55, width=0.2, teeth=1.0, eyes=0.1, brows=-0.6, inner=-1.0, frown=1.0),
    ),
    "disgust": (
        Features(corners=-0.6, opening=0.15, width=-0.2, eyes=-0.7, brows=-0.5, inner=-0.4, nose=1.0),
        Features(corners=-0.4, opening=0.35, width=0.0, teeth=0.6, eyes=-0.8, brows=-0.4, inner=-0.5, nose=1.0),
    ),
    "fear": (
        Features(corners=-0.4, opening=0.4, width=0.7, teeth=0.7, eyes=0.8, brows=0.7, inner=0.8),
        Features(corners=-0.5, opening=0.25, width=0.9, eyes=0.9, brows=0.6, inner=1.0, frown=0.3),
    ),
    "happy": (
        Features(corners=1.0, width=0.6, eyes=-0.2),
        Features(corners=0.9, opening=0.5, width=0.7, teeth=1.0, eyes=-0.4, brows=0.1),
    ),
    "neutral": (Features(), Features(corners=0.1, brows=0.1)),
    "sad": (
        Features(corners=-1.0, width=-0.2, eyes=-0.4, brows=0.0, inner=0.9),
        Features(corners=-0.9, width=-0.1, eyes=-0.6, brows=-0.1, inner=0.8, frown=0.4),
    ),
    "surprise": (
        Features(opening=1.0, width=-0.55, eyes=0.9, brows=1.0),
        Features(opening=0.7, width=-0.4, eyes=0.8, brows=0.9, inner=0.1),
    ),
}


def _features(label: str, rng: np.random.Generator) -> Features:
    """Return an expression between its two forms, weaker or stronger, with a little of one's own."""
    one, other = EXPRESSIONS[label]
    share, strength = rng.uniform(), rng.uniform(0.7, 1.1)
    moved = {}
    for part in fields(Features):
        value = (1 - share) * getattr(one, part.name) + share * getattr(other, part.name)
        noise = 0.0 if part.name in ("teeth", "nose", "frown", "opening") else rng.normal(0, 0.07)
        moved[part.name] = float(strength * value + noise)
    return replace(Features(), **moved)


def _curve(image: np.ndarray, points: np.ndarray, gray: float, thickness: int) -> None:
    cv2.polylines(image, [np.round(points * 8).astype(np.int32)], False, gray, thickness, cv2.LINE_AA, 3)


def _fill(image: np.ndarray, points: np.ndarray, gray: float) -> None:
    cv2.fillPoly(image, [np.round(points * 8).astype(np.int32)], gray, cv2.LINE_AA, 3)


@cache
def _arc(start: float, end: float) -> np.ndarray:
    angle = np.radians(np.linspace(start, end, 40))
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def _oval(x: float, y: float, w: float, h: float, start: float = 0.0, end: float = 360.0) -> np.ndarray:
    return np.asarray((x, y) + np.array([w, h]) * _arc(start, end))


def draw_face(label: str, rng: np.random.Generator) -> np.ndarray:
    """Return one drawn face with the expression of that name; uint8 (48, 48)."""
    f = _features(label, rng)
    side = SIDE * ZOOM
    image = np.full((side, side), rng.uniform(20, 210), np.float32)
    ramp = rng.uniform(-40, 40) * RAMP
    image += ramp if rng.uniform() < 0.5 else ramp[:, None]
    skin, hair = rng.uniform(95, 225), rng.uniform(10, 200)
    dark = skin * rng.uniform(0.2, 0.4)
    wide, tall = 62 * rng.uniform(0.88, 1.12), 82 * rng.uniform(0.92, 1.08)
    middle = np.array([side / 2, side / 2 + 4])
    x0, y0 = middle
    # Hair behind and above, then the face with its ears.
    if rng.uniform() < 0.85:
        _fill(image, _oval(x0, y0 - 14, wide * rng.uniform(1.05, 1.25), tall * rng.uniform(0.95, 1.08)), hair)
    for turn in (-1, 1):
        _fill(image, _oval(x0 + turn * wide, y0, 9, 16), skin * 0.9)
    _fill(image, _oval(x0, y0, wide, tall), skin)
    if rng.uniform() < 0.7:
        _fill(image, _oval(x0, y0 - tall * 0.52, wide * 0.86, tall * rng.uniform(0.32, 0.5), 180, 360), hair)
    _eyes(image, f, rng, x0, y0 - 18, wide, skin, dark)
    _nose(image, f, rng, x0, y0 + 14, skin)
    _mouth(image, f, rng, x0, y0 + 47, wide, skin, dark)
    if rng.uniform() < 0.15:  # glasses
        for turn in (-1, 1):
            _curve(image, _oval(x0 + turn * wide * 0.42, y0 - 18, 21, 17), dark * 0.5, 2)
        _curve(image, np.array([[x0 - wide * 0.42 + 21, y0 - 18], [x0 + wide * 0.42 - 21, y0 - 18]]), dark * 0.5, 2)
    return _photograph(image, rng)


def _eyes(
    image: np.ndarray, f: Features, rng: np.random.Generator, x0: float, y: float, wide: float, skin: float, dark: float
) -> None:
    apart, size = wide * rng.uniform(0.38, 0.46), rng.uniform(12, 15)
    open_ = max(0.12, 0.5 + 0.42 * f.eyes) * size
    look = rng.uniform(-3, 3)
    brow, thick = dark * rng.uniform(0.6, 1.2), int(rng.integers(4, 8))
    for turn in (-1, 1):
        x = x0 + turn * apart
        _fill(image, _oval(x, y, size, open_), min(250.0, skin + 60))
        reach = min(open_, size * 0.52)
        _fill(image, _oval(x + look, y, reach, reach), dark * 0.5)
        _curve(image, _oval(x, y, size, open_, 180, 360), dark * 0.7, 3)
        # The brow's outer end stays, its inner end goes up or down.
        high = y - 20 - 9 * f.brows
        inner, outer = x - turn * 15, x + turn * 17
        points = np.array([[inner, high - 10 * f.inner], [x, high - 4 - 2 * f.inner], [outer, high + 4]])
        _curve(image, points, brow, thick)
        if f.frown > 0.3:
            fold = np.array([[x0 + turn * 5, y - 24], [x0 + turn * 4, y - 10]])
            _curve(image, fold, skin * 0.65, 2)


def _nose(image: np.ndarray, f: Features, rng: np.random.Generator, x0: float, y: float, skin: float) -> None:
    width = rng.uniform(7, 12)
    _curve(image, _oval(x0, y, width, 6, 20, 160), skin * 0.6, 3)
    _curve(image, np.array([[x0 - 3, y - 24], [x0 - 5, y - 6]]), skin * 0.8, 2)
    if f.nose > 0.3:
        for k in range(3):
            high = y - 22 + 6 * k
            _curve(image, np.array([[x0 - 9, high - 3], [x0, high], [x0 + 9, high - 3]]), skin * 0.55, 2)
        for turn in (-1, 1):
            fold = np.array([[x0 + turn * 12, y - 2], [x0 + turn * 22, y + 10], [x0 + turn * 27, y + 26]])
            _curve(image, fold, skin * 0.55, 3)


def _mouth(
    image: np.ndarray, f: Features, rng: np.random.Generator, x0: float, y: float, wide: float, skin: float, dark: float
) -> None:
    half = wide * 0.4 * (1 + 0.45 * f.width)
    lift = 13 * f.corners
    t = ALONG_A_MOUTH
    line = y - lift * t**2 + lift * 0.4 - 7 * max(0.0, f.nose)
    gap = 15 * max(0.0, f.opening)
    upper = np.stack([x0 + half * t, line - gap * (1 - t**2) * 0.7], 1)
    lower = np.stack([x0 + half * t, line + gap * (1 - t**2) * 1.3], 1)
    if gap > 2:
        _fill(image, np.concatenate([upper, lower[::-1]]), dark * 0.3)
        if f.teeth > 0.3:
            bottom = upper + np.array([0, 1]) * (lower - upper) * 0.45
            _fill(image, np.concatenate([upper, bottom[::-1]]), min(250.0, skin + 70))
    lip = min(dark * 1.5, skin * 0.6)
    thick = int(rng.integers(4, 7))
    _curve(image, upper, lip, thick)
    _curve(image, lower, lip, thick)


def _photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pose, light, blur and noise."""
    side = len(image)
    turn: np.ndarray = cv2.getRotationMatrix2D((side / 2, side / 2), rng.normal(0, 6), rng.uniform(0.9, 1.15))
    turn[:, 2] += rng.normal(0, 0.025 * side, 2)  # shifted
    turn[0, 1] += rng.normal(0, 0.04)
    image = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small: np.ndarray = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    across, down = PLACES, PLACES[:, None]
    angle = rng.uniform(0, 2 * np.pi)
    small = small * (1 + rng.uniform(0, 0.3) * (np.cos(angle) * across + np.sin(angle) * down))
    small = (small - small.mean()) * rng.uniform(0.65, 1.15) + small.mean() * rng.uniform(0.75, 1.2)
    if rng.uniform() < 0.5:
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 0.8))
    small = small + rng.normal(0, rng.uniform(1, 6), small.shape)
    return np.asarray(np.clip(np.round(small), 0, 255).astype(np.uint8))


def synthetic_faces(each: int = 300, seed: int = 0) -> Dataset:
    """Drawn faces: `each` of every expression, a sixth of them in PublicTest, the rest in Training.

    The same seed gives the same faces. There are no FER+ votes: nobody was asked.
    """
    rng = np.random.default_rng(seed)
    n = each * len(FER7)
    labels = rng.permutation(np.repeat(np.arange(len(FER7)), each))
    images = np.stack([draw_face(FER7[label], rng) for label in labels])
    test = n // 6
    splits = np.array(["Training"] * (n - test) + ["PublicTest"] * test)
    if test > LEAKS + CONFLICTS + BLANK:
        leaks = n - test + np.arange(LEAKS)
        images[leaks], labels[leaks] = images[leaks - test], labels[leaks - test]
        conflicts = leaks[-1] + 1 + np.arange(CONFLICTS)
        images[conflicts] = images[conflicts - test]
        labels[conflicts] = (labels[conflicts - test] + 1) % len(FER7)
        images[n // 2 : n // 2 + BLANK] = 0
    return Dataset(images, labels.astype(np.int64), FER7, splits)
