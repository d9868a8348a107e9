"""The TextGrid read back by praatio and by the library textgrid."""

import pytest
import textgrid as textgrids
from helpers.exported import EPISODES, HOSTILE, export, make_result
from helpers.fakes import GONE
from praatio import textgrid

from fer_core.exports import tables
from fer_core.exports.praat import NOBODY


def test_an_interval_tier_for_each_person(tmp_path):
    path = export(make_result(), tmp_path, "praat")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert grid.tierNames == ("Jürgen Ö.", "Zoë") and (grid.minTimestamp, grid.maxTimestamp) == (0, 2)
    found = [(name, e.label, e.start, e.end) for name in grid.tierNames for e in grid.getTier(name).entries]
    assert [
        (who, label, round(start, 3), round(end, 3)) for who, label, start, end in sorted(found, key=lambda r: r[2])
    ] == EPISODES
    other = textgrids.TextGrid.fromFile(str(path))
    assert [tier.name for tier in other] == ["Jürgen Ö.", "Zoë"]
    assert [i.mark for i in other[0]] == ["happy", "", "sad"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    path = export(make_result(names={0: name}), tmp_path, "praat")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert [tier.replace('""', '"') for tier in grid.tierNames] == [tables.one_line(name), "Person 2"]


def test_a_clip_without_a_face_can_be_opened(tmp_path):
    grid = textgrid.openTextgrid(
        str(export(make_result({0: [GONE] * 3}), tmp_path, "praat")), includeEmptyIntervals=True
    )
    assert grid.tierNames == (NOBODY,) and [e.label for e in grid.getTier(NOBODY).entries] == [""]
