"""Files that hold clips, opened and checked (`OpenClip`): whole containers of frames, or one still picture."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from fer_core.errors import LimitError, MediaError
from fer_core.utils.boundary import MEMORY
from fer_core.video.completeness import FileState, breaks_off
from fer_core.video.images import Still, is_animated, picture_header, read_still
from fer_core.video.limits import Limits, check_pixels, check_seconds, decoder_pixels, megabytes

__all__ = ["OpenClip", "open_container", "open_file"]

# Titles that are no UTF-8 must not keep a clip from being read; from PyAV 19 on they never do.
_METADATA: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

# Only formats that hold their own pictures: playlists (hls, concat, dash) and image sequences would open further files.
# The sound formats are here so that a song is called a song and not "no video".
FORMATS = (
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,gif,ogg,ivf,mxf,dv,h264,hevc,m4v,obu,"
    "mp3,wav,flac,aac,aiff,amr,caf"
)

UNTIMED = ("mpeg", "mpegvideo", "h264", "hevc", "m4v", "obu", "dv")
"""Formats without a length in the header: FFmpeg guesses it, and for an MPEG of 0.5 s it guesses 0.04 s."""

SIZED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "gif")
"""Formats that give the picture's size themselves: without one, FFmpeg found it too large or nonsensical."""

MAX_READ_ERRORS = 20


