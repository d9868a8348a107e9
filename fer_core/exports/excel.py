"""Excel workbook (Office Open XML) with a sheet for each table and real numbers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.exports.codebook import codebook
from fer_core.exports.format import Format
from fer_core.exports.tables import clean_text, episode_table, frame_table, people_table, rounded

__all__ = ["FORMATS", "setting_rows", "write"]

MOST_ROWS = 1_048_575
"""Rows that a sheet of Excel holds below its header; further ones go to the next sheet."""
LONGEST_TEXT = 32_767
CLOCK = "yyyy-mm-dd hh:mm:ss.000"


def write(result: ClipResult) -> Iterator[bytes]:
    """Write a workbook with the sheets frames, episodes, people, codebook and settings."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _add(book, "frames", rounded(frame_table(result)))
    _add(book, "episodes", rounded(episode_table(result)))
    _add(book, "people", rounded(people_table(result)))
    _add(book, "codebook", codebook(result))
    _add(book, "settings", pd.DataFrame(setting_rows(result), columns=["of", "name", "value"]))
    data = io.BytesIO()
    book.save(data)
    yield data.getvalue()


def setting_rows(result: ClipResult) -> list[tuple[str, str, Any]]:
    """Return the facts of the clip and the settings of the analysis, a row each; nested ones as `smoothing.hold`."""
    rows: list[tuple[str, str, Any]] = []

    def add(of: str, name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(of, f"{name}.{key}" if name else str(key), inner)
        else:
            plain = value is None or isinstance(value, bool | int | float | str)
            rows.append((of, name, value if plain else str(value)))

    add("clip", "", result.clip)
    add("analysis", "", result.settings)
    return rows


def _add(book: Any, title: str, table: pd.DataFrame) -> None:
    for number, start in enumerate(range(0, max(1, len(table)), MOST_ROWS), 1):
        sheet = book.create_sheet(title if number == 1 else f"{title} {number}")
        sheet.freeze_panes = "A2"
        part = table.iloc[start : start + MOST_ROWS]
        _set_widths(sheet, part)
        sheet.append([_header(sheet, str(name)) for name in part.columns])
        for row in zip(*(_column(sheet, part[name]) for name in part.columns), strict=True):
            sheet.append(row)


def _set_widths(sheet: Any, table: pd.DataFrame) -> None:
    from openpyxl.utils import get_column_letter

    for place, name in enumerate(table.columns, 1):
        longest = max([len(str(name)), *(len(str(value)) for value in table[name].head(50))])
        sheet.column_dimensions[get_column_letter(place)].width = min(60, longest + 3)


def _header(sheet: Any, name: str) -> Any:
    from openpyxl.styles import Font

    cell = _text_cell(sheet, name)
    cell.font = Font(bold=True)
    return cell


def _column(sheet: Any, values: pd.Series) -> list[Any]:
    """Return a column's cells as openpyxl writes them; None where a value is missing."""
    plain: list[Any] = values.astype(object).where(values.notna(), None).tolist()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return [value and _clock_cell(sheet, value) for value in plain]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return plain
    return [_text_cell(sheet, value) if isinstance(value, str) else value for value in plain]


def _clock_cell(sheet: Any, time: pd.Timestamp) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, time.tz_localize(None).to_pydatetime())  # Excel knows no zones
    cell.number_format = CLOCK
    return cell


def _text_cell(sheet: Any, text: str) -> Any:
    """Return a cell that is a text whatever it begins with: Excel runs formulas, and never texts."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, clean_text(text)[:LONGEST_TEXT])
    cell.data_type = "s"
    return cell


FORMATS = (
    Format(
        "excel",
        "Excel",
        ".xlsx",
        "Excel, LibreOffice, Numbers, Google Sheets",
        "A sheet each for frames, episodes, people, codebook and settings, with real numbers",
        write,
    ),
)
