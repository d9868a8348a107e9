import itertools
import re

import numpy as np
import pytest

from fer_core import labels
from fer_core.labels import COLORS, FER7, FERPLUS8, FERPLUS_TO_FER7, FERPLUS_VOTES, ICONS, KAGGLE_CODES, UNSURE

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009,
# severity 1; for linear RGB.
VISION = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)


def linear(code: str) -> np.ndarray:
    c = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(code: str, vision: str) -> np.ndarray:
    seen = np.clip(VISION[vision] @ linear(code), 0, 1)
    t = SRGB_TO_XYZ @ seen / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    ("vision", "least"), [("usual", 20), ("deuteranopia", 17), ("protanopia", 17), ("tritanopia", 12)]
)
def test_colours_can_be_told_apart(vision, least):
    seen = {name: lab(code, vision) for name, code in COLORS.items()}
    distance = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(seen, 2)}
    closest = min(distance, key=distance.__getitem__)
    assert distance[closest] >= least, f"{closest} are {distance[closest]:.1f} apart"


def test_colours_show_on_white_and_on_black():
    for name, code in COLORS.items():
        luminance = SRGB_TO_XYZ[1] @ linear(code)
        assert 1.05 / (luminance + 0.05) >= (1.5 if name == UNSURE else 2.0), name
        assert (luminance + 0.05) / 0.05 >= 2.5, name


def test_the_ground_is_grey():
    for name in ("neutral", UNSURE):
        lightness, a, b = lab(COLORS[name], "usual")
        assert np.hypot(a, b) < 8
        assert 50 < lightness < 85


def test_every_expression_has_a_colour_and_an_icon():
    assert set(COLORS) == {*FER7, "contempt", UNSURE}
    assert set(ICONS) >= {*FER7, UNSURE}
    assert all(re.fullmatch(r"#[0-9A-F]{6}", code) for code in COLORS.values())
    assert all(re.fullmatch(r":material/[a-z_]+:", icon) for icon in ICONS.values())
    assert len(set(ICONS.values())) == len(ICONS)


def test_orders_and_codes():
    assert tuple(sorted(FER7)) == FER7
    # Kaggle: 0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral.
    assert [KAGGLE_CODES[i] for i in range(7)] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert set(KAGGLE_CODES.values()) == set(FER7)
    assert FERPLUS_VOTES[:8] == FERPLUS8 and len(FERPLUS_VOTES) == 10
    assert set(FERPLUS_TO_FER7) == set(FERPLUS8) - {"contempt"}
    assert set(FERPLUS_TO_FER7.values()) == set(FER7)


def test_mappings_to_peers_cover_all_and_lose_none():
    for mapping in (labels.TO_DEEPFACE, labels.TO_FEAT):
        assert set(mapping) == set(FER7)
        assert len(set(mapping.values())) == 7


def test_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        COLORS["happy"] = "#000000"  # type: ignore[index]
