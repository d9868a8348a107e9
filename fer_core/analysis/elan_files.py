"""Events in ELAN's `.eaf` (EAF 3.0, Max Planck Institute for Psycholinguistics)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from fer_core.analysis.events import Event
from fer_core.errors import FerError, MediaError

__all__ = ["MOST_BYTES", "read_events_elan", "read_whole", "write_events_elan"]

MOST_BYTES = 20_000_000
"""Larger files are no lists of events."""

TIER = "events"
_POINT_MS = 1  # ELAN has no annotation without a length; one of a millisecond is a moment
_DOCUMENT = {
    "AUTHOR": "",
    "DATE": "1970-01-01T00:00:00Z",
    "FORMAT": "3.0",
    "VERSION": "3.0",
    "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}


def read_events_elan(path: str | Path, tiers: Sequence[str] | None = None) -> list[Event]:
    """Read the time-aligned annotations of an ELAN file as events.

    Args:
        path: the `.eaf` file.
        tiers: names of the tiers to read; all if None. An annotation without a text is called by its tier.

    Raises:
        MediaError: it is no ELAN file, or has no tier of that name.
    """
    path = Path(path)
    root = _xml(read_whole(path), path.name)
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
    """Return the text without control characters, which XML cannot hold."""
    return "".join(c for c in text.encode("utf-8", "replace").decode() if c >= " " or c in "\t\n")


def _xml(content: bytes, name: str) -> ElementTree.Element:
    """Return the root of a document; one with entities of its own is refused, as they could fill the memory."""

    def refuse(*_: object) -> None:
        raise MediaError(f"{name} declares a document type of its own, which ELAN files do not. It is not read.")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
        return ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError, ValueError) as error:
        raise MediaError(f"{name} is damaged or no ELAN file ({error}). Save it in ELAN again.") from error


def read_whole(path: Path) -> bytes:
    """Return what is in a file of events.

    Raises:
        MediaError: it cannot be opened, or is too large for a list of events.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MediaError(f"{path.name} cannot be opened: {error.strerror}. Choose another file.") from error
    if len(content) > MOST_BYTES:
        raise MediaError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB, which no list of events is.")
    return content
