"""One value for each participant and condition, which is what conditions are compared by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_core.errors import OptionError
from fer_core.statistics.units import check_columns, measure_units, pieces

__all__ = ["MEASURES", "check_measure", "participant_values", "values_of_units"]

MEASURES = {
    "share": "share of time with the expression {name}",
    "mean": "mean probability of {name}",
    "episodes_per_minute": "episodes of {name} per minute",
    "mean_episode_s": "mean length of episodes of {name} in seconds",
    "latency_s": "seconds until {name} first shows",
    "valence": "mean valence",
}
"""What can be compared, and how it is called in sentences."""


def participant_values(
    table: pd.DataFrame,
    measure: str = "share",
    expression: str | None = None,
    *,
    condition: str = "condition",
    min_seconds: float = 0.3,
) -> pd.DataFrame:
    """Return one value for each participant in each condition.

    A value is first taken in each clip or event window of a participant, then the mean over these, so a long clip does
    not outweigh a short one, and neither frames nor repetitions count as participants.

    Args:
        table: native long table with columns participant and that of the condition; of several clips with a column
            clip; cut by event where that is meant.
        measure: one of `MEASURES`.
        expression: of which; not needed for valence.
        condition: the column whose values are compared, such as condition or event.
        min_seconds: shorter episodes do not count.

    Returns:
        Columns participant, condition, value, units (clips or windows that the value is the mean of). A value is
        missing where it is not defined, such as the latency of an expression that never showed.

    Raises:
        OptionError: a column is missing, or there is no such measure or expression.
    """
    check_measure(measure)
    check_columns(table, ["participant", condition])
    if measure == "valence":
        return _means(_valence_units(table, condition), condition)
    units = measure_units(table, ["participant", condition], min_seconds=min_seconds)
    return values_of_units(units, measure, expression, condition=condition)


def check_measure(measure: str) -> None:
    """Raise OptionError where there is no such measure."""
    if measure not in MEASURES:
        raise OptionError(f"There is no measure {measure!r}. Choose one of {', '.join(MEASURES)}.")


def values_of_units(
    units: pd.DataFrame, measure: str, expression: str | None, *, condition: str = "condition"
) -> pd.DataFrame:
    """Return one value for each participant and condition from what `measure_units` gives; see `participant_values`."""
    known = list(dict.fromkeys(units["expression"]))
    if expression not in known:
        raise OptionError(f"There is no expression {expression!r}. Choose one of {', '.join(known)}.")
    own = units[units["expression"] == expression]
    return _means(own.assign(value=_value(own, measure)), condition)


def _means(units: pd.DataFrame, condition: str) -> pd.DataFrame:
    groups = units.groupby(["participant", condition], sort=True)["value"]
    found = groups.agg(value="mean", units="count").reset_index()
    return found.rename(columns={condition: "condition"})


def _value(units: pd.DataFrame, measure: str) -> pd.Series:
    if measure == "episodes_per_minute":
        return units["episodes"] / units["seconds"] * 60
    if measure == "mean_episode_s":
        return units["episode_s"] / units["episodes"].where(units["episodes"] > 0)
    return units[measure]


def _valence_units(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    from fer_core.analysis.episodes import with_weights
    from fer_core.analysis.moment import valence

    rows = []
    for piece in pieces(table):
        faces = with_weights(piece)
        faces = faces.assign(valence=valence(faces))
        for key, part in faces.groupby(["participant", condition, "person"], sort=False):
            rows.append((*key[:2], float(np.average(part["valence"], weights=part["weight"]))))
    return pd.DataFrame(rows, columns=["participant", condition, "value"])
