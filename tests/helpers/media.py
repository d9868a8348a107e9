"""Small clips for tests, made on the spot. `pattern` draws what `number_in` can read back."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from fer_core.video.reader import FrameReader, probe
from fer_core.video.writer import ClipWriter

WIDTH, HEIGHT, FRAMES = 96, 64, 12
BITS = 6
UNIT = Fraction(1, 1000)
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "500000"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "500000"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "mpeg4": {"qscale": "2", "b": "2000000"},
    "mpeg2video": {"b": "2000000"},
    "mpeg1video": {"b": "2000000"},
}
"""What makes each encoder quick and its pictures clean enough to be read back."""

UNEVEN = [0.0, 0.04, 0.08, 0.3, 0.34, 0.9, 1.7, 1.71, 1.75, 2.5, 2.6, 4.0]
"""Times of `FRAMES` frames."""

B_FRAMES = {"preset": "veryfast", "bf": "3", "b_strategy": "0", "g": "12", "sc_threshold": "0"}
"""libx264 with frames stored in another order than they are shown in, and a key frame every 12."""


def pattern(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """BGR: `number` as white and black bars above, most significant first; below red on the left and blue right."""
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        if number >> (BITS - 1 - bit) & 1:
            image[: height // 2, bit * width // BITS : (bit + 1) * width // BITS] = 255
    image[height // 2 :, : width // 2, 2] = 220
    image[height // 2 :, width // 2 :, 0] = 220
    return image


def number_in(image: np.ndarray) -> int:
    """The number that `pattern` drew."""
    height, width = image.shape[:2]
    bars = [image[height // 4, (2 * bit + 1) * width // (2 * BITS)].mean() > 128 for bit in range(BITS)]
    return int("".join(str(int(bar)) for bar in bars), 2)


def is_upright(image: np.ndarray) -> bool:
    """Whether red is below on the left and blue below on the right, as `pattern` drew them."""
    height, width = image.shape[:2]
    left, right = image[height * 3 // 4, width // 4].astype(int), image[height * 3 // 4, width * 3 // 4].astype(int)
    return bool(left[2] > left[0] + 80 and right[0] > right[2] + 80)


def patterns(count: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    return [pattern(number, width, height) for number in range(count)]


def make_clip(
    path: Path,
    images: Iterable[np.ndarray] | None = None,
    *,
    frame_rate: float = 25,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sound: str | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    sound_seconds: float | None = None,
    beep: float = 0.0,
    last_seconds: float | None = None,
) -> Path:
    """Write `images` (BGR; `patterns()` by default) as a clip; the suffix of `path` chooses the container.

    Args:
        times: presentation time of each image in seconds; by default even at `frame_rate`.
        sound: audio codec; the sound is silent, then a tone from `beep` seconds on.
        rotation: degrees counter-clockwise that a player must turn the stored picture; `images` are given upright.
        aspect: width of a stored pixel by its height.
        last_seconds: how long the last picture stays, where the container can say so; libx264 without B-frames only.
    """
    shown = list(patterns() if images is None else images)
    stored = [cv2.rotate(image, TURNS[rotation]) for image in shown] if rotation else shown
    length = (times[-1] if times else len(shown) / frame_rate) if sound_seconds is None else sound_seconds
    formats = {".mpg": "mpeg", ".ts": "mpegts", ".mkv": "matroska"}
    with av.open(str(path), "w", format=formats.get(path.suffix), container_options=container_options or {}) as out:
        video = out.add_stream(codec, rate=Fraction(frame_rate).limit_denominator(1001))
        video.height, video.width = stored[0].shape[:2]
        video.pix_fmt = pixel_format
        video.options = OPTIONS.get(codec, {}) if options is None else options
        if times is not None:
            video.codec_context.time_base = UNIT
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        if sound:
            audio = out.add_stream(sound, rate=44100 if sound != "libopus" else 48000)
            audio.layout = "mono"
        pts = -1
        for number, image in enumerate(stored):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            if times is None:
                frame.pts = number
                frame.time_base = 1 / Fraction(frame_rate).limit_denominator(1001)
            else:
                pts = max(pts + 1, round(times[number] / UNIT))
                frame.pts, frame.time_base = pts, UNIT
            out.mux(video.encode(frame))
        packets = video.encode(None)
        if last_seconds is not None:
            packets[-1].duration = round(last_seconds / packets[-1].time_base)
        out.mux(packets)
        if sound:
            _add_tone(out, audio, length, beep)
    return path


def _add_tone(out: av.container.OutputContainer, audio: av.AudioStream, length: float, beep: float) -> None:
    rate = audio.codec_context.sample_rate
    at = np.arange(int(length * rate)) / rate
    wave = (np.sin(2 * np.pi * 1000 * at) * 12000 * (at >= beep)).astype(np.int16)
    resampler = av.AudioResampler(format=audio.format, layout="mono", rate=rate, frame_size=audio.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    for block in [*resampler.resample(frame), *resampler.resample(None)]:
        out.mux(audio.encode(block))
    out.mux(audio.encode(None))


def make_sound(path: Path, codec: str = "aac", seconds: float = 0.5) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as out:
        audio = out.add_stream(codec, rate=44100)
        audio.layout = "mono"
        _add_tone(out, audio, seconds, 0.0)
    return path


def make_song_with_cover(path: Path) -> Path:
    """An MP3 with a picture of its cover (an ID3v2.3 APIC frame)."""
    cover = cv2.imencode(".jpg", pattern(1))[1].tobytes()
    body = b"\0image/jpeg\0\x03\0" + cover
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = len(frame)
    synchsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    make_sound(path, "libmp3lame")
    path.write_bytes(b"ID3\x03\0\0" + synchsafe + frame + path.read_bytes())
    return path


def make_picture(path: Path, image: np.ndarray | None = None, orientation: int | None = None) -> Path:
    """A still picture; the suffix chooses the kind. `orientation` is the EXIF value to put into a JPEG."""
    data = cv2.imencode(path.suffix, pattern(5) if image is None else image)[1].tobytes()
    if orientation is not None:
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    path.write_bytes(data)
    return path


def make_joined_clip(path: Path) -> Path:
    """Two recordings joined, so that the times start anew in the middle."""
    one = make_clip(path.with_suffix(".1.ts"), patterns(60)).read_bytes()
    path.write_bytes(one + one)
    return path


def make_turned(path: Path, matrix: tuple[int, int, int, int], image: np.ndarray) -> Path:
    """A MOV without loss whose display matrix says x' = a x + c y, y' = b x + d y; its header calls it (a, b, c, d)."""

    def entry(a: int, b: int, c: int, d: int) -> bytes:
        return struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)

    data = make_clip(path, [image] * 2, codec="png", pixel_format="rgb24").read_bytes()
    at = data.index(entry(1, 0, 0, 1), data.index(b"tkhd"))
    path.write_bytes(data[:at] + entry(*matrix) + data[at + 36 :])
    return path


def make_trimmed(path: Path, first: int, count: int = 60) -> Path:
    """An MP4 of `count` frames, key frames every 12, whose edit list shows only those from number `first` on."""
    data = bytearray(make_clip(path, patterns(count), options=B_FRAMES).read_bytes())
    with av.open(str(path)) as container:
        step = int(1 / (25 * container.streams.video[0].time_base))
    at = data.index(b"elst") + 12
    length, begin = struct.unpack(">II", data[at : at + 8])
    data[at : at + 8] = struct.pack(">II", length * (count - first) // count, begin + first * step)
    path.write_bytes(data)
    return path


def read(path: Path, **kwargs: float | None) -> list[tuple[int, float, int]]:
    """(index, seconds, number drawn) of every frame."""
    with FrameReader(path, **kwargs) as reader:
        return [(frame.index, frame.seconds, number_in(frame.image())) for frame in reader]


def rewrite(out: Path, source: Path, **kwargs: float | None) -> None:
    """Write the part of `source` that `kwargs` (start, end) name, with its sound."""
    info = probe(source)
    with (
        FrameReader(source, **kwargs) as reader,
        ClipWriter(
            out, width=info.width, height=info.height, frame_rate=info.frame_rate, sound_from=source, **kwargs
        ) as writer,
    ):
        for frame in reader:
            writer.write(frame.image(), frame.seconds)
