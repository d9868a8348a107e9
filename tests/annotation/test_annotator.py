from collections.abc import Sequence

import numpy as np
import pytest
from helpers.fakes import Still, make_faces, patch_frame, portrait, real_recognizer
from helpers.media import make_clip

from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.annotation.annotator import WAIT, Annotator, between
from fer_core.annotation.overlays import Overlay
from fer_core.types import FrameResult
from fer_core.video.reader import FrameReader

WIDTH, HEIGHT = 320, 180


class Sheet:
    """In place of a ClipWriter: keeps what it is given."""

    def __init__(self):
        self.images: list[np.ndarray] = []
        self.times: list[float] = []

    def write(self, image: np.ndarray, seconds: float) -> None:
        self.images.append(image.copy())
        self.times.append(seconds)


def blank() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def annotate(
    boxes: Sequence[Sequence[Sequence[float]] | None], images: Sequence[np.ndarray] | None = None, **how
) -> Sheet:
    """Frames of which each was looked at and has these boxes, or None; the n-th box is of track n."""
    sheet = Sheet()
    annotator = Annotator(sheet, width=WIDTH, **how)  # type: ignore[arg-type]
    for i, found in enumerate(boxes):
        frame = Still(i, blank() if images is None else images[i])
        result = None
        if found is not None:
            tracks = [t for t, box in enumerate(found) if box]
            faces = make_faces(["happy"] * len(tracks), boxes=[found[t] for t in tracks], ids=tracks)
            result = FrameResult(i, frame.seconds, faces)
        annotator(frame, result)  # type: ignore[arg-type]
    annotator.finish()
    return sheet


def left_edge(image: np.ndarray) -> int | None:
    """Where the drawn box begins: the first column in the colour of happy that is as tall as a face."""
    coloured = (np.abs(image.astype(int) - (0, 166, 230)).max(2) < 40).sum(0)
    columns = np.flatnonzero(coloured > 50)
    return int(columns[0]) if len(columns) else None


def test_every_frame_is_written_once_in_order():
    sheet = annotate([[[10, 60, 80, 150]], None, None, [[40, 60, 110, 150]], None])
    assert sheet.times == [i / 25 for i in range(5)]
    assert all(image.shape == (HEIGHT, WIDTH, 3) for image in sheet.images)


def test_boxes_glide_between_the_frames_that_were_looked_at():
    boxes = [None if i % 5 else [[20 + 6 * i, 60, 90 + 6 * i, 150]] for i in range(26)]
    edges = [left_edge(image) for image in annotate(boxes).images]
    assert None not in edges
    steps = np.diff(edges)
    assert steps.min() >= 0 and steps.max() <= 9  # never a jump of the 30 pixels between two results
    assert edges[-1] == pytest.approx(20 + 6 * 25, abs=12)


def test_a_still_face_does_not_tremble():
    rng = np.random.default_rng(0)
    boxes = [[(np.array([100, 60, 170, 150]) + rng.normal(0, 1.5, 4)).tolist()] for _ in range(60)]
    edges = np.array([left_edge(image) for image in annotate(boxes).images][20:])
    assert edges.std() < 1.0


def test_somebody_new_is_not_drawn_before_they_were_found_and_somebody_gone_not_after():
    boxes = [[[]], None, [[100, 60, 170, 150]], None, [[]], None]
    predicted = [left_edge(image) is not None for image in annotate(boxes).images]
    assert predicted == [False, False, True, True, False, False]


def test_frames_do_not_wait_for_ever():
    sheet = Sheet()
    annotator = Annotator(sheet, width=WIDTH)  # type: ignore[arg-type]
    waiting = []
    for i in range(200):
        annotator(Still(i, blank()), FrameResult(0, 0.0, make_faces(["sad"], ids=[0])) if i == 0 else None)  # type: ignore[arg-type]
        waiting.append(i + 1 - len(sheet.images))
    assert max(waiting) <= WAIT * 25 + 2
    annotator.finish()
    assert sheet.times == [i / 25 for i in range(200)]


def test_between():
    def mark(track, x):
        return Overlay(track, (x, 0, x + 10, 10), "", "happy", 0.9)

    moved = between([mark(0, 0), mark(1, 50)], [mark(0, 10), mark(2, 90)], 0.25)
    assert [(m.track_id, m.box) for m in moved] == [(0, (2.5, 0, 12.5, 10)), (1, (50, 0, 60, 10))]


