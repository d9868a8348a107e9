"""Tables of a whole study: its manifest and all its clips' rows as files, and a manifest's columns read from one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.analysis.episodes import episodes, summary
from fer_core.errors import FerError
from fer_core.studies.manifest import ClipEntry, StudyError
from fer_core.studies.study import Study
from fer_core.utils.csv_safety import safe_table
from fer_core.utils.files import write_export

__all__ = ["OWN", "apply_columns", "export_study", "manifest_table", "read_columns"]

OWN = ("participant", "group", "condition")
FIXED = ("name", "state", "seconds", "frames", "people", "faces", "path", "id", "error")
MOST_ROWS = 100_000


def manifest_table(entries: Sequence[ClipEntry]) -> pd.DataFrame:
    """Return a study's clips as a table, one row each, own columns last."""
    own = list(dict.fromkeys(name for entry in entries for name in entry.columns))
    rows = [
        {
            "name": e.name,
            **{name: getattr(e, name) for name in OWN},
            **{name: getattr(e, name) for name in FIXED[1:]},
            **{name: e.columns.get(name, "") for name in own},
        }
        for e in entries
    ]
    return pd.DataFrame(rows, columns=["name", *OWN, *FIXED[1:], *own])


def export_study(study: Study, folder: Path) -> list[Path]:
    """Write a study's manifest, and the rows, episodes and people of all its clips, as CSV.

    Args:
        study: with at least one result.
        folder: for the files; made where it is not there.

    Raises:
        FerError: nothing is analysed yet, or the folder cannot be written.
    """
    entries = study.clips()
    done = [entry for entry in entries if study.has_result(entry)]
    if not done:
        raise StudyError(f"Nothing in the study {study.name} is analysed yet.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerError(f"The folder {folder} cannot be made: {error.strerror}. Choose another with --out.") from error
    files = [folder / name for name in ("manifest.csv", "all-clips.csv", "episodes.csv", "people.csv")]
    write_export(files[0], [_csv(manifest_table(entries), head=True)])
    for path, kind in zip(files[1:], ("table", "episodes", "people"), strict=True):
        write_export(path, _parts(study, done, kind))
    return files


def _parts(study: Study, done: Sequence[ClipEntry], kind: str) -> Iterator[bytes]:
    columns: list[str] = []
    for entry in done:
        stored = study.result(entry)
        table = stored.recorder.table(stored.names)
        if kind != "table":
            table = episodes(table) if kind == "episodes" else summary(table)
        for place, name in enumerate(("name", *OWN)):
            table.insert(place, "clip" if name == "name" else name, getattr(entry, name))
        head = not columns
        columns = columns or list(table.columns)
        # A clip that was read by another model has other expressions: its columns are those of the first.
        yield _csv(table.reindex(columns=columns), head=head)


def _csv(table: pd.DataFrame, *, head: bool) -> bytes:
    places = {name: 4 for name in table.columns if table[name].dtype.kind == "f"}
    text: str = safe_table(table.round(places)).to_csv(index=False, header=head, lineterminator="\n")
    return text.encode()


def read_columns(content: bytes, name: str) -> list[dict[str, str]]:
    """Read a CSV file of what a person says of clips; its column `name` names the clips.

    Raises:
        StudyError: it is no such table.
    """
    try:
        text = content.decode("utf-8-sig")
        delimiter = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{name} is no CSV file in UTF-8. Save it as “CSV UTF-8” and bring it again.") from error
    heads = list(rows[0]) if rows else []
    if "name" not in heads or len(rows) > MOST_ROWS:
        raise StudyError(
            f"{name} needs a column `name` with the clips' names, and may have participant, group, condition and "
            f"others of your own; it has: {', '.join(str(h) for h in heads) or 'no rows'}."
        )
    return [{str(k).strip(): str(v or "").strip() for k, v in row.items() if k is not None} for row in rows]


def apply_columns(study: Study, rows: Sequence[dict[str, Any]]) -> tuple[int, list[str]]:
    """Write what a person says of clips into the manifest.

    Args:
        study: whose clips they are.
        rows: each with `name`, and participant, group, condition or own columns.

    Returns:
        How many clips were changed, and the names that no clip of the study has.
    """
    by_name = {entry.name: entry for entry in study.clips()}
    changes, unknown = [], []
    for row in rows:
        entry = by_name.get(row["name"])
        if entry is None:
            unknown.append(row["name"])
            continue
        said = {name: str(row[name]) for name in OWN if name in row}
        own = {k: str(v) for k, v in row.items() if k not in (*OWN, *FIXED)}
        change = {**said, "columns": {**entry.columns, **own}}
        if any(getattr(entry, name) != value for name, value in change.items()):
            changes.append({"id": entry.id, **change})
    study.manifest.append(changes)
    return len(changes), unknown
