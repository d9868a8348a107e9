"""Clips in: what is in the file (`probe`) and its frames one by one (`FrameReader`).

Nothing in a file is trusted: neither its name, nor its header, nor that it ends where it should. Decoding runs in the
caller's thread: FFmpeg's own threads decode ahead already. With a further Python thread, seven of eight cases were
between 5 % faster and 10 % slower (single runs).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

import av

from fer_core.errors import MediaError, OptionError
from fer_core.utils.boundary import media_boundary
from fer_core.video.completeness import BrokenOff
from fer_core.video.container import OpenClip
from fer_core.video.frame import Frame, Turn, orientation, shown_size
from fer_core.video.frame_numbers import FrameNumbers
from fer_core.video.limits import TOLERANCE, Limits, check_seconds
from fer_core.video.timestamps import Clock, Key, Timeline, frames_from
from fer_core.video.tone_mapping import HDR

__all__ = ["ClipInfo", "FrameReader", "probe"]

SCAN_BYTES = 200_000_000
"""Files above this are not read through merely to learn how long they are."""

SKIPPING = ("h264", "hevc")
"""Codecs whose decoders leave out single frames that no other is predicted from."""
DOUBTFUL_RATE = 120.0
"""Frames a second above which the stamps are read: 1000 is said of whatever is stamped in milliseconds."""

HIGHEST_RATE = 480
"""Frames per second beyond which a file's own figure is not believed: a broken time base can give thousands."""

EARLIEST_YEAR = 1990
"""Cameras whose clock is not set write 1904 or 1970."""

_NO_PICTURE = (
    "No picture in this file could be decoded, so it is damaged or incomplete. Record, copy or export it again."
)


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip is.

    Attributes:
        width: pixels of the upright picture, as shown: pixels that are not square are made square.
        height: pixels of the upright picture.
        seconds: length; None for a picture, and where it cannot be known without decoding.
        frames: number of frames, known or estimated; 1 for a picture.
        frame_rate: mean frames per second; None where the file does not say, or says what no camera does.
        codec: for example `h264`.
        has_sound: whether there is a sound track that can be read.
        is_image: whether it is a single picture.
        notes: what a person should know of how it is read, in sentences.
        recorded_at: when it was taken, with its time zone; None where the file does not say.
    """

    width: int
    height: int
    seconds: float | None
    frames: int | None
    frame_rate: float | None
    codec: str
    has_sound: bool
    is_image: bool
    notes: tuple[str, ...] = ()
    recorded_at: datetime | None = None


def probe(path: str | os.PathLike[str], limits: Limits | None = None, *, pixel_aspect: float | None = None) -> ClipInfo:
    """Return what is in the file; its first frame is decoded to prove that it can be.

    Of animated PNG and WebP only the first picture is used; animated GIF is a clip.

    Raises:
        LimitError: the file, picture or length is beyond `limits`.
        MediaError: the file is missing, empty, damaged, of another kind, without pictures, or cannot be decoded.

    Example:
        >>> from fer_core import sample_clip
        >>> probe(sample_clip()).width
        640
    """
    limits = limits or Limits()
    with media_boundary(), OpenClip(path, limits, pixel_aspect) as clip:
        picture = next(clip.frames(), None)
        if picture is None:
            raise MediaError(_NO_PICTURE)
        width, height = shown_size(picture, clip.aspect)
        if clip.stream is None or clip.container is None:
            return ClipInfo(width, height, None, 1, None, clip.codec, False, True, clip.notes)
        rate = clip.stream.average_rate or clip.stream.guessed_rate
        frame_rate = float(rate) if rate and rate <= HIGHEST_RATE else None
        notes = clip.notes
        if picture.color_trc in HDR:
            notes += (
                f"The clip has a high dynamic range ({HDR[picture.color_trc]}); its pictures are brought to the range "
                "of ordinary screens, for the analysis and in what is written.",
            )
        seconds, frames = clip.declared_seconds, clip.stream.frames or None
        has_sound = any(sound.codec_context is not None for sound in clip.container.streams.audio)
        recorded_at = _recorded_at({**clip.stream.metadata, **clip.container.metadata})
    doubtful = frame_rate is None or frame_rate > DOUBTFUL_RATE
    if (seconds is None or doubtful) and os.path.getsize(path) <= SCAN_BYTES:
        timeline = Timeline(path, limits)
        seconds, frames = timeline.seconds or seconds, timeline.frames or frames
        frame_rate = timeline.frame_rate or frame_rate if doubtful else frame_rate
        frame_rate = None if frame_rate is not None and frame_rate > HIGHEST_RATE else frame_rate
        check_seconds(seconds, limits)
    if frames is None and seconds is not None and frame_rate is not None:
        frames = max(1, round(seconds * frame_rate))
    return ClipInfo(width, height, seconds, frames, frame_rate, clip.codec, has_sound, False, notes, recorded_at)


def _recorded_at(metadata: Mapping[str, str]) -> datetime | None:
    """Return when a clip was taken, by what its container says; years before video was digital are a clock unset."""
    # Apple writes the local time with its zone beside the time of writing.
    for name in ("com.apple.quicktime.creationdate", "creation_time", "date"):
        try:
            found = datetime.fromisoformat(metadata.get(name, ""))
        except ValueError:
            continue
        if found.tzinfo is not None and found.year >= EARLIEST_YEAR:
            return found
    return None


class FrameReader:
    """The frames of a clip with `start <= seconds < end`, in the order in which they are shown.

    Memory stays constant however long the clip is. A frame that will not decode is left out and counted in `damaged`;
    a file that breaks off gives what it has.

    Args:
        path: the file.
        limits: what is allowed; by default `Limits()`.
        start: seconds from the clip's first frame.
        end: seconds from the clip's first frame; None for all of it.
        selected: says which frames are needed, see `FrameSelector`; others may then be left out, where that saves
            decoding them. None for all.
        pixel_aspect: width of a stored pixel by its height; None for what the file says.

    Raises:
        LimitError, MediaError: see `probe`.
        OptionError: `start` and `end` do not fit the clip.

    Example:
        >>> from fer_core import sample_clip
        >>> with FrameReader(sample_clip(), end=0.1) as reader:
        ...     next(reader).image().shape
        (360, 640, 3)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: Limits | None = None,
        *,
        start: float = 0.0,
        end: float | None = None,
        selected: Callable[[int, float], bool] | None = None,
        pixel_aspect: float | None = None,
    ) -> None:
        if not start >= 0:
            raise OptionError(f"The start must be 0 seconds or later; received {start:g}.")
        if end is not None and not end > start:
            raise OptionError(f"The end ({end:g} s) must lie after the start ({start:g} s).")
        limits = limits or Limits()
        self.info = probe(path, limits, pixel_aspect=pixel_aspect)
        with media_boundary():
            self._clip = OpenClip(path, limits, pixel_aspect)
        self._progress = _Progress()
        # Not a method: a generator that held the reader would keep it, and the file, from being let go.
        self._frames = _read(self._clip, self.info, start, end, selected, self._progress)

    @property
    def damaged(self) -> int:
        """Number of frames so far that could not be decoded."""
        return self._clip.damaged

    @property
    def broken_off(self) -> BrokenOff | None:
        """How far the file goes, where it was read to its end and that came too early."""
        return self._progress.broken_off

    @property
    def changed(self) -> bool:
        """Whether the file was written to, replaced or removed since it was opened."""
        return self._clip.changed

    @property
    def numbers_shifted(self) -> bool:
        """Whether frames were lost whose place is unknown, so that the numbers of later ones may be too low."""
        return self._progress.shifted

    @property
    def seconds_read(self) -> float:
        """Seconds up to which the frames given so far are shown: the time of the last one and how long it stays."""
        return self._progress.until

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_frames"):
            self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with media_boundary():
            return next(self._frames)

    def close(self) -> None:
        """Let go of the file; further iteration gives no more frames."""
        self._frames.close()
        self._clip.close()


