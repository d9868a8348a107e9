"""Each format for other programs can be saved from a page."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest
from helpers.fakes import make_table

from fer_core.analysis.export import ClipResult
from fer_core.exports import FORMATS
from ui.components.downloads import _export

PEOPLE = {0: ["happy"] * 12, 1: [None] * 4 + ["sad"] * 8}
RESULT = ClipResult(make_table(PEOPLE), {"name": "two.mp4", "seconds": 2.0, "width": 640, "height": 360}, {})


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"report", "bundle"}])
def test_a_format_is_a_file_or_a_zip_with_one_for_each_person(name: str) -> None:
    content = _export(lambda: RESULT, "two", name)
    if FORMATS[name].per_person:
        files = zipfile.ZipFile(io.BytesIO(content)).namelist()
        assert len(files) == 2 and all(file.startswith("two") for file in files)
    else:
        assert len(content) > 50


def test_the_excel_file_holds_the_frames() -> None:
    sheets = pd.read_excel(io.BytesIO(_export(lambda: RESULT, "two", "excel")), sheet_name=None)
    assert len(next(iter(sheets.values()))) == len(RESULT.table)
