"""Parquet file with full precision and the settings in its metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from fer_core.analysis.export import ClipResult
from fer_core.exports.format import Format
from fer_core.exports.tables import frame_table

__all__ = ["FORMATS", "METADATA", "write"]

METADATA = b"expression_lab"
"""Key of the file's metadata under which clip and settings stand as JSON."""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the frames: a row for each face and frame, nothing rounded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = frame_table(result)
    texts = {name: table[name].astype("string") for name in ("clip", "person", "label", "quality")}
    data = pa.Table.from_pandas(table.assign(**texts), preserve_index=False)
    facts = json.dumps({"clip": result.clip, "settings": result.settings}, default=str, ensure_ascii=True)
    data = data.replace_schema_metadata({**(data.schema.metadata or {}), METADATA: facts.encode()})
    file = io.BytesIO()
    pq.write_table(data, file)
    yield file.getvalue()


FORMATS = (
    Format(
        "parquet",
        "Parquet",
        ".parquet",
        "pandas, Polars, R (arrow), DuckDB",
        "Frames with full precision; clip and settings in the metadata",
        write,
    ),
)
