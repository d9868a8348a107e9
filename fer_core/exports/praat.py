"""Praat TextGrid with an interval tier for each person, see https://www.praat.org."""

from __future__ import annotations

from collections.abc import Iterator

from fer_core.analysis.export import ClipResult
from fer_core.exports.format import Format, through_file
from fer_core.exports.tables import one_line, person_names, spans

__all__ = ["FORMATS", "NOBODY", "write"]

NOBODY = "no person"
"""Tier of a clip without a face: Praat's readers do not take a file without tiers."""


def write(result: ClipResult) -> Iterator[bytes]:
    """Write the episodes as intervals; what lies between them is empty text."""
    from pympi.Praat import TextGrid

    found = spans(result)
    times = result.table["time_s"]
    ends = [result.clip.get("seconds"), times.max() if len(times) else None, *found["end_s"]]
    grid = TextGrid(xmin=0, xmax=max([0.001, *(float(end) for end in ends if end)]))
    people = list(dict.fromkeys(one_line(person) for person in person_names(result))) or [NOBODY]
    for person in people:
        tier = grid.add_tier(person.replace('"', '""'))  # pympi doubles the quotes of texts, not those of names
        for span in found[found["person"] == person].itertuples(index=False):
            tier.add_interval(float(span.start_s), float(span.end_s), span.label)
    yield through_file(grid.to_file, "clip.TextGrid")


FORMATS = (Format("praat", "Praat", ".TextGrid", "Praat, ELAN", "Episodes: an interval tier for each person", write),)
