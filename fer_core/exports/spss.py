"""SPSS data file (.sav) with variable labels and value labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.codebook import describe
from fer_core.exports.format import Format, through_file
from fer_core.exports.tables import frame_table
from fer_core.labels import UNSURE

__all__ = ["FORMATS", "variable_names", "write"]

RESERVED = {"ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"}
LONGEST_LABEL = 120


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the frames: a case for each face and frame; `label` is a number with value labels, 0 for unsure."""
    import pyreadstat

    table = frame_table(result)
    labels = label_names(result.table)
    said = [*labels, *table["label"].dropna().unique()]
    codes = {name: code for code, name in enumerate(dict.fromkeys([UNSURE, *said]))}
    table["label"] = table["label"].map(codes, na_action="ignore").astype(float)
    names = variable_names([str(name) for name in table.columns])
    meanings: dict[str, str | None] = {
        name: _variable_label(str(old), labels) for old, name in zip(table.columns, names, strict=True)
    }
    words: dict[int | float, str] = {code: _short(name) for name, code in codes.items()}
    values = {names[list(table.columns).index("label")]: words}
    measures = {name: _measure(str(old), table[old]) for old, name in zip(table.columns, names, strict=True)}
    data = pd.DataFrame({name: _values(table[old]) for old, name in zip(table.columns, names, strict=True)})

    def save(path: Any) -> None:
        pyreadstat.write_sav(
            data,
            path,
            file_label="Expression Lab: expressions by face and frame",
            column_labels=meanings,
            variable_value_labels=values,
            variable_measure=measures,
        )

    yield through_file(save, "frames.sav")


def variable_names(columns: list[str]) -> list[str]:
    """Return names that SPSS takes: letters, digits and `_`, no reserved word, at most 64 bytes, each once."""
    taken: set[str] = set()
    names = []
    for column in columns:
        name = re.sub(r"\W", "_", column, flags=re.ASCII)
        if not name[:1].isalpha() or name.upper() in RESERVED:
            name = "v_" + name
        name = base = name[:60]
        number = 2
        while name.upper() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.upper())
        names.append(name)
    return names


def _variable_label(column: str, labels: tuple[str, ...]) -> str:
    meaning, unit, _ = describe("frames", column, labels)
    return _short(f"{meaning} ({unit})" if unit else meaning)


def _short(text: str) -> str:
    return text.encode()[:LONGEST_LABEL].decode(errors="ignore")


def _measure(column: str, values: pd.Series) -> str:
    if column in ("label", "track_id", "shot") or not _is_number(values):
        return "nominal"
    return "scale"


def _is_number(values: pd.Series) -> bool:
    kind = values.dtype
    return bool(pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind))


def _values(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.dt.tz_localize(None).astype("datetime64[ns]")  # SPSS knows no zones
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("Float64").astype(float)
    return values.astype(object).where(values.notna(), None)


FORMATS = (
    Format(
        "spss",
        "SPSS",
        ".sav",
        "SPSS, PSPP, jamovi, R (haven)",
        "Frames, with variable labels, and value labels for the expressions",
        write,
    ),
)
