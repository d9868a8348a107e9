"""Written clips suit browsers and show what was given; what cannot be written is said and leaves no file."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import media

from fer_core.errors import Cancelled, MediaError, OptionError
from fer_core.video import writer as writing
from fer_core.video.reader import FrameReader, probe
from fer_core.video.writer import ClipWriter, _disk_errors


def boxes(path: Path) -> list[bytes]:
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data)
    return names


@pytest.mark.parametrize("times", [None, media.UNEVEN])
def test_written_clip_suits_browsers(tmp_path: Path, times: list[float] | None) -> None:
    source, out = media.make_clip(tmp_path / "a.mkv", times=times), tmp_path / "out.mp4"
    media.rewrite(out, source)
    assert boxes(out).index(b"moov") < boxes(out).index(b"mdat")
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        assert not container.streams.audio
    before, after = media.read(source), media.read(out)
    assert [frame[::2] for frame in after] == [frame[::2] for frame in before]
    assert [frame[1] for frame in after] == pytest.approx([frame[1] for frame in before], abs=1e-4)
    with FrameReader(out) as reader:
        assert all(media.is_upright(frame.image()) for frame in reader)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "out.mp4"]


def test_written_colours_are_true(tmp_path: Path) -> None:
    colors, out = [(30, 60, 200), (200, 40, 20), (20, 180, 60), (128, 128, 128)], tmp_path / "out.mp4"
    with ClipWriter(out, width=64, height=48, frame_rate=25) as writer:
        for number, color in enumerate(colors):
            writer.write(np.full((48, 64, 3), color, np.uint8), number / 25)
    with FrameReader(out) as reader:
        for color, frame in zip(colors, reader, strict=True):
            assert np.abs(frame.image().reshape(-1, 3).mean(0) - color).max() < 6


def test_written_size_is_even_and_limited(tmp_path: Path) -> None:
    for (width, height), expected in {(101, 63): (100, 62), (2000, 1001): (1280, 640), (9, 1): (8, 2)}.items():
        out = tmp_path / f"{width}.mp4"
        with ClipWriter(out, width=width, height=height, frame_rate=30) as writer:
            writer.write(np.zeros((height, width, 3), np.uint8), 0.0)
            writer.write(np.zeros((50, 50, 3), np.uint8), 0.1)
        info = probe(out)
        assert (info.width, info.height, info.frames) == (*expected, 2)


def test_written_times_rise_whatever_is_given(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with ClipWriter(out, width=96, height=64, frame_rate=None, start=1.0) as writer:
        for number, seconds in enumerate([0.5, 1.0, 1.0, 1.5, 1.2, 2.0]):
            writer.write(media.pattern(number), seconds)
    seconds = [frame[1] for frame in media.read(out)]
    assert len(seconds) == 6
    assert (np.diff(seconds) > 0).all()
    assert seconds[-1] == pytest.approx(1.0, abs=0.01)


def test_cancelled_keeps_a_playable_clip(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(Cancelled), ClipWriter(out, width=96, height=64, frame_rate=25) as writer:
        for number in range(5):
            writer.write(media.pattern(number), number / 25)
        raise Cancelled("stop")
    assert [frame[2] for frame in media.read(out)] == list(range(5))
    assert boxes(out).index(b"moov") < boxes(out).index(b"mdat")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MediaError])
def test_an_error_leaves_no_file_and_keeps_the_older_one(tmp_path: Path, error: type[BaseException]) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    with pytest.raises(error), ClipWriter(out, width=96, height=64, frame_rate=25) as writer:
        writer.write(media.pattern(1), 0.0)
        raise error("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert out.read_bytes() == b"older"


def test_a_clip_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frame"), ClipWriter(tmp_path / "a.mp4", width=9, height=9, frame_rate=25):
        pass
    with pytest.raises(Cancelled), ClipWriter(tmp_path / "a.mp4", width=9, height=9, frame_rate=25):
        raise Cancelled("stop")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [100, 5_000, 60_000])
def test_a_full_disk_is_said_in_plain_words(tmp_path: Path, kept: int) -> None:
    # A limit on file sizes fails like a full disk does, at any byte, also while the header is moved to the front.
    rng, limits = np.random.default_rng(0), resource.getrlimit(resource.RLIMIT_FSIZE)
    images = [rng.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(10)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (kept, limits[1]))
    try:
        with (
            pytest.raises(MediaError, match="disk is full"),
            ClipWriter(tmp_path / "out.mp4", width=320, height=240, frame_rate=25) as writer,
        ):
            for number, image in enumerate(images):
                writer.write(image, number / 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_no_clip_is_ever_kept_half(tmp_path: Path) -> None:
    rng, limits = np.random.default_rng(0), resource.getrlimit(resource.RLIMIT_FSIZE)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(10)]

    def attempt(room: int) -> bool:
        out = tmp_path / f"{room}.mp4"
        if room:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with ClipWriter(out, width=64, height=48, frame_rate=25) as writer:
                for number, image in enumerate(images):
                    writer.write(image, number / 25)
        except MediaError:
            assert not out.exists()
            return False
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        boxes(out)
        assert len(media.read(out)) == 10
        return True

    assert attempt(0)
    size = (tmp_path / "0.mp4").stat().st_size
    for room in (size - 700, size - 8, size - 1, size):
        attempt(room)
    assert not attempt(size // 2)
    assert attempt(size * 2)


def test_a_clip_that_lost_its_end_unnoticed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a disk on the network says only when the file is closed does not reach us.
    def cut(path: Path) -> bool:
        path.write_bytes(path.read_bytes()[:-1])
        return whole(path)

    whole = writing._whole
    monkeypatch.setattr(writing, "_whole", cut)
    with (
        pytest.raises(MediaError, match="disk is full"),
        ClipWriter(tmp_path / "out.mp4", width=96, height=64, frame_rate=25) as writer,
    ):
        writer.write(media.pattern(1), 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_said_in_plain_words(tmp_path: Path) -> None:
    with (
        pytest.raises(MediaError, match="could not be saved"),
        ClipWriter(tmp_path / "none" / "a.mp4", width=9, height=9, frame_rate=25),
    ):
        pass


def test_disk_error_names_the_full_disk() -> None:
    with pytest.raises(MediaError, match="disk is full"), _disk_errors():
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("wrong", [{"width": 0}, {"height": -1}, {"frame_rate": 0}, {"frame_rate": 1e9}])
def test_impossible_options_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        ClipWriter(tmp_path / "a.mp4", **{"width": 9, "height": 9, "frame_rate": 25, **wrong})


def test_writer_needs_its_block(tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        ClipWriter(tmp_path / "a.mp4", width=9, height=9, frame_rate=25).write(np.zeros((9, 9, 3), np.uint8), 0.0)


@pytest.mark.parametrize("name", ["slides.mp4", "slides.mkv"])
@pytest.mark.parametrize("sound", [None, "aac", "libopus"])
def test_a_long_last_picture_keeps_its_time_and_its_sound(tmp_path: Path, name: str, sound: str | None) -> None:
    times = [0.0, 1.0, 2.0, 3.0, 4.0]
    source = media.make_clip(
        tmp_path / name, media.patterns(5), times=times, sound=sound, sound_seconds=10.0, last_seconds=6.0
    )
    out = tmp_path / "out.mp4"
    writer = ClipWriter(out, width=96, height=64, frame_rate=1, sound_from=source if sound else None)
    with FrameReader(source) as reader, writer:
        for frame in reader:
            writer.write(frame.image(), frame.seconds)
        writer.end_at(reader.seconds_read)
    with av.open(str(out)) as written:
        assert written.duration / av.time_base == pytest.approx(10.0, abs=0.1)
        if sound:
            track = written.streams.audio[0]
            assert float(track.duration * track.time_base) == pytest.approx(10.0, abs=0.1)
    assert [frame[1] for frame in media.read(out)] == times
