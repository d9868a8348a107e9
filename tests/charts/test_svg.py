"""A chart as SVG: complete, of the size asked for, with names escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from fer_core.charts.evaluation import reliability
from fer_core.charts.svg import to_svg


def test_a_chart_as_svg():
    bins = [{"from": 0.5, "to": 0.6, "n": 4, "confidence": 0.55, "accuracy": 0.5}]
    text = to_svg(reliability({"<b>M & N</b>": bins}, height=200), 400)
    root = ET.fromstring(text)  # what is not escaped is no XML
    assert abs(float(root.attrib["width"]) - 400) <= 2 and 200 < float(root.attrib["height"]) <= 330
    words = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"<b>M & N</b>", "how sure it is", "how often it is right", "100%"} <= words
    assert not [node for node in root.iter() if node.tag.endswith(("}image", "}script", "}use"))]
