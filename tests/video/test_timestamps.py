"""A part of a clip has the numbers and times that it has in the whole."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from helpers import media

from fer_core.errors import OptionError
from fer_core.video import reader as video
from fer_core.video.container import OpenClip
from fer_core.video.reader import FrameReader
from fer_core.video.timestamps import Clock


def test_times_rise_where_recordings_are_joined(tmp_path: Path) -> None:
    path = media.make_joined_clip(tmp_path / "a.ts")
    for start in (0.0, 3.0):
        frames = media.read(path, start=start)
        seconds = [second for _, second, _ in frames]
        assert (np.diff(seconds) > 0).all()
        assert seconds[-1] == pytest.approx(119 / 25, abs=0.05)
        assert frames[-1][0] == 119


def test_repeated_and_missing_stamps_give_rising_times() -> None:
    clock = Clock(0.04, None)
    seconds = [clock.read(stamp) for stamp in (None, 7.0, 7.0, None, 7.2, 6.9, 100.0, 3.0, 3.04)]
    assert seconds[:2] == pytest.approx([0.0, 0.04])
    assert (np.diff(seconds) > 0).all()
    assert seconds[-1] - seconds[-2] == pytest.approx(0.04)
    assert seconds[-2] - seconds[-3] == pytest.approx(0.04)


LONG = [
    ("a.mp4", "libx264", media.B_FRAMES, False),
    ("a.mp4", "libx264", media.B_FRAMES, True),
    ("a.mkv", "libx264", media.B_FRAMES, True),
    ("a.mkv", "libx264", media.B_FRAMES | {"x264-params": "open-gop=1"}, False),
    ("a.mp4", "libx264", {"g": "2", "bf": "1", "preset": "veryfast"}, False),
    ("a.ts", "libx264", media.B_FRAMES, False),
    ("a.avi", "libx264", media.B_FRAMES, False),
    ("a.avi", "mpeg4", {"qscale": "2", "b": "2000000", "bf": "2", "g": "12"}, False),
    ("a.mp4", "libx265", {"preset": "ultrafast", "x265-params": "log-level=none:keyint=12:bframes=3"}, False),
    ("a.webm", "libvpx", media.OPTIONS["libvpx"] | {"g": "12"}, True),
    (
        "a.webm",
        "libvpx",
        {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16", "g": "20", "b": "900000"},
        False,
    ),
    (
        "a.webm",
        "libvpx-vp9",
        {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16", "g": "20", "b": "900000"},
        False,
    ),
    ("a.gif", "gif", {}, False),
    ("a.mpg", "mpeg2video", {"b": "4000000", "bf": "2", "g": "12"}, False),
    ("a.h264", "libx264", media.B_FRAMES, False),
]


@pytest.mark.parametrize(("name", "codec", "options", "uneven"), LONG)
def test_a_part_has_the_numbers_and_times_of_the_whole(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], uneven: bool
) -> None:
    times = list(np.round(np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 60)), 3)) if uneven else None
    pixels = "rgb8" if codec == "gif" else "yuv420p"
    path = media.make_clip(
        tmp_path / name, media.patterns(60), codec=codec, options=options, times=times, pixel_format=pixels
    )
    whole = media.read(path)
    assert [frame[0] for frame in whole] == list(range(60))
    assert [frame[2] for frame in whole] == list(range(60))
    for at in (1, 11, 13, 24, 40, 59):
        start, end = whole[at][1], whole[min(at + 7, 59)][1]
        part = media.read(path, start=start)
        assert [(index, number) for index, _, number in part] == [(f[0], f[2]) for f in whole[at:]]
        assert [seconds for _, seconds, _ in part] == pytest.approx([f[1] for f in whole[at:]], abs=1e-6)
        if end > start:
            assert [f[0] for f in media.read(path, start=start, end=end)] == list(range(at, min(at + 7, 59)))


def test_frames_between_key_frame_and_what_is_shown_before_it_are_left_out(tmp_path: Path) -> None:
    # HEVC's RADL pictures: stored after a key frame, shown before it, and decodable without what lies before.
    params = "log-level=none:keyint=12:min-keyint=12:bframes=4:radl=2:open-gop=0:b-adapt=2:scenecut=0:rc-lookahead=20"
    path = media.make_clip(
        tmp_path / "a.mp4", media.patterns(60), codec="libx265", options={"preset": "medium", "x265-params": params}
    )
    keys, leading = [], 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            keys += [packet.pts] if packet.is_keyframe else []
            leading += packet.pts is not None and packet.pts < keys[-1]
    assert len(keys) > 3
    assert leading
    whole = media.read(path)
    for at in (14, 26, 40, 50):
        assert media.read(path, start=whole[at][1]) == whole[at:]


@pytest.mark.parametrize("first", [3, 12, 15, 30])
def test_frames_that_an_edit_list_hides_do_not_count(tmp_path: Path, first: int) -> None:
    path = media.make_trimmed(tmp_path / "a.mp4", first)
    whole = media.read(path)
    assert [(index, number) for index, _, number in whole] == [(n, n + first) for n in range(60 - first)]
    assert [seconds for _, seconds, _ in whole] == pytest.approx([n / 25 for n in range(60 - first)])
    for at in (1, 10, 20, 29):
        part = media.read(path, start=at / 25)
        assert [frame[::2] for frame in part] == [frame[::2] for frame in whole[at:]]
        assert [frame[1] for frame in part] == pytest.approx([frame[1] for frame in whole[at:]])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_late_start_does_not_decode_what_lies_before(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = media.make_clip(tmp_path / name, media.patterns(60), options=media.B_FRAMES)
    decoded: list[int] = []
    decode = OpenClip._decode

    def count(self: OpenClip, packet: av.Packet | None) -> list[av.VideoFrame]:
        pictures = decode(self, packet)
        decoded.extend([1] * len(pictures))
        return pictures

    with FrameReader(path, start=2.2) as reader:
        monkeypatch.setattr(OpenClip, "_decode", count)
        assert next(reader).index == 55
    assert len(decoded) <= 12


def test_failing_seek_falls_back_to_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(60), options=media.B_FRAMES)
    monkeypatch.setattr(video, "frames_from", lambda clip, key: [*clip.packets()] and None)
    assert [frame[::2] for frame in media.read(path, start=2.0)] == [(number, number) for number in range(50, 60)]


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (float("nan"), None), (1.0, 1.0), (1.0, 0.5)])
def test_impossible_part_is_refused(tmp_path: Path, start: float, end: float | None) -> None:
    path = media.make_clip(tmp_path / "a.mp4")
    with pytest.raises(OptionError):
        FrameReader(path, start=start, end=end)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.png"])
def test_start_after_the_end_is_refused(tmp_path: Path, name: str) -> None:
    path = media.make_picture(tmp_path / name) if name == "a.png" else media.make_clip(tmp_path / name)
    with FrameReader(path, start=5.0) as reader, pytest.raises(OptionError, match="after the end"):
        next(reader)
