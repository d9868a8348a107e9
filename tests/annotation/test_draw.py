from dataclasses import replace

import numpy as np
import pytest
from helpers.fakes import portrait, real_recognizer

from fer_core.annotation.blur import blur_faces
from fer_core.annotation.draw import bgr, draw_overlays
from fer_core.annotation.overlays import Overlay
from fer_core.faces.detector import FaceDetector
from fer_core.labels import COLORS, FER7, UNSURE

W, H = 320, 180


def mark(box, name="Person 1", label="happy", confidence=0.87, track=0) -> Overlay:
    return Overlay(track, box, name, label, confidence)


def canvas(width=W, height=H) -> np.ndarray:
    return np.full((height, width, 3), 120, np.uint8)


def changed(image: np.ndarray) -> np.ndarray:
    """Where it differs from the canvas."""
    return (image != 120).any(2)


def test_colours_are_those_of_the_palette():
    assert bgr("angry") == (0x00, 0x5E, 0xD5)
    for name, code in COLORS.items():
        assert bgr(name) == tuple(int(code[i : i + 2], 16) for i in (5, 3, 1))
    assert bgr("bored") == bgr(UNSURE)
    image = draw_overlays(canvas(), [mark((100, 80, 180, 160), label="sad")])
    assert tuple(image[80, 140]) == bgr("sad")


def test_it_draws_on_the_image_itself():
    image = canvas()
    assert draw_overlays(image, [mark((100, 60, 180, 160))]) is image
    assert changed(image).any()
    np.testing.assert_array_equal(draw_overlays(canvas(), []), canvas())


@pytest.mark.parametrize(
    "box",
    [
        (-30, -30, 40, 40),
        (290, -20, 350, 50),
        (-30, 140, 40, 220),
        (290, 140, 350, 220),
        (-50, -50, 400, 300),
        (0, 0, 319, 179),
        (0, 0, 1, 1),
        (310, 170, 319, 179),
        (-500, -500, -400, -400),
        (900, 900, 950, 950),
    ],
)
def test_words_stay_in_the_picture_at_every_border(box):
    image = draw_overlays(canvas(), [mark(box, name="Somebody with a long name")])
    inside = box[0] < W and box[1] < H and box[2] > 0 and box[3] > 0
    assert image.shape == (H, W, 3)
    if inside:
        assert (image > 170).all(2).sum() > 60  # the white of letters


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (16, 16), (1, 300), (300, 1), (4000, 20)])
def test_pictures_of_any_size(width, height):
    image = draw_overlays(
        canvas(width, height), [mark((0, 0, width, height)), mark((0.2, 0.3, 0.6, 0.7), label=UNSURE)]
    )
    assert image.shape == (height, width, 3)


@pytest.mark.parametrize("name", ["", "李", "Zoë 李", "שלום", "a\nb", "x" * 500, "\x00", "100% %s {0}"])
def test_names_that_the_font_cannot_draw(name):
    image = draw_overlays(canvas(), [mark((100, 80, 180, 160), name=name)])
    assert changed(image).any()
    if name in {"李", "\x00"}:
        np.testing.assert_array_equal(image, draw_overlays(canvas(), [mark((100, 80, 180, 160), name="")]))


def test_an_unsure_face_gets_no_percentage():
    one, other = (draw_overlays(canvas(), [mark((100, 80, 180, 160), label=UNSURE, confidence=c)]) for c in (0.1, 0.9))
    np.testing.assert_array_equal(one, other)
    one, other = (draw_overlays(canvas(), [mark((100, 80, 180, 160), confidence=c)]) for c in (0.1, 0.9))
    assert (one != other).any()


def test_the_nearest_face_is_on_top():
    near, far = mark((60, 60, 200, 170), label="sad"), mark((150, 60, 170, 90), label="happy", name="")
    np.testing.assert_array_equal(draw_overlays(canvas(), [near, far]), draw_overlays(canvas(), [far, near]))


BARS = (
    ("angry", 0.1),
    ("disgust", 0.0),
    ("fear", 0.05),
    ("happy", 0.6),
    ("neutral", 0.15),
    ("sad", 0.02),
    ("surprise", 0),
)


def drawn_bars(box: tuple, bars: tuple = BARS, width: int = W, height: int = H) -> np.ndarray:
    """What bars add to the picture: where it differs from one with the box alone."""
    plain = mark(box, name="")
    with_bars = replace(plain, bars=bars)
    return (draw_overlays(canvas(width, height), [with_bars]) != draw_overlays(canvas(width, height), [plain])).any(2)


@pytest.mark.parametrize(
    ("box", "side"),
    [((20, 40, 110, 160), "right"), ((220, 40, 310, 160), "left"), ((100, 20, 220, 60), "right")],
)
def test_bars_stand_beside_the_face_and_do_not_cover_it(box, side):
    where = drawn_bars(box)
    columns = np.flatnonzero(where.any(0))
    assert where.sum() > 500
    assert columns.min() > box[2] if side == "right" else columns.max() < box[0]


