"""A study: a folder of clips, what is known of them, and their results. Readable without this program."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fer_core.studies.manifest import ClipEntry, Manifest, StudyError
from fer_core.studies.readings import stored_chunks
from fer_core.studies.result import StoredClip, restore
from fer_core.studies.settings import StudySettings
from fer_core.utils.files import read_object, write_atomic
from fer_core.utils.locks import is_locked, try_lock
from fer_core.utils.platform import remove_folder

__all__ = ["VERSION", "Study", "write_file"]

VERSION = 1


class Study:
    """A study that lies in a folder. May be open in several programs; one at a time analyses it."""

    def __init__(self, folder: Path) -> None:
        """Open a study.

        Args:
            folder: of the study.

        Raises:
            StudyError: it is no study, a damaged one, or one of a newer version.
        """
        self.folder = folder
        try:
            facts = read_object(folder / "study.json")
            version, settings = int(facts["version"]), dict(facts["settings"])
        except FileNotFoundError as error:
            raise StudyError(
                f"{folder} is no study: study.json is missing. Choose another, or make a new one."
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{folder / 'study.json'} is damaged. Bring it back from a copy of the study.") from error
        if version > VERSION:
            raise StudyError(f"The study {folder.name} was made by a newer version of this program. Update it first.")
        self.settings = StudySettings.from_object(settings, "study.json")
        self.manifest = Manifest(folder / "manifest.jsonl")

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name

    def clips(self) -> list[ClipEntry]:
        """Return its clips, in the order in which they came."""
        return list(self.manifest.clips().values())

    def result(self, entry: ClipEntry) -> StoredClip:
        """Return a clip's result.

        Raises:
            StudyError: there is none that is whole.
        """
        return StoredClip(self.folder / "clips" / entry.folder)

    def has_result(self, entry: ClipEntry) -> bool:
        """Say whether a clip has a whole result, of whatever settings."""
        return (self.folder / "clips" / entry.folder / "clip.json").is_file()

    def wanted(self, entry: ClipEntry) -> StudySettings:
        """Return the settings that a clip is to be analysed with: its own where it has some, else the study's."""
        return self.settings if entry.redo is None else StudySettings.from_object(entry.redo, entry.name)

    def change(self, clip_id: str, **fields: Any) -> None:
        """Change fields of one clip."""
        self.manifest.append([{"id": clip_id, **fields}])

    def set_settings(self, settings: StudySettings) -> None:
        """Change the settings for clips that are analysed from now on."""
        facts = {"version": VERSION, "name": self.name, "settings": settings.as_object()}
        write_file(self.folder / "study.json", json.dumps(facts, indent=1))
        self.settings = settings

    def redo(self, clips: Sequence[ClipEntry], settings: StudySettings | None = None) -> None:
        """Put clips to be analysed again; old results are kept until the new ones are whole."""
        wished = None if settings is None or settings == self.settings else settings.as_object()
        self.manifest.append(
            [{"id": one.id, "state": "waiting", "error": "", "settings": "", "redo": wished} for one in clips]
        )

    def remove(self, entry: ClipEntry) -> None:
        """Take a clip out of the study, with its result, and with its file where it was brought here."""
        self.manifest.append([{"id": entry.id, "gone": True}])
        for folder in ("clips", "work"):
            remove_folder(self.folder / folder / entry.folder)
        if not Path(entry.path).is_absolute():
            (self.folder / entry.path).unlink(missing_ok=True)

    # What others ask while it is analysed.

    def running(self) -> bool:
        """Say whether some program analyses it at the moment."""
        try:
            return is_locked(self.folder / "run.lock")
        except OSError:
            return False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one that analyses it, within the block.

        Raises:
            StudyError: another program does, or the folder cannot be written.
        """
        try:
            held = try_lock(self.folder / "run.lock", 0.3)
        except OSError as error:
            raise StudyError(
                f"The study {self.name} cannot be written: {error.strerror or error}. Copy it to where you may write."
            ) from error
        if held is None:
            raise StudyError(
                f"The study {self.name} is being analysed by another program. Wait until it is done, or pause it there."
            )
        try:
            yield
        finally:
            held.release()

    def stop(self) -> None:
        """Tell whoever analyses it to stop; what is done is kept."""
        write_file(self.folder / "stop", "")

    def stop_clip(self, entry: ClipEntry) -> None:
        """Skip a clip, also one in hand; what is done of it is kept."""
        self.change(entry.id, state="skipped")
        (self.folder / "work").mkdir(exist_ok=True)
        write_file(self.folder / "work" / f"{entry.folder}.stop", "")

    def clear_stops(self) -> None:
        """Forget that it, or a clip, was told to stop."""
        (self.folder / "stop").unlink(missing_ok=True)
        for sign in (self.folder / "work").glob("*.stop"):
            sign.unlink(missing_ok=True)

    def progress(self, entry: ClipEntry) -> float:
        """Return the share of a clip that is read, 0 to 1."""
        if entry.state == "done":
            return 1.0
        work = self.folder / "work" / entry.folder
        if not entry.seconds or not work.is_dir():
            return 0.0
        try:
            starts = [0.0, *(s for _, s in read_object(work / "plan.json")["starts"])]
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0
        last: dict[int, float] = {}
        for segment, _, seconds, _ in stored_chunks(work):
            last[segment] = max(seconds, last.get(segment, 0.0))
        done = sum(seconds - starts[segment] for segment, seconds in last.items() if segment < len(starts))
        share: float = min(1.0, max(0.0, done / entry.seconds))
        return share

    def tell(self, **facts: Any) -> None:
        """Write down how the analysis goes, for whoever watches."""
        with suppress(OSError):
            write_atomic(self.folder / "run.json", json.dumps({"pid": os.getpid(), "at": time.time(), **facts}))

    def told(self) -> dict[str, Any]:
        """Return what `tell` wrote last; empty where nothing was."""
        try:
            return read_object(self.folder / "run.json")
        except (OSError, ValueError):
            return {}

    def recover(self) -> None:
        """Bring the manifest and the folders together after a crash; whoever holds the study calls it.

        A result that is whole counts as done though the manifest does not know of it yet; one that is gone is made
        again.
        """
        (self.folder / "clips").mkdir(exist_ok=True)
        (self.folder / "work").mkdir(exist_ok=True)
        restore(self.folder / "clips")
        changes = []
        for entry in self.clips():
            if entry.state not in ("running", "done"):
                continue
            key = self._stored_key(entry)
            in_hand = (self.folder / "work" / entry.folder).exists()
            if entry.state == "running" and key == self.wanted(entry).key and not in_hand:
                changes.append({"id": entry.id, "state": "done", "settings": key})
            elif entry.state == "running" or key is None:
                changes.append({"id": entry.id, "state": "waiting"})
        self.manifest.append(changes)
        self.manifest.compact()

    def _stored_key(self, entry: ClipEntry) -> str | None:
        try:
            return str(read_object(self.folder / "clips" / entry.folder / "clip.json")["settings_key"])
        except (OSError, ValueError, KeyError):
            return None


def write_file(path: Path, content: str) -> None:
    """Write a file of a study whole or not at all; StudyError where that cannot be."""
    try:
        write_atomic(path, content)
    except OSError as error:
        raise StudyError(
            f"{path} cannot be written: {error.strerror or error}. Free some room, or choose another folder."
        ) from error
