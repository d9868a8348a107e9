"""Clips that come into a study: found in folders, known by their content, checked before anything long begins."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fer_core.errors import Cancelled, FerError
from fer_core.studies.bounds import Bounds
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.study import Study
from fer_core.studies.work import content_hash
from fer_core.utils.archives import open_zip
from fer_core.video.formats import MEDIA_SUFFIXES
from fer_core.video.limits import Limits
from fer_core.video.reader import probe

__all__ = ["CLIP_SUFFIXES", "Added", "add_clips", "add_stream", "add_zip", "find_clips"]

CLIP_SUFFIXES = frozenset(f".{suffix}" for suffix in MEDIA_SUFFIXES)


@dataclass(slots=True)
class Added:
    """What became of clips that were to be added.

    Attributes:
        new: clips that came in.
        notes: a sentence for each that was there before, or lies elsewhere now.
        refused: a sentence for each that cannot be used.
        ignored: files that are no clips by their name.
    """

    new: list[ClipEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ignored: int = 0


def find_clips(given: Sequence[Path]) -> tuple[list[tuple[Path, str]], int]:
    """Find the clips of files and folders.

    Args:
        given: files, taken whatever they are called, and folders, searched with all below them.

    Returns:
        Each clip's path and name (the path below the folder that was named), and how many files are no clips.
    """
    found: list[tuple[Path, str]] = []
    others = 0
    for path in given:
        if not path.is_dir():
            found.append((path, path.name))
            continue
        for inside in sorted(_files(path)):
            if inside.suffix.lower() in CLIP_SUFFIXES:
                found.append((inside, inside.relative_to(path).as_posix()))
            else:
                others += 1
    return found, others


def _files(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(top) / name for name in names if not name.startswith("."))


def add_clips(
    study: Study,
    given: Sequence[Path],
    *,
    limits: Limits | None = None,
    bounds: Bounds | None = None,
    progress: Callable[[int, int, str], None] = lambda done, count, name: None,
) -> Added:
    """Add clips where they lie; they are not copied.

    Args:
        study: gets them.
        given: files and folders.
        limits: what is refused.
        bounds: what the study may hold.
        progress: is told how many are done, of how many, and the next one's name; may raise Cancelled.

    Returns:
        What became of each.
    """
    found, others = find_clips(given)
    added = Added(ignored=others)
    known = study.manifest.clips()
    for i, (path, name) in enumerate(found):
        progress(i, len(found), name)
        _add(study, path, name, known, added, limits or Limits(), bounds or Bounds())
    return added


def _add(
    study: Study,
    path: Path,
    name: str,
    known: dict[str, ClipEntry],
    added: Added,
    limits: Limits,
    bounds: Bounds,
    *,
    brought: bool = False,
) -> None:
    try:
        entry = _checked(study, path, name, known, added, limits, brought=brought)
        if entry is not None:
            bounds.check(list(known.values()), entry)
    except Cancelled:
        raise
    except FerError as error:
        added.refused.append(f"{name}: {error}")
        return
    if entry is not None:
        study.manifest.append([{k: getattr(entry, k) for k in _NEW}])
        known[entry.id] = entry
        added.new.append(entry)


_NEW = ("id", "name", "path", "bytes", "modified", "seconds", "participant", "state")


def _checked(
    study: Study,
    path: Path,
    name: str,
    known: dict[str, ClipEntry],
    added: Added,
    limits: Limits,
    *,
    brought: bool,
) -> ClipEntry | None:
    """Return the entry of a clip; None where the study has it, which is noted."""
    try:
        facts = path.stat()
        clip_id = content_hash(path) if path.is_file() else ""
    except OSError as error:
        raise StudyError(f"it cannot be read: {error.strerror}.") from error
    if clip_id in known:
        _note(study, known, known[clip_id], path, name, added, brought=brought)
        return None
    info = probe(path, limits)
    called = _free_name(name, known)
    if called != name:
        added.notes.append(f"{name}: another clip of the study has this name; this one is called {called}.")
    below = Path(name).parts
    place = path.relative_to(study.folder) if brought else path.resolve()
    participant = below[0] if len(below) > 1 else ""
    seconds = None if info.is_image else info.seconds
    return ClipEntry(clip_id, called, str(place), facts.st_size, facts.st_mtime_ns, seconds, participant)


def _note(
    study: Study, known: dict[str, ClipEntry], entry: ClipEntry, path: Path, name: str, added: Added, *, brought: bool
) -> None:
    old = study.folder / entry.path
    if brought or old == path.resolve():
        if entry.name != name:
            added.notes.append(f"{name}: the same clip as {entry.name}, which the study has already.")
        return
    if old.exists():
        added.notes.append(f"{name}: the same clip as {entry.name}, which the study has already.")
        return
    study.change(entry.id, path=str(path.resolve()), modified=path.stat().st_mtime_ns)
    known[entry.id] = study.manifest.clips()[entry.id]
    added.notes.append(f"{entry.name}: was moved or renamed; the study now finds it at {path}.")


def _free_name(name: str, known: dict[str, ClipEntry]) -> str:
    taken = {entry.name.casefold() for entry in known.values()}
    called, n = name, 2
    while called.casefold() in taken:
        path = Path(name)
        called, n = path.with_name(f"{path.stem}-{n}{path.suffix}").as_posix(), n + 1
    return called


def add_stream(
    study: Study,
    name: str,
    stream: BinaryIO,
    added: Added,
    *,
    most_bytes: int | None = None,
    limits: Limits | None = None,
    bounds: Bounds | None = None,
) -> None:
    """Bring a clip into the study's own folder.

    Args:
        study: gets it.
        name: what it is called.
        stream: its bytes.
        added: is told what became of it.
        most_bytes: refused beyond.
        limits: see `add_clips`.
        bounds: see there.
    """
    sources = study.folder / "sources"
    part = sources / f".part-{secrets.token_hex(8)}"
    try:
        sources.mkdir(exist_ok=True)
        with open(part, "wb") as file:
            shutil.copyfileobj(stream, file, 1024 * 1024)
        if most_bytes is not None and part.stat().st_size > most_bytes:
            added.refused.append(f"{name}: larger than the {most_bytes / 1024**2:,.0f} MB allowed here.")
            return
        clip_id = content_hash(part)
        place = sources / f"{clip_id[:12]}{Path(name).suffix.lower()}"
        known = study.manifest.clips()
        if clip_id not in known:
            part.rename(place)
        before = len(added.new)
        _add(
            study,
            part if clip_id in known else place,
            name,
            known,
            added,
            limits or Limits(),
            bounds or Bounds(),
            brought=True,
        )
        if clip_id not in known and len(added.new) == before:
            place.unlink(missing_ok=True)  # it was refused
    except OSError as error:
        added.refused.append(f"{name}: it could not be stored: {error.strerror}. Free some room on the disk.")
    finally:
        part.unlink(missing_ok=True)


def add_zip(
    study: Study,
    path: Path,
    name: str,
    *,
    limits: Limits | None = None,
    bounds: Bounds | None = None,
    progress: Callable[[int, int, str], None] = lambda done, count, name: None,
) -> Added:
    """Bring the clips of a ZIP file into the study's own folder; folders in it are kept as part of the names.

    Args:
        study: gets them.
        path: of the ZIP file.
        name: what an error calls it.
        limits: see `add_clips`.
        bounds: see there.
        progress: see there.

    Raises:
        DatasetError: the ZIP file is broken, too large, or leads out of itself.
    """
    added = Added()
    with open_zip(path, name) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        clips = [m for m in members if Path(m.filename).suffix.lower() in CLIP_SUFFIXES and _plain(m.filename)]
        added.ignored = len(members) - len(clips)
        for i, member in enumerate(clips):
            progress(i, len(clips), member.filename)
            with archive.open(member) as stream:
                add_stream(study, member.filename, stream, added, limits=limits, bounds=bounds)  # type: ignore[arg-type]
    return added


def _plain(name: str) -> bool:
    """Say whether it is no hidden file: archives of a Mac hold one beside each clip."""
    return not any(part.startswith((".", "__MACOSX")) for part in Path(name).parts)
