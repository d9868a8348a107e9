"""Clips are read as they are: numbers, times, sides, colours."""

from __future__ import annotations

import gc
import resource
import threading
import tracemalloc
import warnings
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers import media

from fer_core.errors import LimitError
from fer_core.video import reader as video
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader, probe

READABLE = [
    ("a.mp4", "libx264", "yuv420p", "h264"),
    ("a.mp4", "libx265", "yuv420p", "hevc"),
    ("a.mp4", "libsvtav1", "yuv420p", "av1"),
    ("a.mp4", "mpeg4", "yuv420p", "mpeg4"),
    ("a.mov", "libx264", "yuv420p", "h264"),
    ("a.mov", "prores_ks", "yuva444p10le", "prores"),
    ("a.mov", "qtrle", "argb", "qtrle"),
    ("a.mov", "png", "rgba", "png"),
    ("a.webm", "libvpx", "yuv420p", "vp8"),
    ("a.webm", "libvpx-vp9", "yuv420p", "vp9"),
    ("a.webm", "libvpx-vp9", "yuva420p", "vp9"),
    ("a.webm", "libsvtav1", "yuv420p", "av1"),
    ("a.mkv", "libx264", "yuv420p", "h264"),
    ("a.mkv", "libx264", "yuv420p10le", "h264"),
    ("a.avi", "libx264", "yuv420p", "h264"),
    ("a.avi", "mpeg4", "yuv420p", "mpeg4"),
    ("a.avi", "mjpeg", "yuvj420p", "mjpeg"),
    ("a.gif", "gif", "rgb8", "gif"),
    ("a.ts", "libx264", "yuv420p", "h264"),
    ("a.ts", "mpeg2video", "yuv420p", "mpeg2video"),
    ("a.mpg", "mpeg1video", "yuv420p", "mpeg1video"),
    ("a.flv", "flv", "yuv420p", "flv1"),
    ("a.h264", "libx264", "yuv420p", "h264"),
]


@pytest.fixture(autouse=True)
def _quiet_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "0")


@pytest.mark.parametrize(("name", "codec", "pixels", "expected"), READABLE)
def test_reads_containers_and_codecs(tmp_path: Path, name: str, codec: str, pixels: str, expected: str) -> None:
    path = media.make_clip(tmp_path / name, codec=codec, pixel_format=pixels)
    with FrameReader(path) as reader:
        frames = list(reader)
        images = [frame.image() for frame in frames]
    assert [frame.index for frame in frames] == list(range(media.FRAMES))
    assert [media.number_in(image) for image in images] == list(range(media.FRAMES))
    assert [frame.seconds for frame in frames] == pytest.approx([n / 25 for n in range(media.FRAMES)], abs=0.002)
    assert all(media.is_upright(image) for image in images)
    assert {(image.shape, image.dtype) for image in images} == {((64, 96, 3), np.dtype(np.uint8))}
    assert reader.damaged == 0
    info = reader.info
    assert (info.width, info.height, info.codec) == (96, 64, expected)
    assert (info.frames, info.has_sound, info.is_image) == (media.FRAMES, False, False)
    assert info.seconds == pytest.approx(0.48, abs=0.03)
    assert info.frame_rate == pytest.approx(25)


@pytest.mark.parametrize("pixels", ["gray", "gray16le"])
def test_grey_clips_become_grey_bgr(tmp_path: Path, pixels: str) -> None:
    path = media.make_clip(tmp_path / "a.mkv", codec="ffv1", pixel_format=pixels)
    with FrameReader(path) as reader:
        images = [frame.image() for frame in reader]
    assert [media.number_in(image) for image in images] == list(range(media.FRAMES))
    assert all((image[..., :1] == image).all() for image in images)


