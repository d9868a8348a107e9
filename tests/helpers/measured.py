"""Tables with measures, made of the courses of a few values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from helpers.fakes import make_results

from fer_core.analysis.table import to_table
from fer_core.faces.measures import MEASURES
from fer_core.types import FaceMeasures, FrameResult

USUAL = {"eye_open_left": 0.3, "eye_open_right": 0.3, "mouth_open": 0.02, "mouth_width": 0.55}
USUAL |= {"brow_left": 0.2, "brow_right": 0.2}
"""A face from the front at rest; what is not named is 0."""


def measured_results(
    courses: Mapping[str, Sequence[float]],
    *,
    frame_rate: float = 25.0,
    gaps: Sequence[int] | None = None,
    labels: Sequence[str | None] | None = None,
    track: int = 0,
) -> list[FrameResult]:
    """Results of one face whose measures take the given courses, one value a frame."""
    count = len(next(iter(courses.values())))
    found = []
    for i, result in enumerate(make_results({track: labels or ["happy"] * count}, frame_rate=frame_rate)):
        row = [[courses[name][i] if name in courses else USUAL.get(name, 0.0) for name in MEASURES]]
        flags = np.array([0 if gaps is None else gaps[i]], np.uint8)
        measures = FaceMeasures(MEASURES, np.array(row, np.float32), flags)
        found.append(dataclasses.replace(result, faces=dataclasses.replace(result.faces, measures=measures)))
    return found


def measured_table(courses: Mapping[str, Sequence[float]], **how: object) -> pd.DataFrame:
    """The native table of `measured_results`."""
    return to_table(measured_results(courses, **how))  # type: ignore[arg-type]


def blinking(count: int, at: Mapping[int, int], *, opened: float = 0.3, shut: float = 0.15) -> dict[str, list[float]]:
    """Courses of both eyes that are shut from each frame of `at` on, for as many frames as it says."""
    course = [opened] * count
    for first, frames in at.items():
        course[first : first + frames] = [shut] * frames
    return {"eye_open_left": course, "eye_open_right": list(course)}
