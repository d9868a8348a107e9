"""Containers as cameras and other programs write them: read whatever they say beside the pictures."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers import media
from PIL import Image

from fer_core.video.formats import CLIP_SUFFIXES
from fer_core.video.reader import probe


def packets_of_jpegs(path: Path, pictures: list[bytes], *, rate: int = 5) -> Path:
    """JPEGs put into a container as they are, as cameras do."""
    with av.open(str(path), "w") as out:
        track = out.add_stream("mjpeg", rate=rate)
        track.width, track.height, track.pix_fmt = 96, 64, "yuvj420p"
        for number, data in enumerate(pictures):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = track, number, number, Fraction(1, rate)
            packet.is_keyframe = True
            out.mux(packet)
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mov"])
@pytest.mark.parametrize("orientation", [1, 3])
def test_side_data_that_pyav_has_no_name_for_does_not_matter(tmp_path: Path, name: str, orientation: int) -> None:
    pictures = []
    for number in range(4):
        image = media.pattern(number) if orientation == 1 else cv2.rotate(media.pattern(number), cv2.ROTATE_180)
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(image[..., ::-1]).save(file, "JPEG", quality=95, exif=exif)
        pictures.append(file.getvalue())
    path = packets_of_jpegs(tmp_path / name, pictures)
    with av.open(str(path)) as container, pytest.raises(ValueError, match="31"):
        list(next(container.decode(video=0)).side_data)  # as long as this fails, the detour is needed
    assert [number for _, _, number in media.read(path)] == [0, 1, 2, 3]


def test_the_rate_comes_from_the_stamps_where_the_container_only_knows_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "b.mkv"
    media.make_clip(path, media.patterns(30), frame_rate=1000, times=[n / 30 for n in range(30)])
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 1000
    info = probe(path)
    assert info.frame_rate == pytest.approx(30, abs=0.1)
    assert info.frames == 30 and info.seconds == pytest.approx(1.0, abs=0.01)


def test_a_true_high_rate_is_kept(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(48), frame_rate=240)
    assert probe(path).frame_rate == pytest.approx(240) and probe(path).frames == 48


def test_further_tracks_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        tracks = [out.add_stream("libx264", rate=25) for _ in range(2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = 96, 64, "yuv420p"
        sounds = [out.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(3)]
        for number in range(3):
            for shift, track in enumerate(tracks):
                frame = av.VideoFrame.from_ndarray(media.pattern(number + 10 * shift), format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(track.encode(frame))
        for sound in sounds:
            quiet = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            quiet.sample_rate, quiet.pts = 8000, 0
            out.mux(sound.encode(quiet))
        for track in (*tracks, *sounds):
            out.mux(track.encode(None))
    assert probe(path).notes == (
        "This file has 2 picture tracks; the first is read.",
        "This file has 3 sound tracks; the first is used.",
    )
    assert [number for _, _, number in media.read(path)] == [0, 1, 2]
    assert probe(media.make_clip(tmp_path / "b.mp4", sound="aac")).notes == ()


@pytest.mark.parametrize("suffix", CLIP_SUFFIXES)
def test_each_ending_of_a_clip_is_read(tmp_path: Path, suffix: str) -> None:
    kinds = {"3gp": "mpeg4", "3g2": "mpeg4", "webm": "libvpx", "gif": "gif", "wmv": "msmpeg4", "asf": "msmpeg4"}
    kinds |= {"flv": "flv", "ogv": "libvpx", "dv": "dvvideo", "mxf": "mpeg2video"}
    kinds |= dict.fromkeys(("mpg", "mpeg", "vob"), "mpeg2video")
    formats = {"mts": "mpegts", "m2ts": "mpegts", "vob": "mpeg", "mpg": "mpeg", "mkv": "matroska", "ogv": "ogg"}
    codec = kinds.get(suffix, "libx264")
    size, pixels = ((720, 576), "yuv420p") if suffix == "dv" else ((96, 64), "pal8" if suffix == "gif" else "yuv420p")
    path = tmp_path / f"a.{suffix}"
    images = media.patterns(6, *size)
    with av.open(str(path), "w", format=formats.get(suffix)) as out:
        track = out.add_stream(codec, rate=25)
        track.width, track.height, track.pix_fmt = *size, "rgb8" if suffix == "gif" else pixels
        track.options = media.OPTIONS.get(codec, {})
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    assert [number for _, _, number in media.read(path)] == [0, 1, 2, 3, 4, 5]