def test_colours_are_true(tmp_path: Path) -> None:
    colors = [(30, 60, 200), (200, 40, 20), (20, 180, 60), (128, 128, 128), (0, 0, 0), (255, 255, 255)]
    path = media.make_clip(tmp_path / "a.mp4", [np.full((48, 64, 3), color, np.uint8) for color in colors])
    with FrameReader(path) as reader:
        for color, frame in zip(colors, reader, strict=True):
            assert np.abs(frame.image().reshape(-1, 3).mean(0) - color).max() < 6


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_phone_rotation_is_undone(tmp_path: Path, rotation: int) -> None:
    path = media.make_clip(tmp_path / "a.mov", rotation=rotation)
    with FrameReader(path) as reader:
        images = [frame.image() for frame in reader]
    assert (reader.info.width, reader.info.height) == (96, 64)
    assert [media.number_in(image) for image in images] == list(range(media.FRAMES))
    assert all(media.is_upright(image) for image in images)
    # OpenCV turns clips by itself: an opinion that does not share our table.
    capture = cv2.VideoCapture(str(path))
    other = capture.read()[1]
    capture.release()
    assert other.shape == images[0].shape
    assert np.abs(other.astype(int) - images[0]).mean() < 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_picture_is_turned_as_exif_says(tmp_path: Path, orientation: int) -> None:
    turn = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_CLOCKWISE}.get(orientation)
    image = media.pattern(5)
    stored = image if turn is None else cv2.rotate(image, turn)
    path = media.make_picture(tmp_path / "a.jpg", stored, orientation)
    with FrameReader(path) as reader:
        (frame,) = reader
    assert (reader.info.width, reader.info.height) == (96, 64)
    assert media.number_in(frame.image()) == 5
    assert media.is_upright(frame.image())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_picture_is_a_clip_of_one_frame(tmp_path: Path, suffix: str) -> None:
    # The name says video: what counts is what is inside.
    path = media.make_picture(tmp_path / f"a{suffix}").rename(tmp_path / "a.mp4")
    assert media.read(path) == [(0, 0.0, 5)]
    info = probe(path)
    assert (info.width, info.height, info.frames, info.is_image) == (96, 64, 1, True)


