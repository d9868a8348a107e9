"""Charts as SVG, for files that are to be read without this program. Nothing is fetched."""

from __future__ import annotations

import re
from typing import Any

import altair as alt

__all__ = ["to_svg"]

CONFIG: dict[str, Any] = {"background": None, "font": "Liberation Sans, Arial, Helvetica, sans-serif"}


def to_svg(chart: alt.Chart | alt.LayerChart, width: int) -> str:
    """The chart as it stands in its place on a page.

    Args:
        chart: its height is that of the whole, axes and legend included, as Streamlit takes it.
        width: of the whole, in pixels.
    """
    import vl_convert  # only where a file is made

    whole = chart.properties(width=width, autosize=alt.AutoSizeParams(type="fit", contains="padding"))
    version = re.match(r"v(\d+\.\d+)", alt.SCHEMA_VERSION)
    assert version is not None
    return vl_convert.vegalite_to_svg(whole.to_dict(), vl_version=version.group(1), config=CONFIG, allowed_base_urls=[])
