"""Figures as files of a chosen width."""

import re
import zlib
from pathlib import Path

import pandas as pd
import pytest
from helpers.fakes import make_table
from PIL import Image

from fer_core.charts.figure_files import render_figure, save_figure
from fer_core.charts.figures import mean_curves_figure, timeline_figure
from fer_core.errors import FerError, OptionError


@pytest.fixture(scope="module")
def timeline():
    return timeline_figure(make_table({0: ["neutral"] * 10 + ["happy"] * 10}, {0: "Ann"}), "Ann")


@pytest.fixture(scope="module")
def panels():
    rows = [
        {"event": event, "relative_s": t, "expression": "happy", "mean": t / 10, "low": t / 20, "high": t / 5}
        for event in ("joke", "bang", "end")
        for t in range(5)
    ]
    return mean_curves_figure(pd.DataFrame(rows))


@pytest.mark.parametrize("which", ["timeline", "panels"])
@pytest.mark.parametrize("width_mm", [85.0, 175.0])
def test_width_on_paper_is_that_which_was_asked_for(tmp_path, request, which, width_mm):
    chart = request.getfixturevalue(which)
    picture = Image.open(save_figure(chart, tmp_path / "f.png", width_mm, dpi=150))
    dots = picture.info["dpi"][0]
    assert dots == pytest.approx(150, abs=0.1)
    assert picture.width / dots * 25.4 == pytest.approx(width_mm, abs=0.6)
    drawing = save_figure(chart, tmp_path / "f.svg", width_mm).read_text()
    found = re.search(r'width="([\d.]+)mm" height="([\d.]+)mm" viewBox="0 0 (\d+)', drawing)
    assert found is not None
    assert float(found.group(1)) == pytest.approx(width_mm, abs=0.6)
    assert float(found.group(3)) / 72 * 25.4 == pytest.approx(width_mm, abs=0.6)
    page = save_figure(chart, tmp_path / "f.pdf", width_mm).read_bytes()
    assert _page_width(page) / 72 * 25.4 == pytest.approx(width_mm, abs=0.6)


def _page_width(pdf: bytes) -> float:
    """Points of the first page; the object may be packed."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    texts = [pdf]
    for part in packed:
        try:
            texts.append(zlib.decompress(part))
        except zlib.error:
            continue
    for text in texts:
        if found := re.search(rb"/MediaBox\s*\[\s*[\d.]+\s+[\d.]+\s+([\d.]+)", text):
            return float(found.group(1))
    raise AssertionError("no page size")


def test_drawing_holds_title_axes_and_names(timeline):
    drawing = render_figure(timeline, "svg").decode()
    for words in ("Ann: expressions over time", "Time (s)", "Smoothed probability", ">happy<", ">surprise<"):
        assert words in drawing
    assert "Liberation Sans" in drawing


def test_picture_is_drawn_on_white_in_the_colors_of_labels(tmp_path, timeline):
    picture = Image.open(save_figure(timeline, tmp_path / "f.png", dpi=150)).convert("RGB")
    counts = {color: n for n, color in picture.getcolors(1 << 24)}
    assert max(counts, key=counts.__getitem__) == (255, 255, 255)
    assert counts.get((0xE6, 0xA5, 0x00), 0) > 50


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("f.gif", {}, "svg, pdf, png; received 'gif'"),
        ("f", {}, "received ''"),
        ("f.png", {"width_mm": 5}, "'width_mm' must lie between 30 and 600"),
        ("f.png", {"dpi": 5000}, "'dpi' must lie between 72 and 1200"),
    ],
)
def test_other_files_and_sizes_are_refused(tmp_path, timeline, name, how, words):
    with pytest.raises(OptionError, match=words):
        save_figure(timeline, tmp_path / name, **how)
    assert not list(tmp_path.iterdir())


def test_too_many_panels_for_the_width_are_refused(panels):
    wide = panels.copy()
    wide.columns = 3
    with pytest.raises(OptionError, match="too narrow"):
        render_figure(wide, "svg", 40)


def test_folder_that_cannot_be_written_is_said(timeline):
    with pytest.raises(FerError, match="could not be written"):
        save_figure(timeline, Path("/proc/none/f.svg"))
