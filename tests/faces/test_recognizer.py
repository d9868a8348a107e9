import cv2
import numpy as np
import pytest
from helpers.fakes import PORTRAIT_FACE, FakeClassifier, portrait, real_recognizer, stern_portrait, two_people_frame

from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import Detections
from fer_core.faces.quality import assess_quality, head_turn
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.types import FaceQuality

SIZES = [48, 64, 100, 150, 220, 300]


def picture(which: str, height: int) -> np.ndarray:
    if which == "portrait":
        return portrait(height)
    scale = height / 212
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(stern_portrait(), None, fx=scale, fy=scale, interpolation=how)


def quality(image: np.ndarray) -> FaceQuality:
    faces = real_recognizer()(image)
    assert len(faces) == 1
    return FaceQuality(int(faces.quality[0]))


def test_all_faces_of_a_frame_are_classified_at_once():
    classifier = FakeClassifier("sad")
    read = ExpressionRecognizer(classifier)
    faces = read(two_people_frame())
    assert classifier.batches == [2]
    assert len(faces) == 2 and faces.labels == read.labels == classifier.labels
    assert (faces.probabilities.argmax(1) == read.labels.index("sad")).all()
    assert (faces.boxes[:, 3] - faces.boxes[:, 1] > 50).all()


def test_without_a_face_the_network_does_not_run():
    classifier = FakeClassifier()
    faces = ExpressionRecognizer(classifier)(np.zeros((100, 100, 3), np.uint8))
    assert faces.empty and faces.labels == classifier.labels
    assert classifier.batches == []


def test_crops_belong_to_their_boxes():
    class Brightness(FakeClassifier):
        def __call__(self, crops):
            p = crops.mean((1, 2)) / 255
            return np.stack([p, *[(1 - p) / 6] * 6], 1)

    def detect(image):
        return Detections(np.array([[10, 10, 50, 60], [110, 10, 150, 60.0]]), np.ones(2), np.full((2, 5, 2), np.nan))

    image = np.full((70, 160, 3), 20, np.uint8)
    image[:, 80:] = 200
    faces = ExpressionRecognizer(Brightness(), detect)(image)  # type: ignore[arg-type]
    np.testing.assert_allclose(faces.probabilities[:, 0] * 255, [20, 200], atol=1)


@pytest.mark.parametrize("which", ["portrait", "stern"])
@pytest.mark.parametrize("height", SIZES)
def test_a_sharp_face_from_the_front_is_good_also_as_jpeg(which, height):
    image = picture(which, height)
    assert quality(image) == FaceQuality.GOOD
    jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    assert quality(jpeg) == FaceQuality.GOOD


@pytest.mark.parametrize("which", ["portrait", "stern"])
@pytest.mark.parametrize("height", SIZES)
@pytest.mark.parametrize("noise", [0, 4])
def test_a_blurred_face_is_flagged_also_under_noise(which, height, noise):
    image = cv2.GaussianBlur(picture(which, height), (0, 0), 0.06 * height)
    grain = np.random.default_rng(0).normal(0, noise, image.shape)
    assert FaceQuality.BLURRED in quality(np.clip(image + grain, 0, 255).astype(np.uint8))


def test_a_small_face_is_flagged():
    assert FaceQuality.SMALL in quality(portrait(26))
    assert FaceQuality.SMALL not in quality(portrait(36))


def test_a_dark_face_is_flagged():
    assert FaceQuality.DARK in quality((portrait() * 0.12).astype(np.uint8))
    assert FaceQuality.DARK not in quality((portrait() * 0.5).astype(np.uint8))


def assess_one(*, nose: float = 0.5, score: float = 0.95, landmarks: bool = True, roll: float = 0.0) -> FaceQuality:
    """Of a sharp crop with eyes at 0.3 and 0.7 of the box and the nose at `nose`."""
    crop = np.random.default_rng(0).integers(60, 200, (1, 48, 48), dtype=np.uint8)
    points = np.array([[[0.3, 0.35], [0.7, 0.35], [nose, 0.6], [0.35, 0.8], [0.65, 0.8]]]) * 100
    angle = np.deg2rad(roll)
    points = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if not landmarks:
        points[:] = np.nan
    return FaceQuality(int(assess_quality(crop, np.array([[0, 0, 100, 100.0]]), np.array([score]), points)[0]))


@pytest.mark.parametrize("roll", [0, 30, -30])
def test_a_head_turned_to_either_side_is_flagged(roll):
    assert assess_one(nose=0.5, roll=roll) == FaceQuality.GOOD
    assert assess_one(nose=0.65, roll=roll) == FaceQuality.GOOD
    assert assess_one(nose=0.67, roll=roll) == FaceQuality.TURNED
    assert assess_one(nose=0.76, roll=roll) == FaceQuality.TURNED
    assert assess_one(nose=0.24, roll=roll) == FaceQuality.TURNED


def test_without_landmarks_nothing_is_said_of_the_pose():
    assert assess_one(landmarks=False) == FaceQuality.GOOD


