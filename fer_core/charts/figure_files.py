"""Figures as files: SVG, PDF and PNG at the width of a column of print, drawn without a browser or the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt

from fer_core.charts.figure_style import POINTS_PER_MM
from fer_core.errors import OptionError
from fer_core.utils.files import write_export

__all__ = [
    "COLUMN_MM",
    "FORMATS",
    "PAGE_MM",
    "render_figure",
    "save_figure",
]

FORMATS = ("svg", "pdf", "png")
COLUMN_MM, PAGE_MM = 85.0, 175.0
"""Usual widths of one column and of the whole page of a journal."""

_NARROWEST = 20.0  # points of a panel

Figure = alt.Chart | alt.LayerChart | alt.ConcatChart


def save_figure(chart: Figure, path: str | Path, width_mm: float = COLUMN_MM, dpi: float = 300.0) -> Path:
    """Write a figure of `fer_core.charts.figures` as a file.

    Args:
        chart: the figure.
        path: ends in .svg, .pdf or .png.
        width_mm: of the whole figure on paper, in millimeters.
        dpi: dots per inch of a PNG; of no account for the others, which are drawn at any size.

    Returns:
        The path.

    Raises:
        OptionError: another ending, or a size outside its range.
    """
    path = Path(path)
    write_export(path, [render_figure(chart, path.suffix.lower().removeprefix("."), width_mm, dpi)])
    return path


def render_figure(chart: Figure, kind: str, width_mm: float = COLUMN_MM, dpi: float = 300.0) -> bytes:
    """Return a figure as the content of a file, for a download; see `save_figure`.

    Args:
        chart: the figure.
        kind: "svg", "pdf" or "png".
        width_mm: of the whole figure on paper, in millimeters.
        dpi: dots per inch of a PNG.
    """
    import vl_convert  # only where a file is made

    if kind not in FORMATS:
        raise OptionError(f"A figure can be written as {', '.join(FORMATS)}; received {kind!r}. Choose one of these.")
    for name, value, least, most in (("width_mm", width_mm, 30.0, 600.0), ("dpi", dpi, 72.0, 1200.0)):
        if not least <= value <= most:
            raise OptionError(f"'{name}' must lie between {least:g} and {most:g}; received {value}.")
    how: dict[str, Any] = {"vl_version": _vega_lite(), "allowed_base_urls": []}
    spec = _at_width(chart, width_mm * POINTS_PER_MM, lambda found: vl_convert.vegalite_to_svg(found, **how))
    if kind == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec, **how))
    if kind == "png":
        return bytes(vl_convert.vegalite_to_png(spec, ppi=dpi, **how))
    return _in_millimeters(vl_convert.vegalite_to_svg(spec, **how)).encode()


def _vega_lite() -> str:
    version = re.match(r"v(\d+\.\d+)", alt.SCHEMA_VERSION)
    assert version is not None
    return str(version.group(1))


def _at_width(chart: Figure, width: float, drawn: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """Return the specification of the chart at a width of the whole, in points."""
    if not isinstance(chart, alt.ConcatChart):
        fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
        return dict(chart.properties(width=width, autosize=fitted).to_dict())
    # Vega-Lite fits no panels side by side: two trials give how the whole grows with a panel, and two more correct it,
    # as labels at the rim need more room at some widths.
    trial, whole = 60.0, _size(drawn(_with_panels(chart, 60.0)))[0]
    panel = 120.0
    for _ in range(3):
        found = _size(drawn(_with_panels(chart, panel)))[0]
        panels = max(1.0, round((found - whole) / (panel - trial))) if panel != trial else 1.0
        trial, whole = panel, found
        panel += (width - found) / panels
        if panel < _NARROWEST:
            raise OptionError("The figure is too narrow for its panels. Make it wider, or put fewer in a row.")
        if abs(width - found) < 0.5:
            break
    return _with_panels(chart, panel)


def _with_panels(chart: alt.ConcatChart, width: float) -> dict[str, Any]:
    spec = dict(chart.to_dict())
    spec["concat"] = [{**panel, "width": width} for panel in spec["concat"]]
    return spec


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"', svg)
    assert found is not None
    return float(found.group(1)), float(found.group(2))


def _in_millimeters(svg: str) -> str:
    """Return the drawing with its size on paper; its own units are points."""
    width, height = _size(svg)
    head, rest = svg.split(">", 1)
    for name, points in (("width", width), ("height", height)):
        head = re.sub(rf'\s{name}="[\d.]+"', f' {name}="{points / POINTS_PER_MM:.3f}mm"', head, count=1)
    return f"{head}>{rest}"
