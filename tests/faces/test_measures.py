"""Each measure follows what the face does, and where it would mean nothing it is missing, with the reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.fakes import make_faces

from benchmarks.heads import close_eyes, cover, mesh_of, portrait, turn_head
from fer_core.analysis.measure_events import EVENTS
from fer_core.faces.detector import FaceDetector
from fer_core.faces.head_pose import fit_pose
from fer_core.faces.measures import MEASURES, REACH, FaceMeasurer, eye_opening, gaze_angles, with_measures
from fer_core.faces.mesh import Eyes, FaceMesh
from fer_core.types import FaceMeasures, FaceQuality, MeasureGap

NAMES = ("collins", "hopper")


def measured(image: np.ndarray) -> tuple[dict[str, float], MeasureGap]:
    found = FaceDetector()(image)
    assert len(found.boxes) >= 1
    measures = FaceMeasurer()(image, found.boxes[:1], found.landmarks[:1])
    return dict(zip(measures.names, measures.values[0].tolist(), strict=True)), MeasureGap(int(measures.gaps[0]))


@cache
def plain(name: str) -> dict[str, float]:
    values, gap = measured(portrait(name))
    assert gap == MeasureGap.NONE
    return values


def missing(values: dict[str, float]) -> set[str]:
    return {name for name, value in values.items() if np.isnan(value)}


@pytest.mark.parametrize("name", NAMES)
def test_a_face_from_the_front_has_every_measure(name: str) -> None:
    values = plain(name)
    assert tuple(values) == MEASURES and not missing(values)
    assert abs(values["head_yaw"]) < 8 and abs(values["head_pitch"]) < 10 and abs(values["head_roll"]) < 6
    assert abs(values["gaze_x"]) < 12 and abs(values["gaze_y"]) < 12  # both look at the camera
    assert 0.22 < values["eye_open_left"] < 0.4 and 0.22 < values["eye_open_right"] < 0.4
    assert abs(values["smile_asymmetry"]) < 0.05


def test_she_who_smiles_has_the_wider_and_more_open_mouth() -> None:
    smiling, stern = plain("collins"), plain("hopper")
    assert smiling["mouth_width"] > stern["mouth_width"] + 0.05
    assert smiling["mouth_open"] > stern["mouth_open"] + 0.05


def test_left_and_right_are_the_persons_own() -> None:
    image = portrait("collins")
    eyes = FaceMesh().eyes(image, mesh_of(image)[0].points)
    other = eyes._replace(outlines=eyes.outlines[1:])  # the eye on the picture's right is the person's left
    values, gap = measured(close_eyes(image, other, 1.0))
    assert gap == MeasureGap.NONE
    assert values["eye_open_left"] < 0.75 * plain("collins")["eye_open_left"]
    assert values["eye_open_right"] > 0.9 * plain("collins")["eye_open_right"]


def test_a_mirrored_picture_swaps_the_sides() -> None:
    values, mirrored = plain("hopper"), measured(np.ascontiguousarray(portrait("hopper")[:, ::-1]))[0]
    assert mirrored["head_yaw"] == pytest.approx(-values["head_yaw"], abs=4)
    assert mirrored["head_roll"] == pytest.approx(-values["head_roll"], abs=2)
    assert mirrored["gaze_x"] == pytest.approx(-values["gaze_x"], abs=5)
    assert mirrored["smile_asymmetry"] == pytest.approx(-values["smile_asymmetry"], abs=0.02)
    assert mirrored["brow_left"] == pytest.approx(values["brow_right"], abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_lids_that_close_lower_the_opening(name: str) -> None:
    image = portrait(name)
    eyes = FaceMesh().eyes(image, mesh_of(image)[0].points)
    opening = [
        np.mean([measured(close_eyes(image, eyes, amount))[0][f"eye_open_{side}"] for side in ("left", "right")])
        for amount in (0.0, 0.5, 1.0)
    ]
    assert opening[0] > opening[1] > opening[2]
    assert opening[2] < 0.78 * opening[0]


def test_closed_eyes_have_no_gaze() -> None:
    image = portrait("collins")
    eyes = FaceMesh().eyes(image, mesh_of(image)[0].points)
    values, gap = measured(close_eyes(image, eyes, 1.0))
    assert gap == MeasureGap.EYES_CLOSED and missing(values) == {"gaze_x", "gaze_y"}


def test_gaze_follows_the_iris() -> None:
    image = portrait("hopper")
    mesh, _ = mesh_of(image)
    pose, eyes = fit_pose(mesh.points), FaceMesh().eyes(image, mesh.points)
    x, y = gaze_angles(eyes, pose)
    aside = REACH * pose.scale * np.sin(np.deg2rad(15))
    right = gaze_angles(eyes._replace(irises=eyes.irises + [aside, 0]), pose)
    up = gaze_angles(eyes._replace(irises=eyes.irises - [0, aside]), pose)
    assert right[0] - x == pytest.approx(15, abs=2) and abs(right[1] - y) < 2
    assert up[1] - y == pytest.approx(15, abs=2) and abs(up[0] - x) < 2
    far = gaze_angles(eyes._replace(irises=eyes.irises + [9 * aside, 0]), pose)
    assert 50 < far[0] < 90


def test_a_turned_head_does_not_turn_the_gaze_nor_close_the_eyes() -> None:
    values, gap = measured(turn_head("hopper", 20))
    assert gap == MeasureGap.NONE and values["head_yaw"] > 14
    assert values["gaze_x"] == pytest.approx(plain("hopper")["gaze_x"], abs=10)
    assert values["eye_open_left"] == pytest.approx(plain("hopper")["eye_open_left"], rel=0.25)


def test_the_opening_of_a_drawn_eye() -> None:
    outline = np.zeros((16, 2))
    outline[:9, 0], outline[9:, 0] = np.linspace(0, 40, 9), np.linspace(5, 35, 7)
    outline[1:8, 1], outline[9:, 1] = 4.0, -8.0
    eyes = Eyes(np.stack([outline, outline * 2]), np.zeros((2, 5, 2)))
    pose = fit_pose(mesh_of(portrait("hopper"))[0].points)._replace(yaw=0.0, pitch=0.0)
    assert eye_opening(eyes, pose) == pytest.approx([0.3, 0.3])
    assert eye_opening(eyes, pose._replace(yaw=60.0)) == pytest.approx([0.15, 0.15])  # half its width is hidden
    assert eye_opening(eyes, pose._replace(pitch=60.0)) == pytest.approx([0.6, 0.6])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("half", ["left half", "right half"])
def test_half_a_face_is_not_measured(name: str, half: str) -> None:
    mesh, box = mesh_of(portrait(name))
    values, gap = measured(cover(portrait(name), mesh, box, half))
    assert gap in (MeasureGap.HALF_HIDDEN, MeasureGap.PROFILE, MeasureGap.NO_FACE)
    assert missing(values) >= set(MEASURES[3:])


@pytest.mark.parametrize("name", NAMES)
def test_behind_dark_glasses_there_are_no_eyes(name: str) -> None:
    mesh, box = mesh_of(portrait(name))
    values, gap = measured(cover(portrait(name), mesh, box, "glasses"))
    assert gap == MeasureGap.EYES_COVERED
    assert missing(values) == {*MEASURES[3:9], "head_pitch"}
    assert values["head_yaw"] == pytest.approx(plain(name)["head_yaw"], abs=5)


@pytest.mark.parametrize("name", NAMES)
def test_behind_a_mask_there_is_no_mouth(name: str) -> None:
    mesh, box = mesh_of(portrait(name))
    values, gap = measured(cover(portrait(name), mesh, box, "mask"))
    assert gap == MeasureGap.MOUTH_COVERED
    assert missing(values) == {"mouth_open", "mouth_width", "smile_asymmetry", "head_pitch"}


def scaled(name: str, height: float) -> np.ndarray:
    scale = height / 212
    return cv2.resize(portrait(name), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def test_small_faces_lose_first_the_eyes_then_everything() -> None:
    values, gap = measured(scaled("hopper", 20))
    assert gap == MeasureGap.SMALL and missing(values) == set(MEASURES)
    values, gap = measured(scaled("hopper", 50))
    assert gap == MeasureGap.SMALL and missing(values) == set(MEASURES[3:7])
    values, gap = measured(scaled("hopper", 80))
    assert gap == MeasureGap.NONE and values["head_yaw"] == pytest.approx(plain("hopper")["head_yaw"], abs=5)


def test_a_face_that_the_border_cuts_is_not_measured() -> None:
    image = portrait("hopper")
    found = FaceDetector()(image)
    cut = 60 + int(found.boxes[0, 0])
    box, points = found.boxes[:1] - [[cut, 0, cut, 0]], found.landmarks[:1] - [cut, 0]
    measures = FaceMeasurer()(np.ascontiguousarray(image[:, cut:]), box, points)
    assert measures.gaps.tolist() == [MeasureGap.CUT_OFF] and np.isnan(measures.values).all()


def drawing() -> np.ndarray:
    """A smiley, 200x200 pixels."""
    image = np.full((260, 260, 3), 255, np.uint8)
    cv2.circle(image, (130, 130), 100, (80, 220, 255), -1, cv2.LINE_AA)
    for x in (95, 165):
        cv2.circle(image, (x, 105), 10, (30, 30, 30), -1, cv2.LINE_AA)
    cv2.ellipse(image, (130, 150), (50, 35), 0, 10, 170, (30, 30, 30), 5, cv2.LINE_AA)
    return image


def test_a_drawing_is_not_measured() -> None:
    points = np.array([[[95, 105], [165, 105], [130, 135], [90, 165], [170, 165]]], np.float32)
    measures = FaceMeasurer()(drawing(), np.array([[40.0, 30, 220, 230]]), points)
    assert measures.gaps.tolist() == [MeasureGap.NO_FACE] and np.isnan(measures.values).all()


def test_a_head_turned_far_keeps_its_angles_alone() -> None:
    values, gap = measured(turn_head("hopper", 44))
    assert gap == MeasureGap.PROFILE and missing(values) == set(MEASURES[3:]) and values["head_yaw"] > 40


def test_where_detector_and_mesh_disagree_about_the_side_nothing_is_said() -> None:
    image = turn_head("hopper", 25)
    found = FaceDetector()(image)
    points = found.landmarks[:1].copy()
    points[0, 2] = points[0, 0]  # the nose under the eye on the picture's left
    measures = FaceMeasurer()(image, found.boxes[:1], points)
    assert measures.gaps.tolist() == [MeasureGap.PROFILE] and np.isnan(measures.values).all()


def test_no_face_no_rows() -> None:
    measures = FaceMeasurer()(np.zeros((50, 50, 3), np.uint8), np.zeros((0, 4)), np.zeros((0, 5, 2)))
    assert measures.values.shape == (0, len(MEASURES)) and len(measures) == 0


def test_turned_is_judged_by_degrees_where_they_are_known() -> None:
    turned = int(FaceQuality.TURNED)
    faces = make_faces(["happy"] * 5, quality=[0, turned, turned, 0, turned | FaceQuality.DARK])
    values = np.full((5, len(MEASURES)), np.nan, np.float32)
    values[:, 0] = [-50, 10, np.nan, np.nan, 3]
    gaps = np.array([0, 0, MeasureGap.SMALL, MeasureGap.PROFILE, 0], np.uint8)
    judged = with_measures(faces, FaceMeasures(MEASURES, values, gaps))
    assert judged.quality.tolist() == [turned, 0, turned, turned, FaceQuality.DARK]
    assert [judged.predicted[i] for i in (0, 2, 3, 4)] == [-1] * 4 and judged.labels[judged.predicted[1]] == "happy"
    assert judged.quality.dtype == np.uint8


def test_the_page_of_the_measures_names_all_of_them_their_gaps_and_events() -> None:
    page = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
    for name in (*MEASURES, *EVENTS, *(gap.words for gap in MeasureGap if gap)):
        assert f"`{name}`" in page, name
