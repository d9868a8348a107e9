"""Subtitles read back by webvtt-py and pysrt."""

import html

import pysrt
import pytest
import webvtt
from helpers.exported import HOSTILE, export, make_result
from helpers.fakes import GONE

from fer_core.exports import tables

CUES = [
    (0.0, 0.5, "Jürgen Ö.: happy"),
    (0.5, 1.0, "Jürgen Ö.: happy\nZoë: neutral"),
    (1.3, 1.8, "Jürgen Ö.: sad\nZoë: fear"),
    (1.8, 2.0, "Jürgen Ö.: sad"),
]


def read_vtt(path) -> list[tuple[float, float, str]]:
    return [(cue.start_in_seconds, cue.end_in_seconds, cue.text) for cue in webvtt.read(path)]


def test_webvtt(tmp_path):
    path = export(make_result(), tmp_path, "vtt")
    assert path.read_text("utf-8").startswith("WEBVTT\n\n")
    cues = [(cue.start, cue.end, cue.text) for cue in webvtt.read(path)]
    assert cues == [(f"00:00:0{a:.3f}", f"00:00:0{b:.3f}", text) for a, b, text in CUES]


def test_subrip(tmp_path):
    subs = pysrt.open(str(export(make_result(), tmp_path, "srt")), encoding="utf-8")
    assert [(s.start.ordinal / 1000, s.end.ordinal / 1000, s.text) for s in subs] == CUES
    assert [s.index for s in subs] == [1, 2, 3, 4]


def test_times_beyond_an_hour(tmp_path):
    result = make_result({0: ["happy"] * 10}, times=[3661 + i / 10 for i in range(10)], clip={"seconds": None})
    (cue,) = webvtt.read(export(result, tmp_path, "vtt"))
    assert (cue.start, cue.end) == ("01:01:01.000", "01:01:02.000")
    (sub,) = pysrt.open(str(export(result, tmp_path, "srt")))
    assert str(sub.start) == "01:01:01,000"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_no_markup_and_no_cue(tmp_path, name):
    result = make_result(names={0: name})
    vtt = webvtt.read(export(result, tmp_path, "vtt"))
    assert len(vtt) == 4
    first = vtt[0].raw_text
    assert "<" not in first and "-->" not in first
    assert html.unescape(first) == f"{tables.one_line(name)}: happy"
    subs = pysrt.open(str(export(result, tmp_path, "srt")), encoding="utf-8")
    assert len(subs) == 4 and subs[0].text_without_tags == subs[0].text and "{" not in subs[0].text
    assert "-->" not in subs[0].text


@pytest.mark.parametrize("kind", ["vtt", "srt"])
def test_without_an_episode_there_is_no_cue(tmp_path, kind):
    path = export(make_result({0: [GONE] * 3}), tmp_path, kind)
    assert len(webvtt.read(path) if kind == "vtt" else pysrt.open(str(path))) == 0
