"""The sound of a written clip stays with its pictures, and where it is bad, the pictures come without it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import bad_media, media

from fer_core.video.reader import probe
from fer_core.video.writer import ClipWriter


def tone_begins(path: Path) -> float:
    """Seconds from the first video frame's time 0 at which the tone of `make_clip` begins."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().reshape(-1)) > 0.1
            if loud.any():
                return frame.time + loud.argmax() / frame.sample_rate
    raise AssertionError("no tone")


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("a.mp4", "aac"),
        ("a.ts", "aac"),
        ("a.mkv", "aac"),
        ("a.mov", "pcm_s16le"),
        ("a.avi", "libmp3lame"),
        ("a.mkv", "libopus"),
    ],
)
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.6, 2.0)])
def test_sound_stays_in_sync(tmp_path: Path, name: str, sound: str, start: float, end: float | None) -> None:
    source, out = tmp_path / name, tmp_path / "out.mp4"
    options = media.B_FRAMES if name != "a.avi" else media.OPTIONS["libx264"]
    media.make_clip(source, media.patterns(60), sound=sound, beep=1.2, options=options)
    assert probe(source).has_sound
    media.rewrite(out, source, start=start, end=end)
    assert tone_begins(out) == pytest.approx(1.2 - start, abs=0.035)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == "aac"
        length = float(container.streams.audio[0].duration * container.streams.audio[0].time_base)
    assert length == pytest.approx((2.4 if end is None else end) - start, abs=0.08)
    assert [frame[2] for frame in media.read(out)] == [frame[2] for frame in media.read(source, start=start, end=end)]


@pytest.mark.parametrize(("name", "sound"), [("a.mp4", "aac"), ("a.mov", "pcm_s16le"), ("a.mkv", "libopus")])
def test_no_sound_from_before_the_start_is_written(tmp_path: Path, name: str, sound: str) -> None:
    # A player would not show it (it lies before time 0), but whoever has the file would have it.
    source, out = media.make_clip(tmp_path / name, media.patterns(60), sound=sound), tmp_path / "out.mp4"
    media.rewrite(out, source, start=1.2, end=2.0)
    with av.open(str(out), options={"ignore_editlist": "1"}) as container:
        track = container.streams.audio[0]
        blocks = sum(packet.size > 0 for packet in container.demux(track))
    # Two blocks more for those that lie across the ends, one for the encoder's run-up.
    assert blocks * 1024 / track.codec_context.sample_rate < 0.8 + 3 * 1024 / 44100


def test_sound_that_starts_later_than_the_pictures(tmp_path: Path) -> None:
    source, out = tmp_path / "a.mkv", tmp_path / "out.mp4"
    media.make_clip(source, media.patterns(25), times=[3 + n / 25 for n in range(25)], sound="aac", beep=3.5)
    media.rewrite(out, source)
    assert tone_begins(out) == pytest.approx(0.5, abs=0.035)


@pytest.mark.parametrize("what", ["nothing", "text", "picture", "silent", "damaged"])
def test_bad_sound_does_not_stop_the_pictures(tmp_path: Path, what: str) -> None:
    source, out = tmp_path / "sound.mkv", tmp_path / "out.mp4"
    if what == "text":
        bad_media.make_text(source)
    elif what == "picture":
        media.make_picture(tmp_path / "a.png").rename(source)
    elif what == "silent":
        media.make_clip(source)
    elif what == "damaged":
        media.make_clip(source, media.patterns(25), sound="libmp3lame")
        data = bytearray(source.read_bytes())
        data[len(data) // 2 : -300] = np.random.default_rng(0).bytes(len(data) - 300 - len(data) // 2)
        source.write_bytes(data)
    with ClipWriter(out, width=96, height=64, frame_rate=25, sound_from=source) as writer:
        for number in range(25):
            writer.write(media.pattern(number), number / 25)
    assert [frame[2] for frame in media.read(out)] == list(range(25))


def make_beeps(path: Path, codec: str, gap: tuple[float, float], beeps: tuple[float, ...], length: float = 6.0) -> Path:
    """A clip whose sound has beeps of 0.1 s, a flash at each, and no packets at all in a gap."""
    images = [np.full((64, 96, 3), 255 * any(at <= n / 25 < at + 0.1 for at in beeps), np.uint8) for n in range(150)]
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt, video.options = 96, 64, "yuv420p", {"preset": "ultrafast"}
        rate = 48000
        audio = out.add_stream(codec, rate=rate)
        audio.layout = "mono" if codec != "ac3" else "stereo"
        at = np.arange(int(length * rate)) / rate
        loud = np.any([(at >= beep) & (at < beep + 0.1) for beep in beeps], axis=0)
        wave = (np.sin(2 * np.pi * 1000 * at) * 12000 * loud).astype(np.int16)
        packets = []
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            packets += video.encode(frame)
        packets += video.encode(None)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(audio.format, audio.layout.name, rate, frame_size=audio.frame_size or 1024)
        sound = [p for block in [*resampler.resample(frame), *resampler.resample(None)] for p in audio.encode(block)]
        sound += audio.encode(None)
        packets += [p for p in sound if not gap[0] <= float(p.pts * p.time_base) < gap[1]]
        for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
            out.mux(packet)
    return path


def beeps_of(path: Path) -> list[float]:
    """Seconds at which each beep begins."""
    times: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1) / frame.sample_rate + frame.time
            for moment in loud:
                if not times or moment - times[-1] > 0.3:
                    times.append(float(moment))
                elif moment - times[-1] < 0.3:
                    continue
    return times


@pytest.mark.parametrize("codec", ["libopus", "libmp3lame", "flac", "ac3", "aac"])
@pytest.mark.parametrize("start", [0.0, 2.6])
def test_sound_keeps_its_stamps_over_a_gap(tmp_path: Path, codec: str, start: float) -> None:
    # 2.6 s lies in the gap: the sound then begins with silence.
    source = make_beeps(tmp_path / "a.mkv", codec, gap=(2.0, 4.0), beeps=(1.0, 4.5, 5.5))
    media.rewrite(tmp_path / "out.mp4", source, start=start)
    expected = [beep - start for beep in (1.0, 4.5, 5.5) if beep >= start]
    assert beeps_of(tmp_path / "out.mp4") == pytest.approx(expected, abs=0.04)
    with av.open(str(tmp_path / "out.mp4")) as container:
        first = [frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128]
    flashes = [t for i, t in enumerate(first) if i == 0 or t - first[i - 1] > 0.3]
    assert flashes == pytest.approx(expected, abs=0.03)