@pytest.mark.parametrize("name", ["a.webp", "a.apng"])
def test_animated_picture_gives_its_first(tmp_path: Path, name: str) -> None:
    codec, pixels = ("libwebp_anim", "yuv420p") if name == "a.webp" else ("apng", "rgb24")
    assert media.read(media.make_clip(tmp_path / name, codec=codec, pixel_format=pixels)) == [(0, 0.0, 0)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_uneven_times_are_kept(tmp_path: Path, name: str) -> None:
    path = media.make_clip(tmp_path / name, times=media.UNEVEN)
    assert [seconds for _, seconds, _ in media.read(path)] == pytest.approx(media.UNEVEN, abs=0.002)


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.mkv", times=[5 + time for time in media.UNEVEN])
    assert [seconds for _, seconds, _ in media.read(path)] == pytest.approx(media.UNEVEN, abs=0.002)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_with_b_frames_has_even_times(tmp_path: Path, codec: str) -> None:
    options = media.B_FRAMES if codec == "libx264" else {"qscale": "2", "b": "2000000", "bf": "2"}
    path = media.make_clip(tmp_path / "a.avi", media.patterns(40), codec=codec, options=options, sound="libmp3lame")
    frames = media.read(path)
    assert [number for _, _, number in frames] == list(range(40))
    assert np.diff([seconds for _, seconds, _ in frames])[3:-3] == pytest.approx(0.04, abs=1e-6)


MATRICES = [(a, b, c, d) for p in (1, -1) for q in (1, -1) for a, b, c, d in ((p, 0, 0, q), (0, p, q, 0))]
"""Every way to turn and mirror a picture by right angles."""


@pytest.mark.parametrize("matrix", MATRICES)
def test_turned_and_mirrored_clips_are_shown_upright(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    a, b, c, d = matrix
    y, x = np.mgrid[:6, :10]
    right, down = a * x + c * y, b * x + d * y
    right, down = right - right.min(), down - down.min()
    shown = np.zeros((down.max() + 1, right.max() + 1, 3), np.uint8)
    shown[down, right] = stored
    with FrameReader(media.make_turned(tmp_path / "a.mov", matrix, stored)) as reader:
        assert (reader.info.height, reader.info.width) == shown.shape[:2]
        assert (next(reader).image() == shown).all()


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (1, 1, -1, 1), (2, 0, 0, 2)])
def test_other_matrices_are_ignored(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = media.make_turned(tmp_path / "a.mov", matrix, media.pattern(3))
    with FrameReader(path) as reader:
        assert (next(reader).image() == media.pattern(3)).all()


@pytest.mark.parametrize(
    ("name", "codec", "aspect", "rotation"),
    [
        ("a.mp4", "libx264", Fraction(16, 11), 0),
        ("a.mp4", "libx264", Fraction(16, 11), 90),
        ("a.mkv", "libx264", Fraction(8, 9), 0),
        ("a.mpg", "mpeg2video", Fraction(8, 9), 0),  # 4:3, the only one of MPEG's that 96 x 64 can have
        ("a.ts", "mpeg2video", Fraction(8, 9), 0),
    ],
)
def test_pixels_are_made_square(tmp_path: Path, name: str, codec: str, aspect: Fraction, rotation: int) -> None:
    path = media.make_clip(tmp_path / name, codec=codec, aspect=aspect, rotation=rotation)
    width, height = (96, round(64 * aspect)) if rotation else (round(96 * aspect), 64)
    with FrameReader(path) as reader:
        frames = list(reader)
    assert (reader.info.width, reader.info.height) == (width, height)
    assert {frame.image().shape for frame in frames} == {(height, width, 3)}
    assert [media.number_in(frame.image()) for frame in frames] == list(range(media.FRAMES))
    assert all(media.is_upright(frame.image()) for frame in frames)
    small = frames[5].image(48)
    assert max(small.shape) == 48
    assert small.shape[1] / small.shape[0] == pytest.approx(width / height, rel=0.03)
    assert media.number_in(small) == 5


def test_nonsensical_shapes_of_pixels_are_ignored_and_wide_ones_count(tmp_path: Path) -> None:
    for number, aspect in enumerate((Fraction(1, 100), Fraction(100), Fraction(1001, 1000))):
        path = media.make_clip(tmp_path / f"{number}.mp4", media.patterns(2), aspect=aspect)
        with FrameReader(path) as reader:
            assert (reader.info.width, next(reader).image().shape) == (96, (64, 96, 3))
    path = media.make_clip(tmp_path / "wide.mp4", media.patterns(2), aspect=Fraction(3))
    with pytest.raises(LimitError, match="288 x 64"):
        probe(path, Limits(max_pixels=100 * 100))


def test_image_is_shrunk_and_made_only_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = media.make_clip(tmp_path / "a.mov", media.patterns(3, 320, 180), rotation=90)
    with FrameReader(path) as reader:
        frame = next(reader)
        assert frame.image(100).shape == (56, 100, 3)
        assert media.number_in(frame.image(100)) == 0
        assert media.is_upright(frame.image(100))
        assert frame.image(320).shape == frame.image(4000).shape == frame.image().shape == (180, 320, 3)
        monkeypatch.setattr(video.Frame, "image", None)
        assert len(list(reader)) == 2
    # A frame outlives its reader.
    monkeypatch.undo()
    assert frame.image().shape == (180, 320, 3)


def test_no_thread_and_no_open_file_is_left(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(60))
    threads = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for close in (True, False):
            reader = FrameReader(path)
            next(reader)
            file = reader._clip._file
            if close:
                reader.close()
                assert list(reader) == []
            del reader
            assert file.closed
        gc.collect()
    assert threading.active_count() == threads


def test_memory_stays_constant(tmp_path: Path) -> None:
    # FFmpeg's own memory is not traced, so the peak of the process is looked at too.
    path = media.make_clip(tmp_path / "a.mp4", [media.pattern(n % 64, 320, 240) for n in range(1000)])
    tracemalloc.start()
    with FrameReader(path) as reader:
        for frame in reader:
            if frame.index == 50:
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            frame.image()
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before[0] < 1_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[1] < 30_000  # kB; all frames: 230,000


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx264", media.B_FRAMES), ("libx265", {"preset": "fast", "x265-params": "log-level=none"}), ("libx264", None)],
)
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.7, 1.9)])
def test_frames_that_nobody_needs_are_not_decoded(tmp_path, codec, options, start, end):
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(60), codec=codec, options=options)

    def grid():
        due = -1

        def selected(number: int, seconds: float) -> bool:
            nonlocal due
            slot = int((seconds - start) * 8 + 1e-3)
            wanted, due = slot > due, max(slot, due)
            return wanted

        return selected

    with FrameReader(path, start=start, end=end) as reader:
        every = {frame.index: (frame.seconds, frame.image()) for frame in reader}
    wanted, given = grid(), {}
    needed = [index for number, (index, (seconds, _)) in enumerate(every.items()) if wanted(number, seconds)]
    with FrameReader(path, start=start, end=end, selected=grid()) as reader:
        for frame in reader:
            given[frame.index] = frame.seconds, frame.image()
    assert set(needed) <= set(given) <= set(every)
    for index, (seconds, image) in given.items():
        assert seconds == every[index][0]
        assert (image == every[index][1]).all()
    if options:  # without B frames all are needed for the others
        assert len(given) < 0.8 * len(every)
    else:
        assert len(given) == len(every)


@pytest.mark.parametrize(
    "said, expected",
    [
        ("2024-05-01T09:30:00.000000Z", "2024-05-01T09:30:00+00:00"),
        ("1970-01-01T00:00:00.000000Z", None),
        ("last summer", None),
        (None, None),
    ],
)
def test_when_a_clip_was_taken(tmp_path: Path, said: str | None, expected: str | None) -> None:
    """A clock that was never set, and what is no time, say nothing."""
    path = media.make_clip(tmp_path / "a.mp4")
    dated = tmp_path / "dated.mp4"
    with av.open(str(path)) as source, av.open(str(dated), "w") as target:
        if said is not None:
            target.metadata["creation_time"] = said
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    found = probe(dated).recorded_at
    assert (None if found is None else found.isoformat()) == expected
