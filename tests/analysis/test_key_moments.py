import cv2
import numpy as np
import pytest
from helpers.fakes import GONE, Still, make_faces, make_results

from fer_core.analysis.key_moments import SIDE, KeyMoment, KeyMoments, choose_moments
from fer_core.types import FrameResult

GREY = np.full((180, 320, 3), 100, np.uint8)


def collect(people, *, images=None, confidence=0.8, rate=10.0, **how) -> KeyMoments:
    key_moments = KeyMoments(320, **how)
    for result in make_results(people, frame_rate=rate, confidence=confidence):
        image = GREY if images is None else images[result.index]
        key_moments(Still(result.index, image, rate), result)  # type: ignore[arg-type]
        key_moments(Still(result.index, image, rate), None)  # type: ignore[arg-type]
    return key_moments


def picture(jpeg: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def test_one_moment_for_each_episode():
    found = collect({0: ["happy"] * 6 + ["sad"] * 2 + ["fear"] * 6 + [None] * 4, 1: ["neutral"] * 18}).found()
    assert [(m.track_id, m.label) for m in found] == [(0, "happy"), (1, "neutral"), (0, "fear")]
    happy = found[0]
    assert (happy.start, happy.end) == pytest.approx((0.0, 0.5))
    assert happy.confidence == pytest.approx(0.8)


def test_the_picture_is_of_the_strongest_frame():
    images = [np.full((180, 320, 3), 10 * i + 20, np.uint8) for i in range(10)]
    sure = [0.5, 0.55, 0.6, 0.9, 0.7, 0.91, 0.6, 0.6, 0.5, 0.5]  # 0.91 is no more than a tremble above 0.9
    (moment,) = collect({0: ["happy"] * 10}, images=images, confidence=sure).found()
    assert moment.peak == pytest.approx(0.3) and moment.confidence == pytest.approx(0.9)
    assert picture(moment.jpeg).mean() == pytest.approx(50, abs=2)
    assert moment.end == pytest.approx(0.9)


@pytest.mark.parametrize(
    "box",
    [(100, 50, 160, 130), (-40, -30, 40, 60), (280, 140, 360, 220), (0, 0, 320, 180), (2, 2, 4, 4), (0, -50, 320, 300)],
)
def test_pictures_are_square_wherever_the_face_is(box):
    key_moments = KeyMoments(320)
    faces = make_faces(["happy"], boxes=[box], ids=[0])
    for i in range(6):
        key_moments(Still(i, GREY, 10), FrameResult(i, i / 10, faces))  # type: ignore[arg-type]
    assert picture(key_moments.found()[0].jpeg).shape == (SIDE, SIDE, 3)
    assert picture(key_moments.portraits[0][1]).shape == (SIDE, SIDE, 3)


def test_boxes_are_in_pixels_of_the_source():
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[400:700, 1200:1500] = 255
    key_moments = KeyMoments(1920)
    faces = make_faces(["happy"], boxes=[[1250, 450, 1450, 650]], ids=[0])
    for i in range(6):
        key_moments(Still(i, image, 10), FrameResult(i, i / 10, faces))  # type: ignore[arg-type]
    assert picture(key_moments.found()[0].jpeg).mean() > 230


def test_moments_that_still_go_on_are_found_too():
    key_moments = KeyMoments(320)
    for result in make_results({0: ["happy"] * 3}):
        key_moments(Still(result.index, GREY, 10), result)  # type: ignore[arg-type]
    assert key_moments.found() == []
    more = make_results({0: ["happy"] * 6})
    for result in more[3:]:
        key_moments(Still(result.index, GREY, 10), result)  # type: ignore[arg-type]
    assert [m.end for m in key_moments.found()] == pytest.approx([0.5])


def test_a_short_absence_does_not_part_a_moment_and_a_long_one_does():
    short = collect({0: ["happy"] * 5 + [GONE] * 5 + ["happy"] * 5}).found()
    assert len(short) == 1 and short[0].end == pytest.approx(1.4)
    long = collect({0: ["happy"] * 5 + [GONE] * 20 + ["happy"] * 5}).found()
    assert [(m.start, m.end) for m in long] == [pytest.approx((0.0, 0.4)), pytest.approx((2.5, 2.9))]


def test_the_weakest_go_when_there_are_too_many():
    labels = (["happy"] * 5 + ["neutral"] * 5) * 10 + ["fear"] * 30
    found = collect({0: labels}, limit=8).found()
    assert 8 <= len(found) <= 9
    assert found[-1].label == "fear"
    assert sum(m.label == "neutral" for m in found) == 0
    assert [m.peak for m in found] == sorted(m.peak for m in found)


def test_the_portrait_of_each_track_is_its_largest_good_one():
    key_moments = KeyMoments(320)
    sizes, flags = [40, 60, 120, 100], [0, 0, 2, 0]
    for i, (size, flag) in enumerate(zip(sizes, flags, strict=True)):
        image = np.full((180, 320, 3), 40 * i + 40, np.uint8)
        faces = make_faces(["happy"], boxes=[[50, 20, 50 + size, 20 + size]], ids=[3], quality=[flag])
        key_moments(Still(i, image, 10), FrameResult(i, i / 10, faces))  # type: ignore[arg-type]
    assert list(key_moments.portraits) == [3]
    assert picture(key_moments.portraits[3][1]).mean() == pytest.approx(160, abs=2)


def test_hundreds_of_tracks_do_not_fill_the_memory():
    key_moments = KeyMoments(320, limit=10)
    for i in range(200):
        faces = make_faces(["happy"], ids=[i])
        key_moments(Still(i, GREY, 10), FrameResult(i, i / 10, faces))  # type: ignore[arg-type]
    assert len(key_moments.portraits) <= 40


def moment(track, label, peak, confidence=0.9):
    return KeyMoment(track, label, peak, peak + 2, peak, confidence, b"")


def test_of_many_moments_the_different_ones_are_chosen():
    smiles = [moment(0, "happy", 10.0 * i, 0.99) for i in range(30)]
    rare = [moment(0, "sad", 101.0, 0.7), moment(1, "happy", 207.0, 0.7), moment(1, "surprise", 208.0, 0.7)]
    chosen = choose_moments([*smiles, *rare], 6)
    assert all(m in chosen for m in rare) and len(chosen) == 6
    assert chosen == sorted(chosen, key=lambda m: m.peak)
    assert choose_moments(smiles, 40) == smiles
    assert choose_moments([], 3) == []


def test_of_one_persons_tracks_the_same_expression_counts_as_the_same():
    moments = [moment(0, "happy", 0.0, 0.99), moment(1, "happy", 50.0, 0.9), moment(2, "happy", 90.0, 0.89)]
    assert [m.track_id for m in choose_moments(moments, 2)] == [0, 1]
    assert [m.track_id for m in choose_moments(moments, 2, {0: "Grace", 1: "Grace"})] == [0, 2]
