"""Names are only names, and what cannot be used is refused in plain words or left out."""

from __future__ import annotations

import resource
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers import bad_media, media

from fer_core.errors import LimitError, MediaError
from fer_core.video import reader as video
from fer_core.video.container import OpenClip
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader, probe
from fer_core.video.writer import ClipWriter


@pytest.mark.parametrize(
    "name", ["my clip 😀.mp4", "%03d.mp4", "frame%d.mp4", "-i.mp4", "concat:a|b.mp4", "http:x.mp4", "a?b#c.mp4", "a"]
)
def test_names_are_taken_literally(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    media.make_clip(tmp_path / "plain.mp4").rename(tmp_path / name)
    assert len(media.read(Path(name))) == media.FRAMES
    with ClipWriter(name + ".out", width=96, height=64, frame_rate=25, sound_from=name) as writer:
        writer.write(media.pattern(1), 0.0)
    assert [frame[2] for frame in media.read(Path(name + ".out"))] == [1]


@pytest.mark.parametrize("kind", ["m3u8", "ffconcat", "sdp", "dash"])
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8"])
def test_playlists_do_not_reach_other_files(tmp_path: Path, kind: str, suffix: str) -> None:
    other = media.make_clip(tmp_path / "other.mp4")
    path = bad_media.make_playlist(tmp_path / f"list{suffix}", other, kind)
    with pytest.raises(MediaError, match="could not be read as a video"):
        probe(path)


def test_an_image_sequence_name_opens_one_picture(tmp_path: Path) -> None:
    for number in range(3):
        media.make_picture(tmp_path / f"{number}.jpg", media.pattern(number))
    with pytest.raises(MediaError, match="not found"):
        probe(tmp_path / "%d.jpg")


BAD = [
    ("a.mp4", lambda path: path, "not found"),
    ("a.mp4", lambda path: path.mkdir() or path, "folder"),
    ("a.mp4", bad_media.make_empty, "empty"),
    ("a.mp4", bad_media.make_text, "could not be read as a video"),
    ("a.m4a", media.make_sound, "sound but no moving picture"),
    ("a.mp3", media.make_song_with_cover, "sound but no moving picture"),
    ("a.mp4", bad_media.make_unknown_codec, "compressed in a way"),
    ("a.mp4", bad_media.make_undecodable, "No picture in this file"),
    ("a.mp4", lambda path: bad_media.make_truncated(path, 0.6, header_first=False), "incomplete"),
    ("a.jpg", lambda path: bad_media.make_cut_picture(path, 200), "picture is damaged"),
    ("a.png", lambda path: bad_media.make_cut_picture(path, 20), "picture is damaged"),
]


@pytest.mark.parametrize(("name", "make", "words"), BAD)
def test_bad_files_are_refused_in_plain_words(tmp_path: Path, name: str, make, words: str) -> None:
    path = make(tmp_path / name)
    for use in (probe, FrameReader):
        with pytest.raises(MediaError, match=words) as caught:
            use(path)
        assert not isinstance(caught.value, LimitError)
        assert str(tmp_path) not in str(caught.value)
        assert str(caught.value).count(". ") <= 1


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.png", bad_media.make_huge_png),
        ("a.mp4", bad_media.make_huge_png),
        ("a.gif", bad_media.make_huge_gif),
    ],
)
def test_huge_pictures_are_refused_before_decoding(
    tmp_path: Path, name: str, make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    monkeypatch.setattr(cv2, "imdecode", None)
    monkeypatch.setattr(OpenClip, "_decode", None)
    with pytest.raises(LimitError, match="16384 x 16384"):
        probe(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB; decoded it has 800,000


@pytest.mark.parametrize("side", [16384, 8000])
def test_header_that_claims_a_huge_picture_is_refused(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Opening refuses it already, and says so by giving no size; 16384 is beyond FFmpeg's own limit, 8000 beyond ours.
    path = bad_media.make_lying_clip(tmp_path / "a.mov", side)
    monkeypatch.setattr(OpenClip, "_decode", None)
    with pytest.raises(LimitError, match="more than the 37,748,736 pixels"):
        probe(path)


def test_pictures_that_grow_too_large_are_refused(tmp_path: Path) -> None:
    path = bad_media.make_growing_clip(tmp_path / "a.ts", 320, 240)
    with FrameReader(path) as reader:
        assert {frame.image().shape for frame in reader} == {(64, 96, 3), (240, 320, 3)}
    with FrameReader(path, Limits(max_pixels=100 * 100)) as reader, pytest.raises(LimitError, match="320 x 240"):
        list(reader)


def test_the_decoder_itself_refuses_pictures_that_are_too_large(tmp_path: Path) -> None:
    # Not only what it has decoded is looked at: by then it has taken the memory.
    path = bad_media.make_growing_clip(tmp_path / "a.ts", 320, 240)
    sides: set[int] = set()
    with OpenClip(path, Limits(max_pixels=100 * 100)) as clip:
        decoder = clip.stream.codec_context
        with pytest.raises(av.FFmpegError):
            for packet in [*clip.packets(), None]:
                sides |= {picture.width for picture in decoder.decode(packet)}
    assert sides == {96}


def test_limits_of_bytes_and_seconds(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(3), times=[0, 10, 36000])
    size = path.stat().st_size
    with pytest.raises(LimitError, match=f"{size:,} bytes; at most 1,000 bytes"):
        probe(path, Limits(max_bytes=1000))
    with pytest.raises(LimitError, match=r"10\.0 hours long or longer; at most 10\.0 minutes"):
        probe(path, Limits(max_seconds=600))
    assert probe(path, Limits(max_bytes=size, max_seconds=36001)).frames == 3


def test_length_that_no_header_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = media.make_clip(
        tmp_path / "a.webm", media.patterns(3), codec="libvpx", times=[0, 1, 40], container_options={"live": "1"}
    )
    assert probe(path).seconds == pytest.approx(40, abs=30)
    with pytest.raises(LimitError, match="40"):
        probe(path, Limits(max_seconds=5))
    monkeypatch.setattr(video, "SCAN_BYTES", 10)
    assert probe(path).seconds is None
    with FrameReader(path, Limits(max_seconds=5)) as reader:
        assert [next(reader).index, next(reader).index] == [0, 1]
        with pytest.raises(LimitError, match="40 seconds"):
            next(reader)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4"), ("a.mp4", "libx264"), ("a.mov", "png")]
)
def test_damaged_frame_is_left_out(tmp_path: Path, name: str, codec: str) -> None:
    if codec == "png":
        path = media.make_clip(tmp_path / name, codec=codec, pixel_format="rgb24")
        data = bytearray(path.read_bytes())
        at = [i for i in range(len(data)) if data[i : i + 4] == b"\x89PNG"][6]
        data[at : at + 100] = bytes(100)
        path.write_bytes(data)
    else:
        path = bad_media.make_damaged(tmp_path / name, codec=codec)
    with FrameReader(path) as reader:
        frames = list(reader)
    assert reader.damaged == 1
    assert frames[-1].seconds == pytest.approx(0.44, abs=0.01)
    numbers = [frame.index for frame in frames]
    if name == "a.avi":  # its stamps are no good: the numbers count what could be decoded, and the reader says so
        assert numbers == list(range(11)) and reader.numbers_shifted
    else:
        assert numbers == [n for n in range(12) if n != 6] and not reader.numbers_shifted


@pytest.mark.parametrize("number", [0, 30])
def test_frames_that_are_lost_do_not_shift_the_numbers_of_later_ones(tmp_path: Path, number: int) -> None:
    path = bad_media.make_damaged(tmp_path / "a.mov", number, codec="mjpeg", count=40)
    whole = media.read(path)
    assert (
        [index for index, _, drawn in whole]
        == [drawn for _, _, drawn in whole]
        == [n for n in range(40) if n != number]
    )
    assert media.read(path, start=1.0) == [frame for frame in whole if frame[1] >= 1.0 - 1e-6]


def test_truncated_clip_gives_what_it_has(tmp_path: Path) -> None:
    path = bad_media.make_truncated(tmp_path / "a.mp4", 0.8, header_first=True)
    frames = media.read(path)
    assert 10 < len(frames) < 50
    assert [frame[2] for frame in frames[:-1]] == list(range(len(frames) - 1))


@pytest.mark.parametrize("side", [1, 2])
def test_tiny_clip(tmp_path: Path, side: int) -> None:
    codec, pixels = ("ffv1", "bgr0") if side == 1 else ("libx264", "yuv420p")
    images = [np.full((side, side, 3), 90, np.uint8)] * 3
    path = media.make_clip(tmp_path / "a.mkv", images, codec=codec, pixel_format=pixels)
    with FrameReader(path) as reader:
        assert [frame.image(1).shape for frame in reader] == [(1, 1, 3)] * 3
    out = tmp_path / "out.mp4"
    with ClipWriter(out, width=side, height=side, frame_rate=25) as writer:
        writer.write(images[0], 0.0)
    assert (probe(out).width, probe(out).height) == (2, 2)


def test_single_frame(tmp_path: Path) -> None:
    assert media.read(media.make_clip(tmp_path / "a.mp4", media.patterns(1))) == [(0, 0.0, 0)]


def test_a_title_that_is_no_text_does_not_matter(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.avi")
    data = path.read_bytes()
    assert data.count(b"Lavf") >= 1  # the name of the writing program, kept as metadata
    path.write_bytes(data.replace(b"Lavf", b"\xe9\xe8\xff\xfe", 1))
    assert probe(path).codec == "h264"


@pytest.mark.parametrize("where", ["opening", "decoding"])
def test_too_little_memory_is_called_that_and_not_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = media.make_clip(tmp_path / "a.mp4")
    error = av.error.MemoryError(12, "Cannot allocate memory")

    class Decoder:
        width = height = 64

        def decode(self, packet: object) -> None:
            raise error

    def fails(*args: object, **kwargs: object) -> None:
        raise error

    with OpenClip(path, Limits()) as clip:
        if where == "opening":
            monkeypatch.setattr(av, "open", fails)
            with pytest.raises(MediaError, match="too little memory"):
                OpenClip(path, Limits())
        else:
            monkeypatch.setattr(clip, "stream", type("Track", (), {"codec_context": Decoder()})())
            with pytest.raises(MediaError, match="too little memory"):
                clip._decode(None)
