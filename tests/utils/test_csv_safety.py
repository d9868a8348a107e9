"""What stands in the cells of a file is only text, whatever opens it."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from fer_core.utils.csv_safety import safe_cell, safe_table

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "＝1+1",  # noqa: RUF001 - the wide form is meant
    '=HYPERLINK("http://example.org?"&A1)',
    "\x00=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert safe_cell(text).startswith("'")
    assert safe_cell(safe_cell(text)) == safe_cell(text), "once is enough"


PLAIN = ["Ada", "a=b", "", " ", "'quoted'", "5 > 3", "Ünïcode 😀", 3, -1.5, None, True, np.nan]


@pytest.mark.parametrize("value", PLAIN)
def test_anything_else_stays(value: object) -> None:
    assert safe_cell(value) is value or safe_cell(value) == value


def test_control_characters_cannot_break_a_row() -> None:
    assert safe_cell("a\r=1\tb\x00\x1b[31m\ud800") == "a\n=1\tb[31m?"


def test_a_table_is_safe_in_names_and_cells_and_keeps_its_numbers() -> None:
    table = pd.DataFrame({"=who": ["-1", None, "Ada"], "n": [-1, 2, 3], "x": [-0.5, np.nan, 2]}, index=["=a", "b", "c"])
    safe = safe_table(table)
    assert list(safe.columns) == ["'=who", "n", "x"]
    assert list(safe.index) == ["'=a", "b", "c"]
    assert safe["'=who"].iloc[0] == "'-1" and pd.isna(safe["'=who"].iloc[1])
    assert safe["n"].tolist() == [-1, 2, 3] and safe["x"].iloc[0] == -0.5
    assert list(table.columns) == ["=who", "n", "x"] and table.iloc[0, 0] == "-1", "the table itself is not changed"


def test_what_is_written_is_read_back_cell_by_cell() -> None:
    table = pd.DataFrame({"name": [*FORMULAS, 'with "quotes", and\nlines']})
    rows = list(csv.reader(io.StringIO(safe_table(table).to_csv(index=False))))[1:]
    assert len(rows) == len(table)
    assert all(len(row) == 1 and row[0][:1] not in ("=", "+", "-", "@", "\t", "\r", "\n") for row in rows)
