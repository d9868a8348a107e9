from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from helpers.fakes import PORTRAIT_FACE, portrait, stern_portrait, two_people_frame

from fer_core.errors import OptionError
from fer_core.faces.detector import STILL, FaceDetector

YUNET = FaceDetector()
HAAR = FaceDetector("haar")


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return float(both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both))


def test_two_people_are_two_faces_largest_first():
    image = two_people_frame()
    found = YUNET(image)
    assert found.boxes.shape == (2, 4) and found.scores.shape == (2,) and found.landmarks.shape == (2, 5, 2)
    heights = found.boxes[:, 3] - found.boxes[:, 1]
    assert heights[0] > heights[1]
    assert found.boxes[0, 0] > 360 > found.boxes[1, 2]  # Hopper's face is larger, and on the right
    assert ((found.scores > 0.8) & (found.scores <= 1)).all()
    # Each pair of landmarks has the one on the image's left first, and all lie in their box.
    assert (found.landmarks[:, 0, 0] < found.landmarks[:, 1, 0]).all()
    assert (found.landmarks[:, 3, 0] < found.landmarks[:, 4, 0]).all()
    assert (found.landmarks >= found.boxes[:, None, :2]).all() and (found.landmarks <= found.boxes[:, None, 2:]).all()


def test_boxes_are_in_pixels_of_the_picture_whatever_its_size():
    base = YUNET(portrait()).boxes[0]
    for scale in (0.4, 0.8, 2.0, 4.0):
        image = cv2.resize(portrait(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        assert overlap(YUNET(image).boxes[0] / scale, base) > 0.85


@pytest.mark.parametrize("kind", ["yunet", "haar"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (10, 2000), (2000, 10), (48, 48), (240, 320)])
def test_nothing_is_found_where_there_is_nothing(kind, height, width):
    detector = YUNET if kind == "yunet" else HAAR
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        found = detector(image)
        assert len(found.boxes) == len(found.scores) == len(found.landmarks) == 0
        assert found.landmarks.shape == (0, 5, 2) and found.boxes.shape == (0, 4)


def test_a_ready_crop_is_found():
    x0, y0, x1, y1 = YUNET(portrait()).boxes[0].astype(int)
    side, middle = round(0.5 * (y1 - y0)), ((x0 + x1) // 2, (y0 + y1) // 2)
    face = portrait()[middle[1] - side : middle[1] + side, middle[0] - side : middle[0] + side]
    assert len(YUNET(cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)).boxes) == 1


@pytest.mark.parametrize("side", [16, 24])
def test_a_tiny_picture_is_enlarged_first(side):
    x0, y0, x1, y1 = YUNET(portrait()).boxes[0].astype(int)
    half, middle = round(0.5 * (y1 - y0)), ((x0 + x1) // 2, (y0 + y1) // 2)
    face = portrait()[middle[1] - half : middle[1] + half, middle[0] - half : middle[0] + half]
    found = YUNET(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA))
    assert len(found.boxes) == 1
    assert found.boxes[0, 3] - found.boxes[0, 1] == pytest.approx(side, rel=0.25)


def test_thin_pictures_always_give_the_same():
    # Into what OpenCV's network makes of a thin picture, earlier pictures leak where it is not filled up.
    rng = np.random.default_rng(0)
    eager = FaceDetector(min_score=0.02)
    others = [portrait(40), rng.integers(0, 256, (32, 320, 3), dtype=np.uint8), stern_portrait()]
    for height, width in ((1, 204), (6, 313), (1, 21), (21, 271), (10, 100), (279, 3), (9, 159), (3, 199)):
        for image in (
            rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
            cv2.resize(portrait(), (width, height)),
        ):
            first = eager(image)
            assert all(np.isfinite(part).all() for part in first)
            assert (np.abs(first.boxes) < 2000).all()
            for other in others:
                eager(other)
                for a, b in zip(first, eager(image), strict=True):
                    np.testing.assert_array_equal(a, b)


def test_haar_finds_the_portraits_with_boxes_like_those_of_yunet():
    for image in (portrait(), stern_portrait()):
        found = HAAR(image)
        assert len(found.boxes) == 1
        assert overlap(found.boxes[0], YUNET(image).boxes[0]) > 0.6
        assert 0.5 < found.scores[0] <= 1
        assert np.isnan(found.landmarks).all()


def test_small_faces_can_be_left_out():
    image = two_people_frame()
    heights = YUNET(image).boxes[:, 3] - YUNET(image).boxes[:, 1]
    one = FaceDetector(smallest=float(heights.mean()))(image)
    assert len(one.boxes) == 1
    assert one.boxes[0, 3] - one.boxes[0, 1] == heights[0]
    assert len(FaceDetector(smallest=1000.0)(image).boxes) == 0


def test_a_larger_side_finds_smaller_faces():
    small = portrait(20)
    image = np.full((400, 640, 3), 90, np.uint8)
    image[100 : 100 + len(small), 200 : 200 + small.shape[1]] = small
    assert len(YUNET(image).boxes) == 0
    assert len(FaceDetector(side=640)(image).boxes) == 1


def test_a_second_look_finds_small_faces_too_and_each_face_once():
    thorough = FaceDetector(side=STILL)
    for image in (portrait(), two_people_frame(), cv2.resize(stern_portrait(), None, fx=4, fy=4)):
        once, twice = YUNET(image), thorough(image)
        assert len(twice.boxes) == len(once.boxes)
        for a, b in zip(once.boxes, twice.boxes, strict=True):
            assert overlap(a, b) > 0.8
    small = portrait(20)
    image = np.full((400, 640, 3), 90, np.uint8)
    image[100 : 100 + len(small), 200 : 200 + small.shape[1]] = small
    large = portrait(60)
    image[-len(large) :, -large.shape[1] :] = large
    assert len(YUNET(image).boxes) == 1
    found = thorough(image)
    assert len(found.boxes) == 2
    x0, y0, x1, y1 = found.boxes[1]
    assert 200 < x0 < x1 < 200 + small.shape[1] and 100 < y0 < y1 < 100 + len(small)


def test_a_dark_picture_is_lifted():
    rng = np.random.default_rng(0)
    bright = portrait(100)
    dark = np.clip(bright * 0.05 + rng.normal(0, 3, (*bright.shape[:2], 1)), 0, 255).astype(np.uint8)
    found = YUNET(dark)
    assert len(found.boxes) == 1 and overlap(found.boxes[0], YUNET(bright).boxes[0]) > 0.7
    assert len(YUNET(rng.integers(0, 30, (240, 320, 3), dtype=np.uint8)).boxes) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer_core.faces.detector.DARK", 0)
        assert len(YUNET(dark).boxes) == 0  # so it is the lift that finds it


def test_min_score():
    assert YUNET(portrait()).scores[0] < 0.99
    assert len(FaceDetector(min_score=0.99)(portrait()).boxes) == 0


def test_threads_get_what_a_single_one_gets():
    # The sizes differ, because cv2.FaceDetectorYN keeps the size of the last picture.
    images = [portrait(40), two_people_frame(200), portrait(), stern_portrait(), two_people_frame(), portrait(70)] * 5
    alone = [YUNET(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(YUNET, images))
    for a, b in zip(alone, together, strict=True):
        assert len(a.boxes) > 0
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("kind", "options", "received"),
    [
        ("dlib", {}, "dlib"),
        ("", {}, "yunet, haar"),
        ("yunet", {"side": 10}, "10"),
        ("yunet", {"side": 100000}, "100000"),
        ("yunet", {"side": (320, 5000)}, "5000"),
        ("yunet", {"side": ()}, "64 and 2048"),
        ("haar", {"side": 0}, "0"),
        ("yunet", {"min_score": 1.5}, "1.5"),
        ("yunet", {"min_score": float("nan")}, "nan"),
        ("yunet", {"smallest": -1.0}, "-1"),
    ],
)
def test_options_out_of_range_are_refused(kind, options, received):
    with pytest.raises(OptionError, match=received):
        FaceDetector(kind, **options)


def test_the_portrait_is_as_large_as_the_fakes_say():
    _, top, _, bottom = YUNET(portrait()).boxes[0]
    assert bottom - top == pytest.approx(PORTRAIT_FACE, abs=3)
