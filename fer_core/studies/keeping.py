"""A single clip's analysis, kept in a study; and the clips that were analysed last."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.episodes import episodes
from fer_core.studies.bounds import Bounds
from fer_core.studies.library import RECENT, create_study, open_study, study_names
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.result import ClipFacts, swap_in, write_result
from fer_core.studies.study import Study
from fer_core.studies.work import content_hash
from fer_core.utils.files import write_atomic
from fer_core.utils.platform import remove_folder

__all__ = ["keep_analysis", "recent_study"]

KEPT = 20
"""Clips that the study of recent ones holds."""


def recent_study() -> Study:
    """Return the study of the clips that were analysed last, one by one; made where it is not there yet."""
    return open_study(RECENT) if RECENT in study_names() else create_study(RECENT)


def keep_analysis(
    study: Study,
    clip: ClipAnalysis,
    names: Mapping[int, str],
    *,
    with_source: bool = True,
    bounds: Bounds | None = None,
) -> ClipEntry:
    """Keep an analysed clip in a study; an older result of the same clip stays until the new one is whole.

    Args:
        study: gets it.
        clip: analysed wholly.
        names: given to its people, by track.
        with_source: keep the clip itself too, so that it can be analysed again.
        bounds: what the study may hold.

    Raises:
        StudyError: it cannot be written.
        LimitError: the study holds as much as is allowed.
    """
    try:
        clip_id = content_hash(clip.source)
        known = study.manifest.clips()
        entry = _entry(clip, clip_id, known.get(clip_id))
        if bounds is not None and clip_id not in known:
            bounds.check(list(known.values()), entry)
        _write(study, clip, entry, names)
        if with_source:
            (study.folder / "sources").mkdir(exist_ok=True)
            shutil.copyfile(clip.source, study.folder / entry.path)
    except OSError as error:
        raise StudyError(f"It could not be kept: {error.strerror or error}. Free some room on the disk.") from error
    study.manifest.append([{"id": entry.id, "gone": True}, asdict(entry)])  # it becomes the last of the list
    if study.name == RECENT:
        for old in study.clips()[:-KEPT]:
            study.remove(old)
    return entry


def _entry(clip: ClipAnalysis, clip_id: str, before: ClipEntry | None) -> ClipEntry:
    facts = clip.source.stat()
    table = clip.recorder.table()
    suffix = Path(clip.name).suffix.lower()
    said = {} if before is None else {n: getattr(before, n) for n in ("participant", "group", "condition", "columns")}
    return ClipEntry(
        id=clip_id,
        name=clip.name,
        path=f"sources/{clip_id[:12]}{suffix}",
        bytes=facts.st_size,
        modified=0,
        seconds=None if clip.info is None else clip.info.seconds,
        state="done",
        frames=clip.analyzed_frames,
        people=int(table["track_id"].nunique()),
        faces=int((table["face_count"] > 0).sum()),
        **said,
    )


def _write(study: Study, clip: ClipAnalysis, entry: ClipEntry, names: Mapping[int, str]) -> None:
    assert clip.info is not None and clip.key_moments is not None and clip.person_grouper is not None
    table = clip.recorder.table()
    facts = ClipFacts(
        id=entry.id,
        name=entry.name,
        info=clip.info,
        settings=clip.result().settings,
        settings_key="",
        frames=entry.frames,
        damaged=clip.damaged,
        faces=entry.faces,
        people=entry.people,
    )
    (study.folder / "work").mkdir(exist_ok=True)
    made = study.folder / "work" / f"{entry.folder}-kept"
    remove_folder(made)
    portraits = {track: jpeg for track, (_, jpeg) in clip.key_moments.portraits.copy().items()}
    tables = {"table.parquet": table, "episodes.parquet": episodes(table)}
    write_result(made, facts, tables, clip.key_moments.found(), portraits, clip.person_grouper.pairs(), names)
    if clip.preview is not None:
        write_atomic(made / "preview.jpg", clip.preview)
    if clip.annotated is not None and clip.annotated.exists():
        shutil.copyfile(clip.annotated, made / "annotated.mp4")
    swap_in(made, study.folder / "clips" / entry.folder)
