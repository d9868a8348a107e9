"""Text in the cells of CSV and TSV files, made safe for spreadsheets: the one guard that every writer uses."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["safe_cell", "safe_table"]

RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide forms are meant
"""What a spreadsheet takes for the beginning of a formula (CSV injection, OWASP), also in its wide East Asian forms."""


def safe_cell(value: Any) -> Any:
    """Return a text that a spreadsheet would run as a formula, with an apostrophe before it; anything else as it is.

    A carriage return becomes a line feed: pandas does not quote it, and what follows would be a cell of its own. Other
    control characters, at which some readers end the file, are left out; half letters become question marks.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    text = "".join(c for c in text if c >= " " or c in "\t\n")
    runs = text.startswith(("\t", "\n")) or text.strip().startswith(RUNS)
    return "'" + text if runs else text


def safe_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the table whose texts, row names and column names are safe; numbers and missing values stay."""
    safe = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_datetime64_any_dtype(kind):
            safe.isetitem(place, table.iloc[:, place].map(safe_cell, na_action="ignore"))
    safe.columns = [safe_cell(name) for name in table.columns]
    if not pd.api.types.is_numeric_dtype(table.index.dtype):
        safe.index = table.index.map(safe_cell)
    return safe
