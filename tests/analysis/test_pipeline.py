import tracemalloc

import cv2
import numpy as np
import pytest
from helpers.fakes import DETECTION_SIDE, FakeRecognizer, patch_frame, portrait, stern_portrait
from helpers.media import make_clip, make_picture

from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.errors import MediaError, OptionError
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader


def moving(count: int, width: int = 160, height: int = 120) -> list[np.ndarray]:
    return [patch_frame([(20 + i % 40, 30, 40)], width, height) for i in range(count)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds at 25 frames a second; nobody is there from 0.8 to 1.2 s."""
    images = moving(50)
    images[20:30] = [patch_frame([])] * 10
    return make_clip(tmp_path_factory.mktemp("clips") / "a.mp4", images)


def analyzed_frames(source, **options) -> list[int]:
    return [result.index for result in analyze(source, FakeRecognizer(), AnalysisOptions(**options))]


def test_every_frame(clip):
    results = list(analyze(clip, FakeRecognizer()))
    assert [r.index for r in results] == list(range(50))
    assert [r.seconds for r in results] == pytest.approx([i / 25 for i in range(50)], abs=2e-3)
    assert [len(r.faces) for r in results] == [1] * 20 + [0] * 10 + [1] * 20
    assert len({int(r.faces.track_ids[0]) for r in results if len(r.faces)}) == 1  # away for less than a second
    face = results[3].faces
    assert face.labels[int(face.predicted[0])] == "happy"
    np.testing.assert_allclose(face.boxes[0], [23, 30, 63, 70], atol=4)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"frame_stride": 7}, list(range(0, 50, 7))),
        ({"frame_stride": 100}, [0]),
        ({"sample_fps": 5.0}, list(range(0, 50, 5))),
        ({"sample_fps": 10.0}, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40, 43, 45, 48]),
        ({"sample_fps": 25.0}, list(range(50))),
        ({"sample_fps": 120.0}, list(range(50))),
        ({"sample_fps": 0.6}, [0, 42]),
        ({"start": 0.5}, list(range(13, 50))),
        ({"end": 0.5}, list(range(13))),
        ({"start": 0.4, "end": 1.2, "frame_stride": 5}, [10, 15, 20, 25]),
        ({"start": 0.4, "sample_fps": 5.0}, list(range(10, 50, 5))),
        ({"sample_fps": 5.0, "frame_stride": 3}, list(range(0, 50, 5))),
    ],
)
def test_which_frames_are_looked_at(clip, options, expected):
    assert analyzed_frames(clip, **options) == expected


def test_a_grid_in_time_for_a_variable_frame_rate(tmp_path):
    # A still of 0.9 s between two stretches of 50 frames a second.
    times = [i * 0.02 for i in range(10)] + [0.18 + 0.9 + i * 0.02 for i in range(10)]
    clip = make_clip(tmp_path / "vfr.mp4", moving(20), times=times)
    results = list(analyze(clip, FakeRecognizer(), AnalysisOptions(sample_fps=10)))
    assert [r.index for r in results] == [0, 5, 10, 11, 16]
    assert [r.seconds for r in results] == pytest.approx([times[i] for i in (0, 5, 10, 11, 16)], abs=2e-3)


def test_the_grid_does_not_drift(tmp_path):
    # 29.97 frames a second for 20 s: looking 10 times a second finds one in each tenth.
    frames = [patch_frame([], 32, 32)] * 600
    results = list(
        analyze(
            make_clip(tmp_path / "a.mp4", frames, frame_rate=30000 / 1001),
            FakeRecognizer(),
            AnalysisOptions(sample_fps=10),
        )
    )
    tenths = [int(r.seconds * 10 + 0.01) for r in results]
    assert tenths == list(range(len(results))) and len(results) in (200, 201)


def test_listeners_hear_of_every_frame_before_its_result(clip):
    heard: list[tuple[int, bool]] = []

    def listen(frame, result):
        assert result is None or result.index == frame.index
        heard.append((frame.index, result is not None))

    others: list[int] = []
    options = AnalysisOptions(frame_stride=3)
    for result in analyze(clip, FakeRecognizer(), options, listeners=[listen, lambda f, r: others.append(f.index)]):
        assert heard[-1] == (result.index, True)
    assert heard == [(i, i % 3 == 0) for i in range(50)]
    assert others == list(range(50))


def test_what_a_listener_raises_comes_out(clip):
    def listen(frame, result):
        raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        next(analyze(clip, FakeRecognizer(), listeners=[listen]))


def test_a_large_picture_is_looked_at_smaller_and_told_in_its_own_pixels(tmp_path):
    image = cv2.resize(patch_frame([(120, 60, 60)], 288, 162), (2880, 1620))
    read = FakeRecognizer()
    (result,) = analyze(make_picture(tmp_path / "a.png", image), read)
    assert read.sizes == [(DETECTION_SIDE, 1080)]
    np.testing.assert_allclose(result.faces.boxes[0], [1200, 600, 1800, 1200], atol=8)


def test_a_picture_is_a_clip_of_one_frame(tmp_path):
    results = list(
        analyze(
            make_picture(tmp_path / "a.jpg", patch_frame([(20, 20, 60)])),
            FakeRecognizer(),
            AnalysisOptions(sample_fps=5),
        )
    )
    assert [(r.index, r.seconds, len(r.faces)) for r in results] == [(0, 0.0, 1)]


def test_a_turned_clip_is_looked_at_upright(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", moving(3), rotation=90)
    read = FakeRecognizer()
    results = list(analyze(clip, read))
    assert set(read.sizes) == {(160, 120)}
    np.testing.assert_allclose(results[0].faces.boxes[0], [20, 30, 60, 70], atol=4)


def test_a_cut_begins_a_shot_and_new_people(tmp_path):
    pictures = [cv2.resize(image, (256, 256)) for image in (portrait(), stern_portrait()[:512])]
    clip = make_clip(tmp_path / "a.mp4", [pictures[0]] * 10 + [pictures[1]] * 10)
    results = list(analyze(clip, FakeRecognizer()))
    assert [r.shot for r in results] == [0] * 10 + [1] * 10
    ids = [set(r.faces.track_ids.tolist()) for r in results]
    assert ids[0] and ids[-1] and not ids[0] & ids[-1]


def test_unsure_below(clip):
    def shown(threshold):
        read = FakeRecognizer("sad", 0.6)
        return {
            int(i)
            for r in analyze(clip, read, AnalysisOptions(confidence_threshold=threshold))
            for i in r.faces.predicted
        }

    assert shown(0.7) == {-1}
    assert shown(0.5) == {5}


def test_an_open_reader_stays_open(clip):
    with FrameReader(clip) as reader:
        results = analyze(reader, FakeRecognizer())
        assert next(results).index == 0
        results.close()
        assert next(reader).index >= 1  # a few frames were in hand


def test_a_path_is_closed_again(clip, tmp_path):
    results = analyze(clip, FakeRecognizer())
    next(results)
    results.close()
    with pytest.raises(StopIteration):
        next(results)


def test_bad_clips_and_limits(tmp_path, clip):
    (tmp_path / "a.mp4").write_text("no clip")
    with pytest.raises(MediaError):
        next(analyze(tmp_path / "a.mp4", FakeRecognizer()))
    with pytest.raises(MediaError):
        list(analyze(clip, FakeRecognizer(), limits=Limits(max_seconds=1.0)))
    with pytest.raises(OptionError, match="Choose an earlier start"):
        list(analyze(clip, FakeRecognizer(), AnalysisOptions(start=10)))


NAN = float("nan")


@pytest.mark.parametrize(
    "options",
    [
        {"sample_fps": 0},
        {"sample_fps": -1},
        {"sample_fps": 1000},
        {"sample_fps": NAN},
        {"frame_stride": 0},
        {"frame_stride": -3},
        {"start": -1},
        {"start": NAN},
        {"end": 0},
        {"start": 2, "end": 2},
        {"start": 2, "end": 1},
        {"end": NAN},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(OptionError, match="received"):
        AnalysisOptions(**options)


def test_unsure_below_out_of_range(clip):
    with pytest.raises(OptionError, match="confidence_threshold"):
        next(analyze(clip, FakeRecognizer(), AnalysisOptions(confidence_threshold=2)))


def kept(path) -> int:
    """Peak of what Python and NumPy hold beyond the start, in bytes, over the last half of the clip."""
    results = analyze(path, FakeRecognizer(), AnalysisOptions(sample_fps=10))
    for _ in range(10):
        next(results)
    tracemalloc.start()
    try:
        for _ in results:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_clip(tmp_path):
    frames = moving(60, 320, 240)
    short = make_clip(tmp_path / "a.mp4", frames)
    long = make_clip(tmp_path / "b.mp4", frames * 5)
    before, after = kept(short), kept(long)
    # Of 240 frames more, none is kept; how many of the few in hand are decoded at the moment of the look is chance.
    assert after < before + 8 * 320 * 240 * 3, (before, after)
