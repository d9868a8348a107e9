"""From the readings of a clip to its result: tables, people, key moments, annotated clip."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from fer_core.analysis.episodes import episodes
from fer_core.analysis.key_moments import KeyMoment, KeyMoments
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.analysis.table import ResultTable
from fer_core.annotation.annotator import Annotator
from fer_core.errors import MediaError
from fer_core.faces.recognizer import reader_settings
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.readings import Reading, read_chunk, stored_chunks
from fer_core.studies.result import ClipFacts, StoredClip, carried_names, swap_in, write_result
from fer_core.studies.segments import Plan, follow_readings
from fer_core.studies.settings import StudySettings
from fer_core.tracking.reidentification import PersonGrouper
from fer_core.types import FrameResult
from fer_core.utils.platform import remove_folder
from fer_core.video.frame import Frame
from fer_core.video.limits import Limits
from fer_core.video.reader import ClipInfo, FrameReader, probe
from fer_core.video.writer import ClipWriter

__all__ = ["finish_clip"]

ANNOTATED_SIDE = 1280
NEAR = 10.0
"""Seconds between two wanted frames from which on seeking is quicker than decoding what lies between."""


class _PictureFinder(KeyMoments):
    """Key moments of readings; the few pictures that were not taken while reading are noted to be taken afterwards."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self._reading: Reading | None = None
        self.missing: dict[bytes, tuple[Reading, np.ndarray]] = {}

    def take(self, reading: Reading, result: FrameResult) -> None:
        """Take the next frame."""
        self._reading = reading
        self(cast(Frame, reading), result)  # the frame is asked for pictures alone, which are found here

    def take_picture(self, frame: Frame, box: np.ndarray) -> bytes:
        assert self._reading is not None
        row = int((self._reading.faces.boxes == box).all(1).argmax())
        if row in self._reading.pictures:
            return self._reading.pictures[row]
        token = b"missing %d %d" % (self._reading.index, row)
        self.missing[token] = (replace(self._reading, pictures={}), box)
        return token


def finish_clip(
    entry: ClipEntry,
    source: Path,
    work: Path,
    place: Path,
    plan: Plan,
    settings: StudySettings,
    limits: Limits,
) -> ClipFacts:
    """Make the result of a clip whose segments are read, and put it in its place as a whole.

    Args:
        entry: the clip.
        source: its file.
        work: folder of its readings.
        place: folder of its result; an older one there stays until the new one is whole.
        plan: how it was cut.
        settings: how it was analysed.
        limits: what is refused.

    Returns:
        What is written of it.

    Raises:
        MediaError: nothing could be decoded.
        OSError: the result cannot be written.
    """
    info = probe(source, limits)
    options, recognizer = settings.analysis_options(), settings.recognizer(picture=info.is_image)
    recorder = ResultTable(recognizer.labels)
    moments, grouper = _PictureFinder(plan.width), PersonGrouper(plan.width)
    frames = 0
    for reading, result in follow_readings(work, recognizer.labels, options):
        recorder.add(result)
        moments.take(reading, result)
        grouper.add(result, lambda reading=reading: reading.features.descriptors)  # type: ignore[misc]
        frames += 1
    if not frames:
        raise MediaError("No picture of this clip could be decoded. Save it again as MP4 (H.264) and try once more.")
    table = recorder.table()
    facts = ClipFacts(
        id=entry.id,
        name=entry.name,
        info=info,
        settings={**reader_settings(recognizer), **asdict(options)},
        settings_key=settings.key,
        frames=frames,
        damaged=sum(read_chunk(stored_chunks(work, s)[-1][3])[1].damaged for s in range(plan.segments)),
        faces=int((table["face_count"] > 0).sum()),
        people=int(table["track_id"].nunique()),
    )
    made = work / "result"
    remove_folder(made)
    found, portraits = _with_pictures(moments, source, limits)
    names = _names_before(place, table)
    tables = {"table.parquet": table, "episodes.parquet": episodes(table)}
    write_result(made, facts, tables, found, portraits, grouper.pairs(), names)
    _keep_preview(work, made, plan)
    if settings.annotate and not info.is_image:
        _annotate(source, made / "annotated.mp4", info, _results(work, recognizer.labels, options), settings, limits)
    swap_in(made, place)
    return facts


def _names_before(place: Path, table: pd.DataFrame) -> dict[int, str]:
    try:
        return carried_names(StoredClip(place), table)
    except StudyError:
        return {}  # there was no result, or none that can be read


def _keep_preview(work: Path, made: Path, plan: Plan) -> None:
    previews = [path for path in sorted(work.glob("preview-*.jpg")) if path.is_file()][: plan.segments]
    if previews:
        shutil.copyfile(previews[0], made / "preview.jpg")


def _with_pictures(moments: _PictureFinder, source: Path, limits: Limits) -> tuple[list[KeyMoment], dict[int, bytes]]:
    """Return moments and portraits, each with its picture; those that were not taken yet are taken now."""
    found = moments.found()
    portraits = {track: jpeg for track, (_, jpeg) in moments.portraits.items()}
    wanted = {m.jpeg for m in found} | set(portraits.values())
    missing = {token: asked for token, asked in moments.missing.items() if token in wanted}
    taken = dict(_take_pictures(missing, source, limits, moments))
    kept = [replace(m, jpeg=taken.get(m.jpeg, m.jpeg)) for m in found]
    return (
        [m for m in kept if m.jpeg not in missing],
        {track: taken.get(jpeg, jpeg) for track, jpeg in portraits.items() if taken.get(jpeg, jpeg) not in missing},
    )


def _take_pictures(
    missing: dict[bytes, tuple[Reading, np.ndarray]], source: Path, limits: Limits, moments: KeyMoments
) -> Iterator[tuple[bytes, bytes]]:
    asked = sorted(missing.items(), key=lambda item: item[1][0].index)
    while asked:
        with FrameReader(source, limits, start=asked[0][1][0].seconds) as reader:
            for frame in reader:
                while asked and asked[0][1][0].index < frame.index:
                    asked.pop(0)  # cannot be found again: the clip was damaged there
                while asked and asked[0][1][0].index == frame.index:
                    token, (_, box) = asked.pop(0)
                    yield token, KeyMoments.take_picture(moments, frame, box)
                if not asked or asked[0][1][0].seconds - frame.seconds > NEAR:
                    break
            else:
                return


def _results(work: Path, labels: tuple[str, ...], options: AnalysisOptions) -> Iterator[FrameResult]:
    return (result for _, result in follow_readings(work, labels, options))


def _annotate(
    source: Path, path: Path, info: ClipInfo, results: Iterable[FrameResult], settings: StudySettings, limits: Limits
) -> None:
    """Write the clip with boxes and expressions."""
    coming = iter(results)
    due = next(coming, None)
    writer = ClipWriter(
        path,
        width=info.width,
        height=info.height,
        frame_rate=info.frame_rate or 25.0,
        sound_from=source if info.has_sound else None,
        max_side=ANNOTATED_SIDE,
    )
    with FrameReader(source, limits) as reader, writer:
        annotator = Annotator(writer, width=info.width, max_side=ANNOTATED_SIDE, blur=settings.blur)
        for frame in reader:
            result = None
            if due is not None and due.index == frame.index:
                result, due = due, next(coming, None)
            annotator(frame, result)
        annotator.finish()
