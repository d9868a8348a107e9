import cv2
import numpy as np
import pytest
from helpers.fakes import PORTRAIT_FACE, portrait, real_recognizer, stern_portrait

from fer_core.faces.alignment import crop_faces, crop_square, roll_degrees
from fer_core.faces.detector import FaceDetector
from fer_core.models.preprocessing import CROP_SIDE, INPUT_SIDE, SCALES, prepare, prepare_color, standardize

DETECT = FaceDetector()
FINE = FaceDetector(side=640)
NO_LANDMARKS = np.full((1, 5, 2), np.nan)


def crop_of(image: np.ndarray, detector: FaceDetector = DETECT) -> np.ndarray:
    found = detector(image)
    assert len(found.boxes) >= 1, "no face found"
    return crop_faces(image, found.boxes[:1], found.landmarks[:1])[0]


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two crops, 1 where they show the same."""
    return float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])


@pytest.mark.parametrize("picture", [portrait, stern_portrait])
@pytest.mark.parametrize("kind", ["yunet", "haar"])
def test_a_crop_has_the_geometry_of_the_training_images(picture, kind):
    # Medians of FER2013's training crops as YuNet sees them; the tolerance is the scatter between their faces.
    crop = crop_of(picture(), FaceDetector(kind))
    large = cv2.cvtColor(cv2.resize(crop, (288, 288), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    found = DETECT(large)
    assert len(found.boxes) == 1
    box, points = found.boxes[0] / 288, found.landmarks[0] / 288
    eyes = points[:2]
    assert (box[0] + box[2]) / 2 == pytest.approx(0.51, abs=0.05)
    assert (box[1] + box[3]) / 2 == pytest.approx(0.51, abs=0.05)
    assert box[2] - box[0] == pytest.approx(0.81, abs=0.1)
    assert box[3] - box[1] == pytest.approx(0.98, abs=0.1)
    assert eyes[:, 1].mean() == pytest.approx(0.38, abs=0.06)
    assert np.hypot(*(eyes[1] - eyes[0])) == pytest.approx(0.365, abs=0.06)


def square_of(image: np.ndarray, detector: FaceDetector = DETECT) -> np.ndarray:
    """(centre x, centre y, side) of the largest face's square."""
    found = detector(image)
    assert len(found.boxes) >= 1, "no face found"
    return np.array(crop_square(found.boxes[0], found.landmarks[0])[:3])


def assert_same_square(found: np.ndarray, expected: np.ndarray, off: float = 0.05) -> None:
    """Off the centre and in size by at most these shares of the side; 0.05 are 2.4 pixels of the crop."""
    assert np.abs(found[:2] - expected[:2]).max() / expected[2] < off
    assert found[2] / expected[2] == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("height", [40, 64, 100, 180, 300])
def test_the_same_face_gives_the_same_square_at_any_size(height):
    expected = square_of(portrait()) * height / PORTRAIT_FACE
    assert_same_square(square_of(portrait(height)), expected)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (250, 40), (333, 180), (77, 191), (500, 220)])
def test_the_same_face_gives_the_same_square_anywhere(x, y):
    image = np.full((600, 1000, 3), 100, np.uint8)
    face = portrait()[20:400, 50:400]
    image[y : y + face.shape[0], x : x + face.shape[1]] = face
    assert_same_square(square_of(image, FINE), square_of(portrait()) + [x - 50, y - 20, 0])


@pytest.mark.parametrize("cut", [np.s_[:, 191:], np.s_[74:], np.s_[:, :257], np.s_[:163]])
def test_a_face_that_the_border_cuts_keeps_its_square(cut):
    # 12 of the 112 pixels of the face's height, or of the 90 of its width, are beyond the border.
    part = np.ascontiguousarray(portrait()[cut])
    left, top = (cut[1].start or 0 if isinstance(cut, tuple) else 0), (0 if isinstance(cut, tuple) else cut.start or 0)
    assert_same_square(square_of(part) + [left, top, 0], square_of(portrait()), 0.1)


