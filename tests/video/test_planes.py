"""Luma and picked pixels against the picture that is converted as a whole."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from helpers.fakes import portrait
from helpers.media import make_clip, make_picture

from fer_core.faces.alignment import crop_faces
from fer_core.video.frame import Frame
from fer_core.video.planes import Gray
from fer_core.video.reader import FrameReader

PICTURE = cv2.GaussianBlur(portrait(), (0, 0), 4)[:320, :480]


def first(path) -> Frame:
    with FrameReader(path) as reader:
        return next(reader)


def stored(pixel_format: str, **tags: int) -> Frame:
    """The picture as a decoder might give it."""
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(PICTURE), format="bgr24")
    ranges = {"dst_color_range": "JPEG"} if tags.get("color_range") == 2 else {}
    picture = picture.reformat(
        format=pixel_format, dst_colorspace={1: "ITU709"}.get(tags.get("colorspace", 2)), **ranges
    )
    for name, value in tags.items():
        setattr(picture, name, value)
    return Frame(0, 0.0, picture)


@pytest.mark.parametrize(
    ("pixel_format", "tags", "whole"),
    [
        ("yuv420p", {}, True),
        ("yuv420p", {"color_range": 2}, True),
        ("yuvj420p", {"color_range": 2}, True),
        ("yuv422p", {}, True),
        ("yuv444p", {}, True),
        ("yuv420p10le", {}, True),
        ("yuv444p10le", {"color_range": 2}, True),
        ("yuv420p12le", {}, True),
        ("nv12", {}, False),
        ("rgb24", {}, False),
        ("gray", {}, False),
    ],
)
def test_light_is_that_of_the_picture(pixel_format, tags, whole):
    frame = stored(pixel_format, **tags)
    gray = frame.gray()
    expected = cv2.cvtColor(frame.image(), cv2.COLOR_BGR2GRAY)
    levels = gray.levels(np.ascontiguousarray(gray.plane))
    assert levels.dtype == np.uint8 and levels.shape == expected.shape
    difference = levels.astype(int) - expected
    assert abs(difference.mean()) < 2 and np.abs(difference).mean() < 2.5
    assert gray.plane.base is not None or not whole  # a view of what was decoded


@pytest.mark.parametrize(
    ("pixel_format", "tags"),
    [
        ("yuv420p", {}),
        ("yuv420p", {"colorspace": 1}),
        ("yuv420p", {"color_range": 2}),
        ("yuv444p10le", {}),
        ("yuv422p", {}),
        ("rgb24", {}),
    ],
)
def test_picked_pixels_have_the_picture_s_colors(pixel_format, tags):
    frame = stored(pixel_format, **tags)
    small = frame.picked(120)
    assert small.shape == (80, 120, 3)
    difference = small.astype(int) - frame.image(120)
    assert np.abs(difference.mean((0, 1))).max() < 2.5 and np.abs(difference).mean() < 6


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_both_are_upright(tmp_path, rotation):
    frame = first(make_clip(tmp_path / "a.mp4", [PICTURE] * 2, rotation=rotation))
    gray = frame.gray()
    assert frame.size == (480, 320) and gray.plane.shape == (320, 480)
    levels = gray.levels(np.ascontiguousarray(gray.plane)).astype(int)
    assert np.abs(levels - cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)).mean() < 4
    assert np.abs(frame.picked(120).astype(int) - frame.image(120)).mean() < 7


def test_pixels_are_square(tmp_path):
    frame = first(make_clip(tmp_path / "a.mp4", [PICTURE] * 2, aspect=Fraction(4, 3)))
    assert frame.size == (640, 320) and frame.gray().plane.shape == (320, 640)
    expected = cv2.cvtColor(frame.image(), cv2.COLOR_BGR2GRAY).astype(int)
    assert np.abs(frame.gray().levels(frame.gray().plane).astype(int) - expected).mean() < 2
    assert frame.picked(160).shape == (80, 160, 3)


def test_a_still_picture_has_light_too(tmp_path):
    frame = first(make_picture(tmp_path / "a.png", PICTURE))
    np.testing.assert_array_equal(frame.gray().plane, cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY))


def test_levels_below_black_are_black():
    gray = Gray(np.array([[0, 16, 126, 235, 255]], np.uint8), 16.0, 235.0)
    assert gray.levels(gray.plane).tolist() == [[0, 0, 128, 255, 255]]
    deep = Gray(np.array([[0, 64, 940, 1023]], np.uint16), 64.0, 940.0)
    assert deep.levels(deep.plane).tolist() == [[0, 0, 255, 255]]


@pytest.mark.parametrize("roll", [0.0, 20.0])
@pytest.mark.parametrize("factor", [2, 5])
def test_a_large_face_is_cut_as_a_small_one_is(factor, roll):
    box, eyes = np.array([[120, 60, 232, 184]], np.float32), np.array([[150, 105], [200, 105]], np.float32)
    angle = np.deg2rad(roll)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    points = (np.vstack([eyes, [[175, 130], [155, 150], [195, 150]]]) - (176, 122)).astype(np.float32) @ turn
    points = points[None] + np.array((176, 122), np.float32)
    image = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    small_crop, large_crop = crop_faces(image, box, points), crop_faces(large, factor * box, factor * points)
    assert np.abs(small_crop.astype(int) - large_crop).mean() < 2
    shifted = crop_faces(large, factor * box + 2 * factor, factor * points + 2 * factor)
    assert np.abs(small_crop.astype(int) - shifted).mean() > 2.5  # two pixels off are seen


def test_each_size_is_converted_once_and_kept_from_being_changed():
    frame = stored("yuv420p")
    assert frame.image(120) is frame.image(120)
    assert frame.image() is frame.image(480) and frame.image() is not frame.image(120)
    with pytest.raises(ValueError, match="read-only"):
        frame.image()[0, 0] = 0
