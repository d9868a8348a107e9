"""A clip in segments: cut at key frames, recognised one beside the other, and put together as if read in one go.

Two segments fit where both decode the frame between them to the same picture, of the same number and time. Where they
do not (some encoders mark frames as key frames that are none) the clip is read on in one go from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from fer_core.analysis.pipeline import AnalysisOptions, make_tracker
from fer_core.studies.readings import Reading, Seam, read_chunk, stored_chunks
from fer_core.types import FrameResult
from fer_core.utils.files import read_object, write_atomic
from fer_core.video.limits import Limits
from fer_core.video.reader import ClipInfo
from fer_core.video.timestamps import Timeline

__all__ = ["LONG", "Plan", "bad_seam", "follow_readings", "plan_segments", "segment_key_frames"]

LONG = 60.0
"""Seconds from which on a clip is cut."""
SEGMENT = 20.0
"""Least seconds of a segment: opening the file and finding the place take some tenths of a second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a clip is cut.

    Attributes:
        settings: key of the settings; readings of others do not count.
        width: of the clip's upright pictures, in pixels.
        is_image: whether it is a single picture.
        starts: number and time of the first frame of each segment after the first.
    """

    settings: str
    width: int
    is_image: bool = False
    starts: tuple[tuple[int, float], ...] = ()

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.starts) + 1

    def save(self, folder: Path) -> None:
        """Write it into the folder of the clip in hand."""
        write_atomic(folder / "plan.json", json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> Plan | None:
        """Read it; None where there is none that can be read."""
        try:
            found = read_object(folder / "plan.json")
            starts = tuple((int(n), float(s)) for n, s in found["starts"])
            return cls(str(found["settings"]), int(found["width"]), bool(found["is_image"]), starts)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def segment_key_frames(source: Path, limits: Limits | None = None, least: float = SEGMENT) -> list[tuple[int, float]]:
    """Choose the key frames at which a clip is cut: number and time of each, none where it cannot be cut.

    Args:
        source: the clip.
        limits: what is refused.
        least: seconds that a segment has at least.
    """
    timeline = Timeline(source, limits or Limits())
    keys = timeline.keys()
    starts: list[tuple[int, float]] = []
    last = 0.0
    for key in keys:
        seconds = key.seconds - timeline.origin
        rest = (timeline.seconds or seconds) - seconds
        if seconds - last >= least and rest >= least / 2:
            starts.append((key.index, seconds))
            last = seconds
    return starts


def plan_segments(source: Path, settings: str, info: ClipInfo, limits: Limits | None = None) -> Plan:
    """Plan a clip: in segments where it is long and can be cut.

    Args:
        source: the clip.
        settings: key of the settings.
        info: its facts.
        limits: what is refused.
    """
    long = info.seconds is not None and info.seconds >= LONG
    starts = tuple(segment_key_frames(source, limits)) if long else ()
    return Plan(settings, info.width, info.is_image, starts)


def bad_seam(folder: Path, plan: Plan) -> int | None:
    """Return the number of the first segment that does not fit to the one before it; None where all fit."""
    before: Seam | None = None
    for segment in range(plan.segments):
        chunks = [read_chunk(path)[1] for *_, path in stored_chunks(folder, segment)[-1:]]
        if not chunks or not chunks[0].whole:
            return segment
        if segment and (before is None or chunks[0].first != before):
            return segment
        before = chunks[0].last
    return None


def follow_readings(
    folder: Path, labels: tuple[str, ...], options: AnalysisOptions
) -> Iterator[tuple[Reading, FrameResult]]:
    """Follow the faces through the readings of a clip in hand: the same results as of reading it in one go.

    Args:
        folder: of the clip in hand.
        labels: names of the expressions.
        options: which frames are analysed, and how.

    Yields:
        Each analysed frame in order of time, up to the first gap.
    """
    tracker = make_tracker(labels, options)
    expected = 0
    for segment, _, _, path in stored_chunks(folder):
        if segment > expected:
            return
        readings, chunk = read_chunk(path)
        for reading in readings:
            yield reading, tracker.follow(reading.index, reading.seconds, reading.faces, reading.features)
        expected = segment + 1 if chunk.whole else segment
