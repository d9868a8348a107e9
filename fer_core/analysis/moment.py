"""More of each moment: the second guess, its margin, valence, and words for how strongly an expression shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from fer_core.analysis.table import label_names
from fer_core.errors import OptionError

__all__ = ["INTENSITY", "MOMENT_COLUMNS", "NEGATIVE", "add_moment_columns", "intensity_word", "valence"]

NEGATIVE = ("sad", "angry", "fear", "disgust")
"""The expressions that count as negative in FaceReader's valence; surprise may be either, contempt is left out."""

MOMENT_COLUMNS = ("second_label", "second_confidence", "margin", "valence")

INTENSITY: Mapping[str, float] = MappingProxyType(
    {"none": 0.0, "trace": 0.1, "slight": 0.3, "clear": 0.5, "strong": 0.75}
)
"""Words for a smoothed probability, each with the lowest value that it stands for.

The value says how sure the network is, not how far muscles move: a weak but unmistakable smile can be "strong". The
steps are a convention of this program: below 0.1 an expression is within the noise of seven classes, from 0.5 on it
leads whatever the others are, and from 0.75 on it has three times as much as all others together.
"""


def valence(table: pd.DataFrame, *, smoothed: bool = True) -> pd.Series:
    """Return how pleasant or unpleasant a face looks: happy minus the strongest negative expression, -1 to 1.

    Source: the definition of FaceReader (Loijens and Krips, "FaceReader Methodology Note", Noldus Information
    Technology), with probabilities in place of its intensities. So the sign can be compared with it, the size cannot.

    Args:
        table: native long table.
        smoothed: of the smoothed probabilities, else of those of each frame alone.

    Raises:
        OptionError: the table has no "happy", or none of `NEGATIVE`.
    """
    labels, ending = label_names(table), "_smoothed" if smoothed else ""
    negative = [name + ending for name in NEGATIVE if name in labels]
    if "happy" not in labels or not negative:
        raise OptionError(
            f"Valence needs 'happy' and at least one of {', '.join(NEGATIVE)}; this model names {', '.join(labels)}."
        )
    return (table["happy" + ending] - table[negative].max(axis=1)).rename("valence")


def add_moment_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the second guess, the margin and the valence of each row.

    New columns, all of the smoothed probabilities: second_label (the expression that comes second), second_confidence,
    margin (by how much the first leads), valence (see `valence`; missing in models without those expressions). They are
    missing where there is no face.
    """
    labels = label_names(table)
    values = table[[f"{name}_smoothed" for name in labels]].to_numpy(np.float64)
    seen = ~np.isnan(values).any(axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    rows = np.arange(len(values))
    first, second = values[rows, order[:, 0]], values[rows, order[:, 1]]
    names = np.array(labels, dtype=object)[order[:, 1]]
    names[~seen] = None
    return table.assign(
        second_label=pd.Series(names, index=table.index, dtype="object"),
        second_confidence=np.where(seen, second, np.nan),
        margin=np.where(seen, first - second, np.nan),
        valence=_valence_or_nothing(table),
    )


def _valence_or_nothing(table: pd.DataFrame) -> pd.Series:
    try:
        return valence(table)
    except OptionError:
        return pd.Series(np.nan, index=table.index)


def intensity_word(probability: float) -> str:
    """Return the word for a smoothed probability; see `INTENSITY`.

    Raises:
        OptionError: it is no probability.

    Example:
        >>> intensity_word(0.62)
        'clear'
    """
    if not 0.0 <= probability <= 1.0:
        raise OptionError(f"A probability lies between 0 and 1; received {probability}.")
    return [word for word, lowest in INTENSITY.items() if probability >= lowest][-1]
