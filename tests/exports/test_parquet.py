"""The Parquet file read back by pandas and pyarrow."""

import json

import pandas as pd
import pyarrow.parquet as pq
from helpers.exported import SETTINGS, TAKEN, export, make_result

from fer_core.exports import parquet, tables


def test_full_precision_and_types(tmp_path):
    result = make_result(clip={"recorded_at": TAKEN})
    path = export(result, tmp_path, "parquet")
    after, before = pd.read_parquet(path), tables.frame_table(result)
    assert list(after) == list(before)
    for name in before.select_dtypes("number"):
        pd.testing.assert_series_equal(after[name], before[name], check_dtype=False)
    assert after["clock_time"].tolist() == before["clock_time"].tolist()
    assert after["person"].fillna("-").tolist() == before["person"].fillna("-").tolist()


def test_types_do_not_change_with_what_a_clip_holds(tmp_path):
    full = pq.read_schema(export(make_result(), tmp_path, "parquet"))
    empty = pq.read_schema(export(make_result({0: ["gone"] * 3}), tmp_path, "parquet"))
    assert full.names == empty.names
    assert [field.type for field in full] == [field.type for field in empty]  # or files could not be stacked


def test_settings_travel_with_it(tmp_path):
    metadata = pq.read_schema(export(make_result(), tmp_path, "parquet")).metadata
    facts = json.loads(metadata[parquet.METADATA])
    assert facts["settings"] == SETTINGS and facts["clip"]["name"] == "Jürgen.mp4"