def test_names_and_size():
    large = np.full((720, 1280, 3), 90, np.uint8)
    sheet = Sheet()
    annotator = Annotator(sheet, width=1280, max_side=640, names={0: "Ada"})  # type: ignore[arg-type]
    faces = make_faces(["happy"], boxes=[[400, 300, 700, 660]], ids=[0])
    annotator(Still(0, large), FrameResult(0, 0.0, faces))  # type: ignore[arg-type]
    assert sheet.images[0].shape == (360, 640, 3)
    assert left_edge(sheet.images[0]) == pytest.approx(200, abs=4)


def texture_left(image: np.ndarray, box: Sequence[float]) -> float:
    """Fine detail in the middle of a box: differences from pixel to pixel, away from what is drawn."""
    x0, y0, x1, y1 = (round(v) for v in box)
    dx, dy = round(0.25 * (x1 - x0)), round(0.25 * (y1 - y0))
    inner = image[y0 + dy : y1 - dy, x0 + dx : x1 - dx].astype(int)
    return float(np.abs(np.diff(inner, axis=1)).mean())


def faces_at(*places: Sequence[int]) -> np.ndarray:
    return patch_frame(places, WIDTH, HEIGHT)  # type: ignore[arg-type]


def box_of(x: int, y: int = 60, side: int = 70) -> list[float]:
    return [x, y, x + side, y + side]


def test_blur_hides_a_moving_face_on_every_frame():
    places = [20 + 3 * i for i in range(31)]
    images = [faces_at((x, 60, 70)) for x in places]
    boxes = [None if i % 5 else [box_of(x)] for i, x in enumerate(places)]
    plain = texture_left(images[0], box_of(places[0]))
    for x, image in zip(places, annotate(boxes, images, blur=True).images, strict=True):
        assert texture_left(image, box_of(x)) < 0.2 * plain


def test_without_blur_faces_stay_as_they_are():
    images = [faces_at((50, 60, 70))] * 3
    plain = texture_left(images[0], box_of(50))
    for image in annotate([[box_of(50)]] * 3, images).images:
        assert texture_left(image, box_of(50)) == pytest.approx(plain)


def test_blur_hides_somebody_before_they_were_found():
    # In the picture from frame 1 on, but the next look is at frame 5.
    images = [faces_at()] + [faces_at((50, 60, 70))] * 5
    boxes = [[[]], None, None, None, None, [box_of(50)]]
    plain = texture_left(images[1], box_of(50))
    sheet = annotate(boxes, images, blur=True)
    for image in sheet.images[1:]:
        assert texture_left(image, box_of(50)) < 0.2 * plain
    assert [left_edge(image) is not None for image in sheet.images] == [False] * 5 + [True]


def test_blur_hides_a_face_that_the_detector_missed_for_a_moment():
    images = [faces_at((50, 60, 70))] * 8
    boxes = [[box_of(50)], None, [[]], None, [[]], [box_of(50)], None, [[]]]
    plain = texture_left(images[0], box_of(50))
    for image in annotate(boxes, images, blur=True).images:
        assert texture_left(image, box_of(50)) < 0.2 * plain


def test_blur_ends_when_somebody_has_left():
    images = [faces_at((50, 60, 70))] * 40
    boxes = [[box_of(50)]] + [[[]]] * 39
    plain = texture_left(images[0], box_of(50))
    after = annotate(boxes, images, blur=True).images
    assert texture_left(after[-1], box_of(50)) == pytest.approx(plain)


def test_a_real_face_cannot_be_read_from_the_blurred_clip(tmp_path):
    frames = [np.roll(portrait()[:300, 80:400], 2 * i, 1) for i in range(11)]
    clip = make_clip(tmp_path / "a.mp4", frames, options={"crf": "12"})
    sheet = Sheet()
    with FrameReader(clip) as reader:
        annotator = Annotator(sheet, width=reader.info.width, blur=True)  # type: ignore[arg-type]
        looked = [
            r.index for r in analyze(reader, real_recognizer(), AnalysisOptions(frame_stride=5), listeners=[annotator])
        ]
        annotator.finish()
    assert looked == [0, 5, 10] and len(sheet.images) == 11
    for image in sheet.images:
        faces = real_recognizer()(image)
        assert all(int(i) < 0 for i in faces.predicted)
