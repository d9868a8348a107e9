"""The sound of a written clip: that of the clip it was made from, copied or encoded anew."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer

from fer_core.errors import MediaError
from fer_core.video.container import OpenClip, open_container, open_file
from fer_core.video.limits import Limits

__all__ = ["SoundTrack"]

AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
SOUND_BLOCK = 1024

TOLERATED = 0.1
"""Seconds by which stamps of sound may differ from the count of its samples; more is a gap or an overlap."""


class SoundTrack:
    """The sound of a clip, handed out as the pictures advance; where it is damaged, it ends or has a gap."""

    def __init__(self, path: str | os.PathLike[str], origin: float, start: float, end: float | None) -> None:
        self._file = open_file(path, Limits())
        try:
            self._container = open_container(self._file, Limits())
            self._source = next(track for track in self._container.streams.audio if track.codec_context is not None)
        except BaseException:
            self._file.close()
            raise
        # AVI has no stamps of sound: FFmpeg makes them from bytes.
        self._counts_only = self._container.format.name == "avi"
        self._zero = origin + start
        self._end = math.inf if end is None else end - start
        self._pieces: Iterator[tuple[float, av.Packet[Any]]] = iter(())
        self._next: tuple[float, av.Packet[Any]] | None = None

    @classmethod
    def of(
        cls, path: str | os.PathLike[str], out: OutputContainer, start: float, end: float | None
    ) -> SoundTrack | None:
        """Return the sound of `path` with a track for it in `out`; None where there is no sound that can be decoded."""
        try:
            with OpenClip(path, Limits()) as clip:
                if clip.container is None or not clip.container.streams.audio:
                    return None
                first = next(clip.frames(), None)
                origin = (clip.stamp(first) if first is not None else None) or 0.0
            sound = cls(path, origin, start, end)
        except (MediaError, StopIteration, av.FFmpegError, OSError):
            return None
        if not sound._prove():
            sound.close()
            return None
        sound._add_track(out)
        return sound

    def _prove(self) -> bool:
        """Decode something, then go to where the sound is wanted from."""
        try:
            found = any(self._decode(packet) for packet in self._container.demux(self._source))
            before = math.floor((self._zero - 0.5) * av.time_base)
            self._container.seek(max(before, self._container.start_time or 0))
        except (av.FFmpegError, OSError):
            return False
        return found

    @staticmethod
    def _decode(packet: av.Packet[Any]) -> list[av.AudioFrame]:
        try:
            return packet.decode()  # type: ignore[return-value]
        except (av.FFmpegError, ValueError):
            return []

    def _add_track(self, out: OutputContainer) -> None:
        decoder = self._source.codec_context
        if decoder.codec.canonical_name == "aac":
            self._track: AudioStream = out.add_stream_from_template(self._source)
            self._pieces = self._copied()
            return
        rate = decoder.sample_rate if decoder.sample_rate in AAC_RATES else 48000
        self._track = out.add_stream("aac", rate=rate)
        self._track.layout = "mono" if decoder.channels == 1 else "stereo"
        self._pieces = self._encoded(self._track, rate)

    def until(self, seconds: float) -> Iterator[av.Packet[Any]]:
        """Return the packets up to a time of the output, each once."""
        while True:
            if self._next is None:
                try:
                    self._next = next(self._pieces, None)
                except (av.FFmpegError, OSError, ValueError):
                    self._pieces = iter(())
            if self._next is None or self._next[0] >= min(seconds, self._end):
                return
            packet, self._next = self._next[1], None
            yield packet

    def _copied(self) -> Iterator[tuple[float, av.Packet[Any]]]:
        unit = self._source.time_base or Fraction(1, av.time_base)
        zero, last = round(self._zero / unit), -1
        for packet in self._container.demux(self._source):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or stamp is None or stamp - zero <= last:
                continue
            last = packet.pts = packet.dts = stamp - zero
            packet.stream = self._track
            yield float(last * unit), packet

    def _encoded(self, track: AudioStream, rate: int) -> Iterator[tuple[float, av.Packet[Any]]]:
        resampler = av.AudioResampler(format="fltp", layout=track.layout, rate=rate, frame_size=SOUND_BLOCK)
        position: int | None = None  # of the next sample that goes into the resampler, counted from the output's start
        written = 0  # position of the next sample that comes out of it
        for packet in self._container.demux(self._source):
            for frame in self._decode(packet) if packet.size else []:
                stamp = None if frame.time is None else round((frame.time - self._zero) * rate)
                pieces = [frame]
                if position is None:
                    position = written = min(stamp or 0, 0)
                if stamp is not None and (pieces := self._in_place(frame, stamp - position, rate)) == []:
                    continue
                for piece in pieces:
                    # Small steps are counted: the stamps of AVI with MP3 are too coarse to be written.
                    position += round(piece.samples * rate / piece.sample_rate)
                    piece.pts = None
                    for block in resampler.resample(piece):
                        block.pts, block.time_base = written, Fraction(1, rate)
                        written += block.samples
                        if block.pts >= 0:
                            for made in track.encode(block):
                                yield (made.pts or 0) / rate, made
        for made in track.encode(None):
            yield (made.pts or 0) / rate, made

    def _in_place(self, frame: av.AudioFrame, late: int, rate: int) -> list[av.AudioFrame]:
        """The frame at its stamp: silence before it fills a gap, and one that overlaps what is there is left out.

        Args:
            frame: decoded sound.
            late: samples of the output by which its stamp lies behind the end of what is there.
            rate: samples of the output in a second.
        """
        if self._counts_only or abs(late) < TOLERATED * rate:
            return [frame]
        if late < 0:
            return []
        missing = round(late / rate * frame.sample_rate)
        return [*_silence(frame, missing), frame]

    def close(self) -> None:
        """Let go of the file."""
        self._pieces = iter(())
        self._container.close()
        self._file.close()


def _silence(like: av.AudioFrame, samples: int) -> Iterator[av.AudioFrame]:
    """So many samples of silence, in the form of a frame."""
    while samples > 0:
        count = min(samples, like.sample_rate)
        shape = (len(like.layout.channels), count) if like.format.is_planar else (1, len(like.layout.channels) * count)
        kind = like.to_ndarray().dtype
        middle = 128 if kind == np.uint8 else 0
        made = av.AudioFrame.from_ndarray(
            np.full(shape, middle, kind), format=like.format.name, layout=like.layout.name
        )
        made.sample_rate = like.sample_rate
        yield made
        samples -= count