class OpenClip:
    """An opened and checked file: a container with a picture track, or one still picture.

    Attributes:
        needed: time stamps of the frames that somebody needs; None for all. Of the others those are not decoded that
            no further frame is predicted from, so the needed ones come out as they always do.
    """

    def __init__(self, path: str | os.PathLike[str], limits: Limits, pixel_aspect: float | None = None) -> None:
        self.path, self.limits, self._pixel_aspect = path, limits, pixel_aspect
        self.needed: frozenset[int] | None = None
        self._open()

    def _open(self) -> None:
        self.damaged = 0
        self.codec = ""
        self.container: InputContainer | None = None
        self.stream: VideoStream | None = None
        self._still: Still | None = None
        self._file = open_file(self.path, self.limits)
        self.state = FileState.of_open(self._file)
        try:
            kind, size = picture_header(self._file)
            if kind == "gif" and size is not None:
                check_pixels(*size, self.limits)
            if not kind or (kind == "gif" and is_animated(self._file)):
                self._open_track()
            else:
                self.codec, self._still = kind, read_still(self._file, self.limits)
        except BaseException:
            self.close()
            raise

    def reopen(self) -> None:
        """Begin anew."""
        self.close()
        self._open()

    def __enter__(self) -> OpenClip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self.container is not None:
            self.container.close()
        self._file.close()

    def _open_track(self) -> None:
        limits = self.limits
        container = self.container = open_container(self._file, limits)
        tracks = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
        if not tracks:
            if container.streams.audio:
                raise MediaError("This file has sound but no moving picture. Choose a video file.")
            raise MediaError("This file has no moving picture in it. Choose a video file.")
        stream = next((track for track in tracks if track.codec_context is not None), None)
        if stream is None:
            raise MediaError(
                "The pictures in this file are compressed in a way that cannot be read here. "
                "Export it as MP4 (H.264) and try again."
            )
        self.stream, self.codec = stream, stream.codec_context.codec.canonical_name
        check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
        if not stream.codec_context.width and not stream.codec_context.height and container.format.name in SIZED:
            raise LimitError(
                f"The picture is empty or has more than the {limits.max_pixels:,} pixels that are allowed. "
                "Make it smaller and try again."
            )
        check_seconds(self.declared_seconds, limits)
        # The header may lie, and the size may grow later on: the decoder itself refuses too.
        stream.codec_context.options = {"max_pixels": str(decoder_pixels(limits))}
        stream.thread_type = "AUTO"

    @property
    def declared_seconds(self) -> float | None:
        """The length that the header gives."""
        if self.container is not None and self.container.format.name in UNTIMED:
            return None
        if self.stream is not None and self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        if self.container is not None and self.container.duration:
            return self.container.duration / av.time_base
        return None

    @property
    def changed(self) -> bool:
        """Whether the file was written to, replaced or removed since it was opened."""
        return FileState.of_path(self.path) != self.state

    @property
    def breaks_off(self) -> bool:
        """Whether the file has fewer bytes than its container names."""
        return self.container is not None and breaks_off(self._file)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how this file is read."""
        if self._still is not None:
            (width, height), (rows, columns) = self._still.stored, self._still.image.shape[:2]
            if not self._still.shrunk:
                return ()
            return (
                f"The picture of {width} x {height} pixels was read at {columns} x {rows}; boxes are in these pixels.",
            )
        if self.container is None:
            return ()
        pictures = [t for t in self.container.streams.video if not t.disposition & Disposition.attached_pic]
        counts = ((len(pictures), "picture", "read"), (len(self.container.streams.audio), "sound", "used"))
        return tuple(f"This file has {n} {kind} tracks; the first is {verb}." for n, kind, verb in counts if n > 1)

    @property
    def shown_until(self) -> float | None:
        """Seconds for which a player shows the clip, its last picture held while the sound goes on; None if unknown."""
        if self.container is None or not self.container.duration or self.container.format.name not in SIZED[:2]:
            return None
        return self.container.duration / av.time_base

    @property
    def aspect(self) -> float:
        """Width of a pixel by its height (DV, DVD and some old phones: not 1); 1 where the file gives nonsense."""
        if self._pixel_aspect is not None:
            return self._pixel_aspect
        aspect = float((self.stream.sample_aspect_ratio if self.stream is not None else None) or 1)
        # Rounding leaves some clips with pixels that are not quite square: not worth scaling every picture.
        return aspect if 0.25 <= aspect <= 4 and abs(aspect - 1) > 0.01 else 1.0

    @property
    def has_decoding_times_only(self) -> bool:
        """AVI: FFmpeg makes the times of showing up, and where frames are reordered (B-frames) they come out wrong."""
        return self.container is not None and self.container.format.name == "avi"

    def stamp(self, picture: av.VideoFrame) -> float | None:
        """Return the time of a decoded frame in the file's own seconds."""
        first, second = (picture.dts, picture.pts) if self.has_decoding_times_only else (picture.pts, picture.dts)
        stamp = first if first is not None else second
        # `picture.time` is wrong for the last frames: PyAV loses their time base when the decoder is emptied.
        unit = self.stream.time_base if self.stream is not None else None
        return None if stamp is None or unit is None else float(stamp * unit)

    def stay(self, picture: av.VideoFrame, usual: float) -> float:
        """Return the seconds for which a picture is shown; `usual` where the file does not say."""
        unit = self.stream.time_base if self.stream is not None else None
        seconds = float(picture.duration * unit) if unit is not None and picture.duration else 0.0
        return seconds if seconds >= usual / 2 else usual

    def packets(self) -> Iterator[av.Packet[Any]]:
        """Return the undecoded frames, up to the end or to where the file breaks off."""
        if self.container is None or self.stream is None:
            return
        errors = 0
        while errors < MAX_READ_ERRORS:
            try:
                for packet in self.container.demux(self.stream):
                    if packet.size:
                        errors = 0
                        yield packet
                return
            except (av.FFmpegError, OSError):
                self.damaged += errors == 0
                errors += 1

    def frames(self) -> Iterator[av.VideoFrame]:
        """Return the frames that can be decoded."""
        if self._still is not None:
            return iter([av.VideoFrame.from_ndarray(self._still.image, format="bgr24")])
        return self.decoded(self.packets())

    def decoded(self, packets: Iterator[av.Packet[Any]]) -> Iterator[av.VideoFrame]:
        """Return the frames that can be decoded from packets."""
        for packet in packets:
            yield from self._decode(packet)
        yield from self._decode(None)

    def _decode(self, packet: av.Packet[Any] | None) -> list[av.VideoFrame]:
        assert self.stream is not None
        decoder = self.stream.codec_context
        if self.needed is not None:
            decoder.skip_frame = "DEFAULT" if packet is None or packet.pts in self.needed else "NONREF"
        try:
            pictures = decoder.decode(packet)
        except av.error.EOFError:
            decoder.flush_buffers()
            return []
        except (av.FFmpegError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENOMEM:
                raise MediaError(MEMORY) from error
            check_pixels(decoder.width, decoder.height, self.limits)
            self.damaged += 1
            return []
        for picture in pictures:
            check_pixels(round(picture.width * max(1.0, self.aspect)), picture.height, self.limits)
        return pictures


def open_file(path: str | os.PathLike[str], limits: Limits) -> BinaryIO:
    """Return the file, opened for reading and known to be a file of an allowed size."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise MediaError("This is not a file but a folder or a device. Choose a video file.")
        file = open(path, "rb")  # noqa: SIM115 - whoever asked closes it
    except FileNotFoundError as error:
        raise MediaError("The file was not found; it may have been moved or removed. Choose it again.") from error
    except (OSError, ValueError) as error:
        raise MediaError("The file could not be opened. Check that you are allowed to read it.") from error
    problem: MediaError | None = None
    if facts.st_size == 0:
        problem = MediaError("The file is empty (0 bytes); copying it may have been interrupted. Copy it again.")
    elif limits.max_bytes is not None and facts.st_size > limits.max_bytes:
        problem = LimitError(
            f"The file has {megabytes(facts.st_size)}; at most {megabytes(limits.max_bytes)} are allowed. "
            "Choose a shorter or smaller clip."
        )
    if problem is not None:
        file.close()
        raise problem
    return file


def open_container(file: BinaryIO, limits: Limits) -> InputContainer:
    """Return the container in an open file.

    FFmpeg gets the open file and never its name: in names it would find protocols (`concat:`) and patterns (`%03d`).
    """
    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(decoder_pixels(limits)),  # opening may decode a frame to learn what it is
    }
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    try:
        found: InputContainer = av.open(file, "r", options=options, **_METADATA)
        return found
    except (av.FFmpegError, OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENOMEM:
            raise MediaError(MEMORY) from error
        if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide", b"free"):
            raise MediaError(
                "This video is incomplete: the part that says where its pictures are is missing or damaged. "
                "Record, copy or export it again."
            ) from error
        raise MediaError(
            "This file could not be read as a video, whatever its name says. "
            "Choose a video such as MP4, MOV, WebM, MKV or AVI, or a picture such as JPEG or PNG."
        ) from error