class _Progress:
    """How far a file was read: what the generator of frames tells the reader that holds it."""

    def __init__(self) -> None:
        self.until = 0.0
        self.broken_off: BrokenOff | None = None
        self.shifted = False


def _first_pictures(
    clip: OpenClip, start: float, timeline: Timeline | None
) -> tuple[Iterator[av.VideoFrame], Key | None, float | None]:
    """Pictures from the key frame before `start` on, that key frame, and the time of the clip's first frame."""
    if start > 0 and timeline is not None:
        key = timeline.key_before(start)
        if key is not None:
            pictures = frames_from(clip, key)
            if pictures is not None:
                return pictures, key, timeline.origin
            clip.reopen()
    return clip.frames(), None, None


def _read(
    clip: OpenClip,
    info: ClipInfo,
    start: float,
    end: float | None,
    selected: Callable[[int, float], bool] | None,
    progress: _Progress,
) -> Generator[Frame, None, None]:
    step = 1 / (info.frame_rate or 25.0)
    skips = selected is not None and clip.codec in SKIPPING and os.path.getsize(clip.path) <= SCAN_BYTES
    timeline = Timeline(clip.path, clip.limits) if clip.stream is not None and (start > 0 or skips) else None
    if timeline is not None and selected is not None and skips and timeline.is_even:
        clip.needed = timeline.needed(selected, start, end, step)
    pictures, key, origin = _first_pictures(clip, start, timeline)
    known = timeline if clip.needed is not None else None
    clock, numbers = Clock(step, origin), FrameNumbers(clip, key.index if key else 0, step, known)
    reached = False
    turn: Turn | None = None  # of the first picture, and so of all
    for picture in pictures:
        stamp = clip.stamp(picture)
        if stamp is not None and key is not None and stamp < key.seconds - TOLERANCE:
            continue  # stored after the key frame but shown before it: what it was predicted from may have been skipped
        if turn is None and key is None and clip.damaged:
            clock = Clock(step, numbers.origin())
        turn = turn or orientation(picture)
        seconds = clock.read(stamp)
        check_seconds(seconds, clip.limits)
        index = numbers.of(picture, seconds)
        progress.shifted = numbers.shifted
        reached = reached or seconds >= start - TOLERANCE
        if end is not None and seconds >= end - TOLERANCE:
            break
        progress.until = seconds + clip.stay(picture, step)
        if reached:
            yield Frame(index, seconds, picture, clip.aspect, turn)
    else:
        if turn is not None and clip.breaks_off:
            progress.broken_off = BrokenOff(progress.until, clip.declared_seconds)
        elif (whole := clip.shown_until) is not None:
            progress.until = max(progress.until, whole)
    if turn is None:
        raise MediaError(_NO_PICTURE)
    if not reached:
        raise _start_too_late(start)


def _start_too_late(start: float) -> OptionError:
    return OptionError(f"The start ({start:g} s) lies after the end of the clip. Choose an earlier start.")
