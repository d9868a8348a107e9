"""ELAN annotation file (.eaf) with a tier for each person, see https://archive.mpi.nl/tla/elan."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator

from fer_core.analysis.export import ClipResult
from fer_core.exports.format import Format, through_file
from fer_core.exports.tables import clip_name, one_line, person_names, spans

__all__ = ["FORMATS", "write"]


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the episodes: an annotation with the expression's name for each, in milliseconds."""
    from pympi import Eaf

    file = Eaf(author="Expression Lab")
    file.remove_tier("default")
    name = clip_name(result)
    file.add_linked_file(name, relpath=f"./{name}", mimetype=mimetypes.guess_type(name)[0] or "video/mp4")
    for person in dict.fromkeys(one_line(person) for person in person_names(result)):
        file.add_tier(person, part=person)
    for span in spans(result).itertuples(index=False):
        start, end = round(span.start_s * 1000), round(span.end_s * 1000)
        if end > start:
            file.add_annotation(span.person, start, end, span.label)
    yield through_file(file.to_file, "clip.eaf")


FORMATS = (
    Format(
        "elan",
        "ELAN",
        ".eaf",
        "ELAN",
        "Episodes: a tier for each person, linked to the clip beside it",
        write,
    ),
)
