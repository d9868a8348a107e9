"""Class names, their order and colours, and how they map to FER+ and to other tools: the one place.

Orders travel with the weights by name, never by number: the Kaggle file, FER+ and this package each
number the same seven expressions differently.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = [
    "COLORS",
    "FER7",
    "FERPLUS8",
    "FERPLUS_TO_FER7",
    "FERPLUS_VOTES",
    "ICONS",
    "KAGGLE_CODES",
    "SAME",
    "SERIES",
    "TO_DEEPFACE",
    "TO_FEAT",
    "UNSURE",
]

FER7: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven classes of FER2013 in alphabetical order, the order of every table of this package."""

KAGGLE_CODES = MappingProxyType(
    {0: "angry", 1: "disgust", 2: "fear", 3: "happy", 4: "sad", 5: "surprise", 6: "neutral"}
)
"""The codes of the `emotion` column of Kaggle's fer2013.csv."""

FERPLUS8: tuple[str, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
"""The eight expressions of FER+ in the order of its published file."""

FERPLUS_VOTES: tuple[str, ...] = (*FERPLUS8, "unknown", "not_face")
"""The ten columns of FER+ votes; the last is called NF in the published file."""

FERPLUS_TO_FER7 = MappingProxyType(
    {
        "neutral": "neutral",
        "happiness": "happy",
        "surprise": "surprise",
        "sadness": "sad",
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
    }
)
"""FER+ names in FER2013's words. Contempt has no counterpart there."""

TO_DEEPFACE = MappingProxyType({name: name for name in FER7})
"""deepface and fer use FER2013's own names."""

TO_FEAT = MappingProxyType({fer7: plus for plus, fer7 in FERPLUS_TO_FER7.items()})
"""Names of py-feat's expression columns."""

UNSURE = "unsure"
"""Shown in place of a label where the quality gate or the margin says that a guess would not be honest."""

# Okabe and Ito's colour-blind-safe set (https://jfly.uni-koeln.de/color/), with their yellow darkened so that
# a line of it stands out on white. Neutral is grey: it is the ground on which the others show. Their green and purple
# would then be too near to it, so disgust, fear and surprise were moved until every two colours stay 18 apart (CIE Lab)
# to people who do not see red or green, where the original came down to 4.
COLORS = MappingProxyType(
    {
        "angry": "#D55E00",
        "disgust": "#299662",
        "fear": "#A27EF4",
        "happy": "#E6A500",
        "neutral": "#8A8F98",
        "sad": "#0072B2",
        "surprise": "#7B4270",
        "contempt": "#56B4E9",
        UNSURE: "#C9CDD3",
    }
)

SERIES = tuple(COLORS[name] for name in ("sad", "angry", "disgust", "surprise", "happy", "fear", "contempt"))
"""Colours of things that are no expressions, such as runs or models side by side, strongest first."""

# Material Symbols, for pages; colour is never the only sign.
ICONS = MappingProxyType(
    {
        "angry": ":material/sentiment_extremely_dissatisfied:",
        "disgust": ":material/sick:",
        "fear": ":material/sentiment_stressed:",
        "happy": ":material/sentiment_very_satisfied:",
        "neutral": ":material/sentiment_neutral:",
        "sad": ":material/sentiment_dissatisfied:",
        "surprise": ":material/celebration:",
        UNSURE: ":material/help:",
    }
)


SAME = {**FERPLUS_TO_FER7, "disgusted": "disgust", "fearful": "fear", "surprised": "surprise"}
