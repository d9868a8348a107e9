"""The ELAN file read back by pympi-ling, and its XML by the standard library's parser."""

from xml.etree import ElementTree

import pytest
from helpers.exported import EPISODES, HOSTILE, export, make_result
from helpers.fakes import GONE
from pympi import Eaf

from fer_core.exports import tables


def test_a_tier_for_each_person(tmp_path):
    file = Eaf(str(export(make_result(), tmp_path, "elan")))
    assert list(file.get_tier_names()) == ["Jürgen Ö.", "Zoë"]
    found = [
        (person, label, start / 1000, end / 1000)
        for person in file.get_tier_names()
        for start, end, label in sorted(file.get_annotation_data_for_tier(person))
    ]
    assert sorted(found, key=lambda row: row[2]) == EPISODES
    (media,) = file.get_linked_files()
    assert media["MEDIA_URL"] == "Jürgen.mp4" and media["RELATIVE_MEDIA_URL"] == "./Jürgen.mp4"
    assert media["MIME_TYPE"] == "video/mp4"


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_valid_xml(tmp_path, name):
    path = export(make_result(names={0: name, 1: "default"}, clip={"name": name}), tmp_path, "elan")
    tiers = [tier.get("TIER_ID") for tier in ElementTree.parse(path).getroot().iter("TIER")]
    assert tiers == [tables.one_line(name), "default"]


def test_a_clip_without_a_face_has_no_tier(tmp_path):
    file = Eaf(str(export(make_result({0: [GONE] * 3}), tmp_path, "elan")))
    assert list(file.get_tier_names()) == []
