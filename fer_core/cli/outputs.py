"""Folder of results of `analyze --out`: names that never meet, a manifest of what is done, one table of all clips."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from fer_core.errors import FerError
from fer_core.utils.csv_safety import safe_cell
from fer_core.utils.files import write_export

__all__ = ["COMBINED", "MANIFEST", "OutputEntry", "Outputs"]

MANIFEST, COMBINED = "manifest.csv", "all-clips.csv"


@dataclass(frozen=True, slots=True)
class OutputEntry:
    """One clip of the folder.

    Attributes:
        name: of its files, without suffix, with the folders that were kept.
        id: hash of the clip's content.
        input: path as it was given.
        settings: what the numbers hang on, as JSON.
        state: "done", "partial" or "failed".
        frames, tracks: of the result.
        error: why it failed.
    """

    name: str
    id: str
    input: str
    settings: str = ""
    state: str = ""
    frames: int = 0
    tracks: int = 0
    error: str = ""


class Outputs:
    """The results in a folder, by name."""

    def __init__(self, folder: Path) -> None:
        """Read what is there.

        Raises:
            FerError: the folder cannot be made, or its manifest has other columns.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FerError(
                f"The folder {folder} cannot be made: {error.strerror}. Choose another with --out."
            ) from error
        self._entries = {entry.name: entry for entry in self._read()}

    def _read(self) -> Iterator[OutputEntry]:
        path = self.folder / MANIFEST
        if not path.is_file():
            return
        names = [f.name for f in fields(OutputEntry)]
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = csv.DictReader(file)
                if rows.fieldnames != names:
                    raise ValueError
                for row in rows:
                    plain = {name: _plain(cell) for name, cell in row.items()}
                    yield OutputEntry(**{**plain, "frames": int(row["frames"]), "tracks": int(row["tracks"])})  # type: ignore[arg-type]
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise FerError(
                f"{path} has other columns than {', '.join(names)}. Delete it, or choose another folder with --out."
            ) from error

    def names(self, clips: Sequence[tuple[Sequence[str], str]]) -> list[str]:
        """Choose a name for the results of each clip: the first of its own that is free, else numbered.

        Args:
            clips: the names that each would have, and the hash of its content.
        """
        taken = {name.casefold(): entry.id for name, entry in self._entries.items()}
        chosen = []
        for wanted, clip_id in clips:
            name = next(n for n in _candidates(wanted) if self._free(n, clip_id, taken))
            taken[name.casefold()] = clip_id
            chosen.append(name)
        return chosen

    def _free(self, name: str, clip_id: str, taken: dict[str, str]) -> bool:
        if name.casefold() in taken:
            return taken[name.casefold()] == clip_id
        return not self.path(name, "csv").exists()  # of whatever: it is not ours to overwrite

    def path(self, name: str, suffix: str) -> Path:
        """Return the path of a file of results."""
        return self.folder / f"{name}.{suffix}"

    def done(self, name: str, clip_id: str, settings: dict[str, Any]) -> OutputEntry | None:
        """Return the entry of a clip whose results are there, made with the same settings; None where they are not."""
        entry = self._entries.get(name)
        if entry is None or entry.state != "done" or (entry.id, entry.settings) != (clip_id, _key(settings)):
            return None
        return entry if self.path(name, "csv").is_file() else None

    def record(self, entry: OutputEntry, settings: dict[str, Any]) -> None:
        """Write down what became of a clip."""
        self._entries[entry.name] = replace(entry, settings=_key(settings))
        if all(one.state == "failed" for one in self._entries.values()):
            return  # a folder with nothing but a list of what went wrong helps nobody
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        names = [f.name for f in fields(OutputEntry)]
        writer.writerow(names)
        for one in self._entries.values():
            writer.writerow([safe_cell(getattr(one, name)) for name in names])
        write_export(self.folder / MANIFEST, [table.getvalue().encode()])

    def combine(self) -> Path | None:
        """Write the tables of all clips that are done as one, with the clip's name before each row.

        Returns:
            Its path; None where there are fewer than two.
        """
        done = [name for name, entry in self._entries.items() if entry.state == "done"]
        done = [name for name in done if self.path(name, "csv").is_file()]
        if len(done) < 2:
            return None
        path = self.folder / COMBINED
        write_export(path, self._rows(done))
        return path

    def _rows(self, names: Sequence[str]) -> Iterator[bytes]:
        head = ""
        for name in names:
            with open(self.path(name, "csv"), encoding="utf-8") as file:
                columns = file.readline()
                if not head:
                    head = columns
                    yield f"clip,{columns}".encode()
                if columns != head:
                    continue  # another model, with other expressions
                cell = io.StringIO()
                csv.writer(cell, lineterminator=",").writerow([safe_cell(name)])
                for line in file:
                    yield (cell.getvalue() + line).encode()


def _candidates(wanted: Sequence[str]) -> Iterator[str]:
    yield from wanted
    yield from (f"{wanted[0]}-{n}" for n in itertools.count(2))


def _plain(cell: str) -> str:
    """Undo `safe_cell`."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


def _key(settings: dict[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
