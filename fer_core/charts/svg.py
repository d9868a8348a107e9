"""Charts as SVG, for files that are to be read without this program. Nothing is fetched."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import pandas as pd

__all__ = ["to_svg"]

CONFIG: dict[str, Any] = {"background": None, "font": "Liberation Sans, Arial, Helvetica, sans-serif"}


def to_svg(chart: alt.Chart | alt.LayerChart | dict[str, Any], width: int) -> str:
    """Return the chart as it stands in its place on a page.

    Args:
        chart: its height is that of the whole, axes and legend included, as Streamlit takes it; also in Vega-Lite,
            whose datasets may be tables.
        width: of the whole, in pixels.
    """
    import vl_convert  # only where a file is made

    spec = dict(chart) if isinstance(chart, dict) else chart.to_dict()
    spec |= {"width": width, "autosize": {"type": "fit", "contains": "padding"}}
    if "datasets" in spec:
        spec["datasets"] = {name: _records(data) for name, data in spec["datasets"].items()}
    version = re.match(r"v(\d+\.\d+)", alt.SCHEMA_VERSION)
    assert version is not None
    return vl_convert.vegalite_to_svg(spec, vl_version=version.group(1), config=CONFIG, allowed_base_urls=[])


def _records(data: Any) -> Any:
    """Return the rows as JSON takes them: missing values as null."""
    if not isinstance(data, pd.DataFrame):
        return data
    plain = data.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
