"""Events in files: CSV as spreadsheets and experiment software write it; ELAN's files by `elan_files`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fer_core.analysis.elan_files import read_events_elan, read_whole
from fer_core.analysis.events import Event, TimeRange
from fer_core.errors import FerError, MediaError
from fer_core.utils.csv_safety import safe_cell

__all__ = [
    "read_events",
    "read_events_csv",
    "read_ranges",
    "write_events_csv",
]

TIME = ("time_s", "time", "onset", "start", "start_s", "begin", "start_time", "timestamp", "seconds", "zeit", "beginn")
END = ("end_s", "end", "stop", "end_time", "offset", "ende")
DURATION = ("duration_s", "duration", "length", "dauer")
LABEL = ("label", "event", "trial_type", "description", "name", "annotation", "marker", "stimulus", "behavior", "code")
_UNITS = {"ms": 0.001, "msec": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0, "min": 60.0}


def read_events(path: str | Path) -> list[Event]:
    """Read events from a CSV file or an ELAN file, by the ending of its name.

    Raises:
        MediaError: it cannot be read.
    """
    is_elan = Path(path).suffix.lower() == ".eaf"
    return read_events_elan(path) if is_elan else read_events_csv(path)


def read_ranges(path: str | Path) -> list[TimeRange]:
    """Read stretches to leave out, as events that last; see `read_events`. Their labels are the reasons.

    Raises:
        MediaError: it cannot be read, or an event is a moment.
    """
    found = read_events(path)
    if moment := next((event for event in found if not event.duration_s), None):
        raise MediaError(
            f"{Path(path).name}: {moment.label!r} at {moment.time_s:g} s does not last, so there is nothing to leave "
            "out. Give each stretch an end or a duration."
        )
    return [TimeRange(event.time_s, event.end_s, event.label) for event in found]


def read_events_csv(path: str | Path) -> list[Event]:
    """Read events from a table with a row for each.

    The columns may be separated by comma, semicolon or tab, numbers may have a decimal comma, and times may be seconds
    (also `start (ms)`, whose unit stands in brackets) or `hh:mm:ss.s`. Usual names of the columns are known, such as
    those of BIDS (`onset, duration, trial_type`); see `TIME`, `END`, `DURATION` and `LABEL`.

    Args:
        path: the file, in UTF-8 or Windows-1252.

    Raises:
        MediaError: it cannot be opened, has no column of times, or a time cannot be read.
    """
    path = Path(path)
    text = _decoded(read_whole(path))
    separator = max(";\t,", key=text.splitlines()[0].count) if text.strip() else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    columns = {field: _column(rows[0] if rows else [], names) for field, names in _FIELDS.items()}
    if columns["time"] is None:
        raise MediaError(
            f"{path.name} has no column of times. Give its first line names such as time_s, label, duration_s; "
            f"it has: {', '.join(rows[0]) if rows else 'nothing'}."
        )
    found = []
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            found.append(_event(row, columns, f"{path.name}, line {number}"))
    return sorted(found, key=lambda event: (event.time_s, event.label))


Column = tuple[int, float] | None
_FIELDS = {"time": TIME, "end": END, "duration": DURATION, "label": LABEL}


def _column(header: Sequence[str], names: Sequence[str]) -> Column:
    """Return the place of the column with the first of the names that there is, and the seconds of its unit."""
    known: dict[str, tuple[int, float]] = {}
    for place, title in enumerate(header):
        match = re.fullmatch(r"\s*(.*?)\s*[(\[]\s*(\w+)\s*[)\]]\s*", title.lower())
        name, unit = match.groups() if match and match.group(2) in _UNITS else (title.strip().lower(), "s")
        if name.endswith("_ms"):
            name, unit = name.removesuffix("_ms"), "ms"
        known.setdefault(re.sub(r"[\s-]+", "_", name), (place, _UNITS[unit]))
    return next((known[name] for name in names if name in known), None)


def _event(row: Sequence[str], columns: Mapping[str, Column], where: str) -> Event:
    def number(field: str) -> float | None:
        column = columns[field]
        if column is None or column[0] >= len(row) or not row[column[0]].strip():
            return None
        return _seconds(row[column[0]], where) * column[1]

    time_s, end_s, duration_s = number("time"), number("end"), number("duration")
    if time_s is None:
        raise MediaError(f"{where}: there is no time. Fill it in, or delete the line.")
    if duration_s is None:
        duration_s = 0.0 if end_s is None else end_s - time_s
    place = columns["label"]
    label = row[place[0]].strip() if place is not None and place[0] < len(row) else ""
    try:
        return Event(time_s, label or "event", round(duration_s, 9))
    except FerError as error:
        raise MediaError(f"{where}: {error}") from error


def _seconds(cell: str, where: str) -> float:
    """Return the seconds of a number, with point or comma, or of hh:mm:ss."""
    text = cell.strip().replace(",", ".")
    parts = text.split(":")
    if len(parts) <= 3 and all(re.fullmatch(r"\d+", part) for part in parts[:-1]):
        try:
            return sum((float(part) * 60.0**i for i, part in enumerate(reversed(parts))), 0.0)
        except ValueError:
            pass
    raise MediaError(f"{where}: {cell!r} is no time. Write seconds, such as 12.5, or hours, such as 0:00:12.5.")


def write_events_csv(path: str | Path, events: Iterable[Event]) -> None:
    """Write events as `time_s,label,duration_s`, in order of time; `read_events_csv` reads them back."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time_s", "label", "duration_s"])
        for event in sorted(events, key=lambda e: (e.time_s, e.label)):
            table.writerow([repr(float(event.time_s)), safe_cell(event.label), repr(float(event.duration_s))])


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