def test_a_doubtful_face_is_flagged():
    assert assess_one(score=0.71) == FaceQuality.DOUBTFUL
    assert assess_one(score=0.8) == FaceQuality.GOOD


def test_flags_add_up_and_hide_the_label():
    image = (cv2.GaussianBlur(portrait(26), (0, 0), 2) * 0.2).astype(np.uint8)
    faces = real_recognizer()(image)
    assert len(faces) == 1
    assert {FaceQuality.SMALL, FaceQuality.BLURRED, FaceQuality.DARK} <= set(FaceQuality(int(faces.quality[0])))
    assert faces.predicted.tolist() == [-1]


def test_a_blank_crop_is_blurred_and_gives_no_warning():
    crop = np.full((1, 48, 48), 120, np.uint8)
    flags = assess_quality(crop, np.array([[0, 0, 60, 60.0]]), np.array([0.9]), np.full((1, 5, 2), np.nan))
    assert flags.tolist() == [FaceQuality.BLURRED]
    assert assess_quality(crop[:0], np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2))).shape == (0,)


def test_the_portrait_at_120_pixels_is_good():
    assert quality(portrait(120)) == FaceQuality.GOOD
    assert PORTRAIT_FACE < 120


def test_how_far_a_head_is_turned():
    points = np.array([[[30, 40], [70, 40], [nose, 60], [35, 80], [65, 80]] for nose in (50, 66, 34, 90)], float)
    np.testing.assert_allclose(head_turn(points), [0, 0.4, 0.4, 1])
    assert np.isnan(head_turn(np.full((1, 5, 2), np.nan))).all() and head_turn(points[:0]).shape == (0,)


def test_a_network_for_colours_gets_its_crop_in_colour_and_at_its_size_from_the_frame():
    class Colors(FakeClassifier):
        own_crop = 96

        def __call__(self, crops: np.ndarray) -> np.ndarray:
            self.seen = crops
            return super().__call__(crops)

    classifier = Colors()
    image = portrait(900).copy()
    image[..., 0] = 0  # no blue
    faces = ExpressionRecognizer(classifier)(image)
    assert classifier.seen.shape == (1, 96, 96, 3) and classifier.seen.dtype == np.uint8
    assert classifier.seen[..., 2].max() == 0 and classifier.seen[..., 0].mean() > 60, "red comes first"
    gray = crop_faces(image, faces.boxes, faces.landmarks, 96)
    assert np.abs(cv2.cvtColor(classifier.seen[0], cv2.COLOR_RGB2GRAY).astype(int) - gray[0]).mean() < 1
    # It holds more than a crop of 48 pixels that was blown up.
    blown = cv2.resize(crop_faces(image, faces.boxes, faces.landmarks)[0], (96, 96), interpolation=cv2.INTER_LINEAR)
    assert cv2.Laplacian(gray[0], cv2.CV_32F).var() > 2 * cv2.Laplacian(blown, cv2.CV_32F).var()


def masked(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """The portrait with a mask drawn from the nose to below the chin, by its landmarks."""
    points = real_recognizer()(image).landmarks[0]
    eyes, mouth, across = points[:2].mean(0), points[3:].mean(0), points[1] - points[0]
    down = mouth - eyes
    corners = [(0, 0.45), (0.95, 0.9), (0.75, 1.2), (0.3, 1.7), (-0.3, 1.7), (-0.75, 1.2), (-0.95, 0.9)]
    outline = np.array([eyes + x * across + y * down for x, y in corners], np.int32)
    layer = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(layer, [outline], 255)
    share = cv2.GaussianBlur(layer, (0, 0), 1)[..., None] / 255
    folds = 6 * np.sin(np.arange(len(image)) / 4)[:, None, None]
    return np.clip(image * (1 - share) + (np.array(color) + folds) * share, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("color", [(200, 175, 140), (225, 225, 225)])
def test_a_face_under_a_mask_is_flagged_and_shows_no_expression(color: tuple[int, int, int]) -> None:
    image = masked(portrait(), color)
    faces = real_recognizer()(image)
    assert FaceQuality(int(faces.quality[0])) == FaceQuality.COVERED and faces.predicted.tolist() == [-1]
    assert FaceQuality(int(faces.quality[0])).words == "covered"


def test_lack_of_detail_below_counts_only_where_the_rest_is_good():
    crop = np.random.default_rng(0).integers(60, 200, (1, 48, 48), dtype=np.uint8)
    crop[:, 26:] = 120
    points = np.array([[[30, 35], [70, 35], [50, 60], [35, 80], [65, 80.0]]])
    box, sure = np.array([[0, 0, 100, 100.0]]), np.array([0.95])
    assert assess_quality(crop, box, sure, points)[0] == FaceQuality.COVERED
    assert assess_quality(crop, box * 0.2, sure, points)[0] == FaceQuality.SMALL
    assert assess_quality(crop, box, sure, points * np.nan)[0] == FaceQuality.GOOD