def test_a_bar_is_as_long_as_its_expression_is_likely():
    def length(probability: float) -> int:
        image = draw_overlays(
            canvas(), [replace(mark((20, 40, 110, 160), label="sad"), bars=(*BARS[:3], ("happy", probability)))]
        )
        return int((np.abs(image.astype(int) - bgr("happy")).max(2) < 3).any(0).sum())

    none, half, whole = length(0.0), length(0.5), length(1.0)
    assert none <= 2 and whole > 25 and half == pytest.approx(whole / 2, abs=2)
    assert length(1.7) == whole, "never beyond its end"


def test_beside_a_small_face_only_the_strongest_bars_stand():
    large, small = (drawn_bars(box, width=640, height=480) for box in ((100, 100, 250, 280), (100, 100, 150, 160)))
    assert large.any(1).sum() > 2 * small.any(1).sum()
    image = draw_overlays(canvas(640, 480), [replace(mark((100, 100, 150, 160), label="sad"), bars=BARS)])
    seen = {label for label, _ in BARS if (image == bgr(label)).all(2)[:, 155:].any()}
    assert seen == {"happy", "neutral", "angry"}


def test_bars_cover_no_other_face():
    boxes = [(60.0 + 210 * i, 170.0, 135.0 + 210 * i, 262.0) for i in range(3)]
    alone = [replace(mark(box, name=""), bars=BARS) for box in boxes]
    image = draw_overlays(canvas(640, 480), alone)
    for x0, y0, x1, y1 in boxes:
        inside = image[int(y0) + 4 : int(y1) - 4, int(x0) + 4 : int(x1) - 4]
        assert (inside == 120).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (1, 300), (300, 1), (60, 60)])
def test_where_there_is_no_room_bars_are_left_out(width, height):
    assert not drawn_bars((0, 0, width, height), width=width, height=height).any()


def faces_in(image: np.ndarray) -> int:
    return len(FaceDetector()(image).boxes)


def test_a_blurred_face_is_gone_and_the_rest_is_untouched():
    image = portrait()
    box = FaceDetector()(image).boxes
    blurred = blur_faces(image.copy(), box)
    x0, y0, x1, y1 = box[0].astype(int)
    inner = np.s_[y0 + 5 : y1 - 5, x0 + 15 : x1 - 15]
    detail = np.abs(np.diff(image[inner].astype(int), axis=1)).mean()
    assert np.abs(np.diff(blurred[inner].astype(int), axis=1)).mean() < 0.25 * detail
    outside = np.ones(image.shape[:2], bool)
    outside[max(0, y0 - 30) : y1 + 30, x0 - 30 : x1 + 30] = False
    np.testing.assert_array_equal(blurred[outside], image[outside])


def test_what_blurring_leaves_is_64_tiles():
    # Two faces that differ in detail alone become the same: it cannot be sharpened back.
    rng = np.random.default_rng(0)
    base = np.full((160, 160, 3), 128, np.uint8)
    box = np.array([[40, 40, 120, 120]], float)
    one, other = base.copy(), base.copy()
    one[28:133, 28:133] += np.where(rng.random((105, 105, 1)) < 0.5, 20, 0).astype(np.uint8)
    other[28:133, 28:133] += np.where(rng.random((105, 105, 1)) < 0.5, 20, 0).astype(np.uint8)
    before = np.abs(one.astype(int) - other).mean()
    after = np.abs(blur_faces(one, box).astype(int)[45:115, 45:115] - blur_faces(other, box)[45:115, 45:115]).mean()
    assert after < 0.15 * before


@pytest.mark.parametrize("box", [(-60, 40, 60, 190), (260, 40, 380, 190), (100, -60, 200, 60), (100, 120, 200, 240)])
def test_a_face_that_the_border_cuts_is_blurred_up_to_the_border(box):
    image = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
    blurred = blur_faces(image.copy(), np.array([box], float))
    same = (blurred == image).all(2)
    # Along the border, over the middle 80 % of the face.
    x0, y0, x1, y1 = box
    if x0 < 0 or x1 > W:
        column = 0 if x0 < 0 else W - 1
        line = same[y0 + (y1 - y0) // 10 : min(H, y1 - (y1 - y0) // 10), column]
    else:
        row = 0 if y0 < 0 else H - 1
        line = same[row, x0 + (x1 - x0) // 10 : x1 - (x1 - x0) // 10]
    assert line.mean() < 0.02


@pytest.mark.parametrize("boxes", [np.empty((0, 4)), np.array([]), np.array([[500, 500, 600, 600.0], [5, 5, 5, 5]])])
def test_nothing_to_blur(boxes):
    image = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
    blurred = blur_faces(image.copy(), boxes)
    assert (blurred != image).mean() < 0.001
    assert blur_faces(np.zeros((1, 1, 3), np.uint8), np.array([[0, 0, 1, 1]])).shape == (1, 1, 3)


def test_a_blurred_portrait_is_not_read():
    image = portrait()
    boxes = real_recognizer()(image).boxes
    faces = real_recognizer()(blur_faces(image, boxes))
    assert len(faces) == 0 or int(faces.quality[0]) != 0
    assert set(FER7) >= {faces.labels[int(i)] for i in faces.predicted if i >= 0}
    assert faces_in(image) <= 1
