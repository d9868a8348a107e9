"""A file that is cut off, written to or replaced while it is read is noticed, and a whole one never is."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import media

from fer_core.video.completeness import BrokenOff
from fer_core.video.reader import FrameReader

KINDS = [
    ("a.mp4", "libx264", {"movflags": "+faststart"}, True),
    ("b.mp4", "libx264", {"movflags": "+frag_keyframe+empty_moov"}, False),
    ("a.mkv", "libx264", {}, True),
    ("a.webm", "libvpx-vp9", {}, True),
    ("live.mkv", "libx264", {"live": "1"}, False),
    ("a.avi", "mpeg4", {}, False),
    ("a.flv", "flv1", {}, True),
]


def read_through(path: Path) -> FrameReader:
    with FrameReader(path) as reader:
        for _ in reader:
            pass
        assert not reader.changed
    return reader


@pytest.mark.parametrize(("name", "codec", "options", "declares"), KINDS)
def test_a_clip_that_breaks_off_says_how_far_it_goes(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], declares: bool
) -> None:
    more = media.OPTIONS.get(codec, {}) | {"g": "10"}
    grain = np.random.default_rng(0).integers(0, 60, (60, media.HEIGHT, media.WIDTH, 3), np.uint8)
    images = [cv2.add(image, noise) for image, noise in zip(media.patterns(60), grain, strict=True)]
    path = media.make_clip(tmp_path / name, images, codec=codec, options=more, container_options=options)
    assert read_through(path).broken_off is None
    data = path.read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
    broken = read_through(path).broken_off
    assert broken is not None
    assert 0.1 < broken.read_s < 2.0
    assert (broken.declared_s == pytest.approx(2.4, abs=0.1)) if declares else True
    assert f"up to {broken.read_s:.1f} s" in str(broken)


def test_a_part_before_the_break_is_whole(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "a.mkv", media.patterns(60))
    path.write_bytes(path.read_bytes()[:-2000])
    with FrameReader(path, end=0.4) as reader:
        assert len(list(reader)) == 10
    assert reader.broken_off is None


@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"\xff" * 40, b"\0\0\1\0udtaabc"])
def test_what_cameras_append_to_a_clip_is_no_break(tmp_path: Path, tail: bytes) -> None:
    path = media.make_clip(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes() + tail)
    assert read_through(path).broken_off is None


def test_the_words_name_the_length_where_it_is_known() -> None:
    assert "up to 4.8 s of 10.0 s" in str(BrokenOff(4.8, 10.0))
    assert "up to 4.8 s, and" in str(BrokenOff(4.8, 4.84))
    assert " of " not in str(BrokenOff(4.8, None)).split(",")[0]


@pytest.mark.parametrize("how", ["cut", "grown", "replaced", "removed", "rewritten"])
def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, how: str) -> None:
    path = media.make_clip(tmp_path / "a.mp4", media.patterns(30))
    data = path.read_bytes()
    with FrameReader(path) as reader:
        next(reader)
        assert not reader.changed
        if how == "cut":
            os.truncate(path, len(data) // 2)
        elif how == "grown":
            path.write_bytes(data + b"more")
        elif how == "replaced":
            (tmp_path / "b.mp4").write_bytes(data)
            os.replace(tmp_path / "b.mp4", path)
        elif how == "removed":
            path.unlink()
        else:
            path.write_bytes(data)
            os.utime(path, ns=(1, 1))
        assert reader.changed
