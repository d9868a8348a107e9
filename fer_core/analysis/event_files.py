"""Events in files: CSV as spreadsheets and experiment software write it, and ELAN's `.eaf` (EAF 3.0)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from fer_core.analysis.events import Event
from fer_core.errors import FerError, MediaError
from fer_core.utils.csv_safety import safe_cell

__all__ = ["read_events", "read_events_csv", "read_events_elan", "write_events_csv", "write_events_elan"]

MOST_BYTES = 20_000_000
"""Larger files are no lists of events."""

TIME = ("time_s", "time", "onset", "start", "start_s", "begin", "start_time", "timestamp", "seconds", "zeit", "beginn")
END = ("end_s", "end", "stop", "end_time", "offset", "ende")
DURATION = ("duration_s", "duration", "length", "dauer")
LABEL = ("label", "event", "trial_type", "description", "name", "annotation", "marker", "stimulus", "behavior", "code")
TIER = "events"
_POINT_MS = 1  # ELAN has no annotation without a length; one of a millisecond is a moment
_DOCUMENT = {
    "AUTHOR": "",
    "DATE": "1970-01-01T00:00:00Z",
    "FORMAT": "3.0",
    "VERSION": "3.0",
    "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}
_UNITS = {"ms": 0.001, "msec": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0, "min": 60.0}


def read_events(path: str | Path) -> list[Event]:
    """Read events from a CSV file or an ELAN file, by the ending of its name.

    Raises:
        MediaError: it cannot be read.
    """
    is_elan = Path(path).suffix.lower() == ".eaf"
    return read_events_elan(path) if is_elan else read_events_csv(path)


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
    text = _decoded(_content(path))
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
    """Place of the column with the first of the names that there is, and the seconds of its unit."""
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
    """Seconds of a number, with point or comma, or of hh:mm:ss."""
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


def read_events_elan(path: str | Path, tiers: Sequence[str] | None = None) -> list[Event]:
    """Read the time-aligned annotations of an ELAN file as events.

    Args:
        path: the `.eaf` file.
        tiers: names of the tiers to read; all if None. An annotation without a text is called by its tier.

    Raises:
        MediaError: it is no ELAN file, or has no tier of that name.
    """
    path = Path(path)
    root = _xml(_content(path), path.name)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise MediaError(f"{path.name} is no ELAN file. Choose an .eaf file, or a CSV file.")
    slots = {s.get("TIME_SLOT_ID"): s.get("TIME_VALUE") for s in root.iter("TIME_SLOT")}
    names = [tier.get("TIER_ID", "") for tier in root.iter("TIER")]
    if missing := [name for name in tiers or () if name not in names]:
        raise MediaError(f"{path.name} has no tier {missing[0]!r}; it has: {', '.join(names) or 'none'}.")
    found = []
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID", "") or "event"
        if tiers is not None and name not in tiers:
            continue
        for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
            start, end = (slots.get(annotation.get(f"TIME_SLOT_REF{i}")) for i in (1, 2))
            if start is None or end is None:  # ELAN allows a slot without a time between others
                continue
            label = (annotation.findtext("ANNOTATION_VALUE") or "").strip() or name
            found.append(_aligned(start, end, label, path.name))
    return sorted(found, key=lambda event: (event.time_s, event.label))


def _aligned(start: str, end: str, label: str, name: str) -> Event:
    try:
        first, length = int(start), int(end) - int(start)
        return Event(first / 1000, label, 0.0 if length <= _POINT_MS else length / 1000)
    except (ValueError, FerError) as error:
        raise MediaError(f"{name}: the annotation {label!r} has no proper times ({start} to {end} ms).") from error


def write_events_elan(path: str | Path, events: Iterable[Event], *, media: str = "", tier: str = TIER) -> None:
    """Write events as one tier of an ELAN file, to the millisecond.

    ELAN knows no annotation without a length: a moment becomes one of a millisecond, and is a moment again when it is
    read back.

    Args:
        path: the `.eaf` file.
        events: in any order.
        media: name of the clip, which ELAN then offers to open.
        tier: name of the tier.
    """
    root = ElementTree.Element("ANNOTATION_DOCUMENT", dict(_DOCUMENT))
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media:
        kind = {"MEDIA_URL": f"file:{media}", "MIME_TYPE": "video/mp4", "RELATIVE_MEDIA_URL": f"./{media}"}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", kind)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    row = ElementTree.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": "default-lt", "TIER_ID": tier})
    for number, event in enumerate(sorted(events, key=lambda e: (e.time_s, e.label)), start=1):
        start = round(event.time_s * 1000)
        times = start, max(round(event.end_s * 1000), start + _POINT_MS)
        slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
        for slot, value in zip(slots, times, strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(value)})
        place = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
        outer = ElementTree.SubElement(row, "ANNOTATION")
        inner = ElementTree.SubElement(outer, "ALIGNABLE_ANNOTATION", place)
        ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = _printable(event.label)
    type_ = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "default-lt", "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", type_)
    Path(path).write_bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _printable(text: str) -> str:
    """The text without control characters, which XML cannot hold."""
    return "".join(c for c in text.encode("utf-8", "replace").decode() if c >= " " or c in "\t\n")


def _xml(content: bytes, name: str) -> ElementTree.Element:
    """The root of a document; one with entities of its own is refused, as they could fill the memory."""

    def refuse(*_: object) -> None:
        raise MediaError(f"{name} declares a document type of its own, which ELAN files do not. It is not read.")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
        return ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError, ValueError) as error:
        raise MediaError(f"{name} is damaged or no ELAN file ({error}). Save it in ELAN again.") from error


def _content(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MediaError(f"{path.name} cannot be opened: {error.strerror}. Choose another file.") from error
    if len(content) > MOST_BYTES:
        raise MediaError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB, which no list of events is.")
    return content


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
