"""The JSON read back as a script reads the answer of `DeepFace.analyze` to a batch of images."""

import json

import pytest
from helpers.exported import HOSTILE, export, make_result
from helpers.fakes import GONE

from fer_core.exports.fer import EMOTIONS
from fer_core.exports.tables import clean_text


def read(path):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def test_a_list_of_frames_each_a_list_of_faces(tmp_path):
    frames = read(export(make_result(), tmp_path, "deepface"))
    assert [len(faces) for faces in frames] == [1] * 5 + [2] * 5 + [0] * 3 + [2] * 7
    face = frames[7][1]
    assert tuple(face["emotion"]) == EMOTIONS and sum(face["emotion"].values()) == pytest.approx(100, abs=1e-2)
    assert face["dominant_emotion"] == "neutral" and face["emotion"]["neutral"] == pytest.approx(80)
    assert face["region"] == {"x": 110, "y": 20, "w": 60, "h": 80, "left_eye": None, "right_eye": None}
    assert face["face_confidence"] == pytest.approx(0.9)
    assert (face["clip"], face["frame"], face["time_s"], face["person"]) == ("Jürgen.mp4", 7, 0.7, "Zoë")


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    frames = read(export(make_result(names={0: name}, clip={"name": name}), tmp_path, "deepface"))
    assert frames[0][0]["person"] == clean_text(name)  # JSON is no spreadsheet


def test_without_a_face_a_frame_is_empty(tmp_path):
    assert read(export(make_result({0: [GONE] * 3}), tmp_path, "deepface")) == [[], [], []]