@pytest.mark.parametrize("angle", [-35, -20, 20, 35])
def test_a_rolled_head_is_turned_upright(angle):
    found = DETECT(portrait())
    turn = cv2.getRotationMatrix2D((224, 118), angle, 1)
    image = cv2.warpAffine(portrait(), turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    points = found.landmarks[:1] @ turn[:, :2].T + turn[:, 2]
    assert roll_degrees(points)[0] == pytest.approx(-angle, abs=1)
    assert likeness(crop_faces(image, found.boxes, points)[0], crop_of(portrait())) > 0.9
    assert likeness(crop_faces(image, found.boxes, found.landmarks)[0], crop_of(portrait())) < 0.8


@pytest.mark.parametrize("angle", [-20, 20])
def test_a_rolled_smile_is_read_as_one(angle):
    # YuNet tells too little of a roll (4 of these 20 degrees), so this leans on training with rolled crops too.
    turn = cv2.getRotationMatrix2D((224, 118), angle, 1)
    faces = real_recognizer()(cv2.warpAffine(portrait(), turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    assert faces.probabilities[0, faces.labels.index("happy")] > 0.8


def test_a_slight_roll_stays_as_in_training():
    points = np.array([[10, 20], [30, 23], [20, 30], [12, 40], [28, 42]], float)
    assert crop_square(np.array([0, 0, 40, 50]), points)[3] == 0
    points[1, 1] = 29
    assert crop_square(np.array([0, 0, 40, 50]), points)[3] == pytest.approx(24.2, abs=0.1)


def test_beyond_the_border_it_is_repeated():
    image, found = portrait(), DETECT(portrait())
    keep = round(float(found.boxes[0, 0])) + 12
    crop = crop_faces(image[:, keep:], found.boxes - np.tile([keep, 0], 2), found.landmarks - [keep, 0])[0]
    assert (crop[:, :4] == crop[:, :1]).all()
    assert likeness(crop[:, 0], crop[:, 9]) > 0.7
    assert likeness(crop[:, 12:], crop_of(image)[:, 12:]) > 0.99


def test_a_box_beyond_the_picture_or_without_size_gives_a_crop():
    image = portrait()
    boxes = np.array([[-300, -300, -250, -240], [900, 900, 950, 960], [10, 10, 10, 10], [-400, -400, 900, 1000]], float)
    crops = crop_faces(image, boxes, np.repeat(NO_LANDMARKS, 4, 0))
    assert crops.shape == (4, CROP_SIDE, CROP_SIDE)
    tiny = crop_faces(image[:1, :1], boxes[:1], NO_LANDMARKS)
    assert (tiny == tiny[0, 0, 0]).all()


def test_no_boxes_no_crops():
    assert crop_faces(portrait(), np.empty((0, 4)), np.empty((0, 5, 2))).shape == (0, 48, 48)


def test_channels_are_blue_green_red():
    for color, gray in (((0, 0, 255), 76), ((0, 255, 0), 150), ((255, 0, 0), 29)):
        image = np.full((100, 100, 3), color, np.uint8)
        crop = crop_faces(image, np.array([[20, 20, 70, 80]]), NO_LANDMARKS)
        assert set(np.unique(crop)) == {gray}, color


def test_a_grey_picture_gives_the_crop_of_its_colour_copy():
    gray = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)
    found = DETECT(portrait())
    color = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    np.testing.assert_array_equal(
        crop_faces(gray, found.boxes, found.landmarks), crop_faces(color, found.boxes, found.landmarks)
    )


def test_half_a_pixel_matters():
    # A ramp tells where each pixel was taken: the middle of the crop is the middle of the box.
    ramp = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    for center in (60.0, 100.25, 131.75):
        half = 48 / 0.95 / 2
        box = np.array([[center - 20, 100 - half, center + 20, 100 + half]])
        crop = crop_faces(ramp, box, NO_LANDMARKS)[0].astype(float)
        assert crop.mean() == pytest.approx(center - 0.5, abs=0.3)
        assert crop[0, -1] - crop[0, 0] == pytest.approx(47, abs=1)


def test_standardise():
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (5, 48, 48), dtype=np.uint8)
    x = standardize(crops)
    assert x.shape == (5, INPUT_SIDE, INPUT_SIDE, 1) and x.dtype == np.float32
    np.testing.assert_allclose(x.mean((1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((1, 2, 3)), 1, atol=1e-3)
    np.testing.assert_array_equal(standardize(crops[:, 2:46, 2:46]), x)
    darker = (crops // 2 + 20).astype(np.uint8)
    np.testing.assert_allclose(standardize(darker), x, atol=0.03)


def test_a_blank_crop_is_no_face_blown_up_from_noise():
    blank = np.full((1, 48, 48), 77, np.uint8)
    assert not standardize(blank).any()
    blank[0, 10, 10] = 78
    assert np.abs(standardize(blank)).max() < 0.3
    assert np.isfinite(standardize(np.zeros((1, 48, 48), np.uint8))).all()
    assert standardize(np.zeros((0, 48, 48), np.uint8)).shape == (0, 44, 44, 1)


@pytest.mark.parametrize("shape", [(48, 48), (2, 48, 44), (2, 48, 48, 1), (2, 64, 64)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="received"):
        standardize(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("scale, low, high", [("signed", -1, 1), ("unit", 0, 1)])
def test_grey_levels_as_other_networks_take_them(scale, low, high):
    crops = np.zeros((2, 48, 48), np.uint8)
    crops[1] = 255
    found = prepare(crops, 64, scale)
    assert found.shape == (2, 64, 64, 1) and found.dtype == np.float32
    assert (found[0] == low).all() and (found[1] == high).all()


def test_each_image_is_standardised_whatever_its_layout_in_memory():
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    for layout in (images, images.transpose(0, 2, 1), images[:, ::-1, ::-1], np.asfortranarray(images), images[:0]):
        before = layout.copy()
        for side, part in ((44, layout[:, 2:46, 2:46]), (48, layout)):
            expected = part.astype(np.float64)
            expected -= expected.mean((1, 2), keepdims=True)
            expected /= expected.std((1, 2), keepdims=True)
            np.testing.assert_allclose(prepare(layout, side)[..., 0], expected, atol=1e-5)
        np.testing.assert_array_equal(layout, before)


@pytest.mark.parametrize("scale", SCALES)
def test_grey_crops_in_colour_are_the_grey_ones_three_times(scale):
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    color = prepare_color(crops, 64, scale)
    assert color.shape == (3, 64, 64, 3) and color.dtype == np.float32
    assert np.abs(color - prepare(crops, 64, scale)).max() < 1e-4
    own = prepare_color(np.repeat(crops[..., None], 3, 3), 48, scale)
    assert np.abs(own - prepare(crops, 48, scale)).max() < 1e-4
    with pytest.raises(ValueError, match="scale must be"):
        prepare_color(crops, 48, "other")
