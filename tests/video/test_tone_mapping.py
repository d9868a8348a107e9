"""Clips of high dynamic range come out with the light and the colours of ordinary ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import media

from fer_core.video.frame import Frame
from fer_core.video.reader import FrameReader, probe
from fer_core.video.writer import ClipWriter

PQ, HLG = 16, 18
FROM_709 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087


def pq(nits: np.ndarray) -> np.ndarray:
    """Signal of light by SMPTE ST 2084, as its text has it."""
    y = (np.asarray(nits, float) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits: np.ndarray) -> np.ndarray:
    """Signal of grey light on a screen of 1000 cd/m2 by ITU-R BT.2100."""
    scene = (np.asarray(nits, float) / 1000) ** (1 / 1.2)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def srgb(linear: np.ndarray) -> np.ndarray:
    linear = np.asarray(linear, float)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def shown(signal: np.ndarray, transfer: int) -> np.ndarray:
    """BGR of a picture of one colour whose signal (3,) is given."""
    rgb = np.broadcast_to(np.round(np.asarray(signal) * 65535).astype(np.uint16), (16, 16, 3))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb48le")
    frame.color_trc = transfer
    return Frame(0, 0.0, frame).image()[8, 8].astype(float)


@pytest.mark.parametrize(("transfer", "encode"), [(PQ, pq), (HLG, hlg)])
@pytest.mark.parametrize("nits", [2, 10, 40, 80])
def test_light_up_to_that_of_faces_is_kept(transfer: int, encode, nits: float) -> None:
    assert shown(np.repeat(encode(nits), 3), transfer) == pytest.approx(np.repeat(srgb(nits / 203), 3), abs=3)


@pytest.mark.parametrize(("transfer", "encode"), [(PQ, pq), (HLG, hlg)])
def test_light_beyond_white_is_pressed_together_in_order(transfer: int, encode) -> None:
    levels = [shown(np.repeat(encode(nits), 3), transfer).mean() for nits in (80, 150, 203, 400, 1000)]
    assert levels == sorted(levels) and len(set(levels)) == len(levels)
    assert levels[-1] == pytest.approx(255, abs=2) and 190 < levels[2] < 250


def test_colours_are_those_of_bt709() -> None:
    linear = np.array([0.30, 0.15, 0.10])  # of skin, in BT.709
    found = shown(pq(203 * FROM_709 @ linear), PQ)
    assert found[::-1] == pytest.approx(srgb(linear), abs=4)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_clip_says_so_and_is_written_with_its_light(tmp_path: Path, transfer: int) -> None:
    path = tmp_path / "a.mp4"
    encode = pq if transfer == PQ else hlg
    light = 0.15 + 80 * (media.pattern(5).astype(float) / 255)
    signal = np.round(encode(light) * 65535).astype(np.uint16)
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx265", rate=25)
        track.width, track.height, track.pix_fmt = 96, 64, "yuv420p10le"
        track.options = media.OPTIONS["libx265"]
        track.codec_context.color_trc, track.codec_context.color_primaries = transfer, 9
        track.codec_context.colorspace, track.codec_context.color_range = 9, 1
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(signal[..., ::-1]), format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    info = probe(path)
    assert "high dynamic range (PQ)" in info.notes[0] or "high dynamic range (HLG)" in info.notes[0]
    out_path = tmp_path / "out.mp4"
    with FrameReader(path) as reader, ClipWriter(out_path, width=96, height=64, frame_rate=25) as writer:
        for frame in reader:
            image = frame.image()
            writer.write(image, frame.seconds)
    assert media.number_in(image) == 5 and media.is_upright(image)
    assert image[8, 24:28].mean() == pytest.approx(float(srgb(0.15 / 203)), abs=6)
    white = image[8, 54:58].astype(float).mean()
    assert white == pytest.approx(float(srgb(80.15 / 203)), abs=6)
    assert probe(out_path).notes == ()
    with FrameReader(path) as reader:
        assert next(reader).image(48).shape == (32, 48, 3)
