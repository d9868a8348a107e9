"""Manifest of a study: a JSON-lines log of its clips, in which the last word about a clip counts.

Changes are appended, so that a study of ten thousand clips costs no more a change than one of ten. A line that broke
off with a crash is left out. Whoever changes it holds the lock `manifest.lock` meanwhile, for milliseconds.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fer_core.errors import FerError
from fer_core.utils.files import write_atomic

__all__ = ["STATES", "ClipEntry", "Manifest", "StudyError"]

STATES = ("waiting", "running", "done", "failed", "skipped")
"""Where a clip of a study stands."""

PATIENCE = 20.0
"""Seconds that a change waits for another program's change."""


class StudyError(FerError):
    """A study that cannot be used, or not now."""


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """One clip of a study.

    Attributes:
        id: hash of its content; its folder is named after the first twelve signs.
        name: what it is called, with the folders below the one that was named.
        path: where it lies; relative to the study's folder where it was brought into it.
        bytes, modified: size, and time of the last change (ns), by which a change is noticed.
        seconds: length; None where it is not known, or of a picture.
        participant, group, condition: what the person says of it.
        columns: further columns of the person's own.
        state: one of STATES.
        error: why it failed, in words for a person.
        settings: key of the settings that its results were made with; empty where there are none.
        frames, people, faces: analysed frames, people, and rows with a face in the table.
        redo: settings wished for this clip alone, in place of the study's.
    """

    id: str
    name: str
    path: str
    bytes: int = 0
    modified: int = 0
    seconds: float | None = None
    participant: str = ""
    group: str = ""
    condition: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    state: str = "waiting"
    error: str = ""
    settings: str = ""
    frames: int = 0
    people: int = 0
    faces: int = 0
    redo: dict[str, Any] | None = None

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return self.id[:12]


_NAMES = {f.name for f in fields(ClipEntry)}


class Manifest:
    """The clips of a study, in the order in which they came. May be shared between threads."""

    def __init__(self, path: Path) -> None:
        """Set up; nothing is read yet.

        Args:
            path: of the file `manifest.jsonl`.
        """
        self._path = path
        self._lines: dict[str, dict[str, Any]] = {}
        self._entries: dict[str, ClipEntry] = {}
        self._read_to, self._file_id = 0, 0
        self._guard = threading.Lock()

    def clips(self) -> dict[str, ClipEntry]:
        """Return the clips by id, as they are now; only what was appended since the last call is read."""
        with self._guard:
            self._catch_up()
            return dict(self._entries)

    def append(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Add clips, or change some of their fields; a change without a clip of its id adds one.

        Args:
            changes: each with an `id` and fields of `ClipEntry`; `{"id": ..., "gone": True}` removes a clip.

        Raises:
            StudyError: the study cannot be written.
        """
        lines = b"".join(json.dumps(dict(change)).encode() + b"\n" for change in changes)
        if not lines:
            return
        with self._guard, self._locked():
            try:
                with open(self._path, "ab+") as file:
                    if file.tell():
                        file.seek(-1, os.SEEK_END)
                        if file.read(1) != b"\n":  # a crash broke the last line off
                            lines = b"\n" + lines
                    file.write(lines)
            except OSError as error:
                raise self._unwritable(error) from error

    def compact(self) -> None:
        """Write each clip in one line, as a whole."""
        with self._guard, self._locked():
            self._catch_up()
            content = "".join(json.dumps(asdict(entry)) + "\n" for entry in self._entries.values())
            try:
                write_atomic(self._path, content)
            except OSError as error:
                raise self._unwritable(error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._path.parent.is_dir():  # the lock would make the folder anew
            raise StudyError(f"The study in {self._path.parent} was deleted.")
        lock = FileLock(self._path.with_name("manifest.lock"), timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout as error:
            raise StudyError("Another program is changing this study. Try again in a moment.") from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _unwritable(self, error: OSError) -> StudyError:
        return StudyError(
            f"The study in {self._path.parent} cannot be written: {error.strerror or error}. "
            "Free some room on the disk, or ask for the right to write there; what is done is kept."
        )

    def _catch_up(self) -> None:
        try:
            with open(self._path, "rb") as file:
                facts = os.fstat(file.fileno())
                if facts.st_ino != self._file_id or facts.st_size < self._read_to:
                    self._lines, self._entries, self._read_to, self._file_id = {}, {}, 0, facts.st_ino
                file.seek(self._read_to)
                fresh = file.read()
        except FileNotFoundError:
            self._lines, self._entries, self._read_to = {}, {}, 0
            return
        except OSError as error:
            raise StudyError(f"{self._path} cannot be read: {error.strerror}. Check the study's folder.") from error
        whole = fresh.rfind(b"\n") + 1  # a line that is being written has no end yet
        self._read_to += whole
        for line in fresh[:whole].splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            change = json.loads(line)
            clip_id = change["id"]
        except (ValueError, TypeError, KeyError):
            return  # broken off by a crash
        if change.get("gone"):
            self._lines.pop(clip_id, None)
            self._entries.pop(clip_id, None)
            return
        known = self._lines.setdefault(clip_id, {})
        known |= {name: value for name, value in change.items() if name in _NAMES}
        if "path" in known and "name" in known:
            self._entries[clip_id] = ClipEntry(**known)
