"""Small faces are looked at closely, large ones are not, and a squashed picture is noticed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import fakes, media

from fer_core.analysis.detail import CLOSER, choose_detail
from fer_core.faces.detector import FaceDetector
from fer_core.video.sampling import sample_images


def clip(path: Path, faces: int, size: int, *, squash: tuple[int, int] | None = None) -> Path:
    """Two seconds of so many portraits of that size in pixels, side by side; squashed to another size at last."""
    frame = np.full((480, 640, 3), 120, np.uint8)
    for i in range(faces):
        x = 640 * i // faces + 10
        frame[100 : 100 + size, x : x + size] = cv2.resize(fakes.portrait(), (size, size), interpolation=cv2.INTER_AREA)
    return media.make_clip(path, [frame if squash is None else cv2.resize(frame, squash)] * 50)


def test_small_faces_ask_for_a_closer_look(tmp_path: Path) -> None:
    chosen = choose_detail(clip(tmp_path / "a.mp4", 3, 90), FaceDetector())
    assert chosen.side == CLOSER and "faces are small" in chosen.notes[0]


@pytest.mark.parametrize("faces", [0, 2])
def test_large_faces_and_none_do_not(tmp_path: Path, faces: int) -> None:
    chosen = choose_detail(clip(tmp_path / "a.mp4", faces, 280), FaceDetector())
    assert (chosen.side, chosen.notes, chosen.aspect) == (320, (), None)


def test_a_size_that_is_large_already_is_kept(tmp_path: Path) -> None:
    assert choose_detail(clip(tmp_path / "a.mp4", 3, 90), FaceDetector(side=960)).side == 960


@pytest.mark.parametrize(("squash", "aspect"), [((1280, 320), 0.5), ((240, 960), 2.0)])
def test_a_squashed_picture_is_noticed(tmp_path: Path, squash: tuple[int, int], aspect: float) -> None:
    path = clip(tmp_path / "a.mp4", 2, 280, squash=squash)
    chosen = choose_detail(path, FaceDetector())
    assert chosen.aspect == aspect and f"--aspect {aspect:g}" in chosen.notes[-1]
    assert choose_detail(path, FaceDetector(), pixel_aspect=aspect).aspect is None


@pytest.mark.parametrize(("name", "keys"), [("a.mp4", "5"), ("a.mp4", "500"), ("a.ts", "5"), ("a.mkv", "500")])
def test_samples_come_from_all_over_the_clip(tmp_path: Path, name: str, keys: str) -> None:
    options = {"g": keys, "preset": "ultrafast", "sc_threshold": "0"}
    path = media.make_clip(tmp_path / name, media.patterns(60), options=options)
    found = [media.number_in(image) for image in sample_images(path, count=6)]
    assert len(found) == 6 and found == sorted(set(found))
    assert found[0] <= 10 and found[-1] >= 45


def test_a_picture_gives_itself(tmp_path: Path) -> None:
    assert len(sample_images(media.make_picture(tmp_path / "a.png"))) == 1
