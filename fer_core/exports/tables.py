"""Tables of a clip that can be stacked: frames, episodes and people, with the clip's name and clock time."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from fer_core.analysis.episodes import episodes, summary
from fer_core.analysis.export import ClipResult

__all__ = [
    "clean_result",
    "clean_text",
    "clip_name",
    "episode_table",
    "frame_rate",
    "frame_table",
    "one_line",
    "people_table",
    "person_names",
    "person_rows",
    "recorded_at",
    "rounded",
    "spans",
]

PIXELS = ("x", "y", "w", "h")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
"""What XML 1.0 forbids or discourages, and what spreadsheets refuse."""


def clean_text(value: Any) -> Any:
    """Return a text that every file format can hold; anything but a text is returned as it is.

    Half letters (a file name may hold any bytes) become question marks; control characters are left out.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return _UNPRINTABLE.sub("", text)


def clean_result(result: ClipResult) -> ClipResult:
    """Return a result whose texts every file format can hold; what was given stays as it is."""
    table = result.table
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name].dtype)]
    table = table.assign(**{name: table[name].map(clean_text, na_action="ignore") for name in texts})
    facts = {name: clean_text(value) for name, value in result.clip.items()}
    return ClipResult(table, facts, result.settings)


def one_line(text: str) -> str:
    """Return a text whose line breaks and runs of white space are single spaces."""
    return " ".join(clean_text(text).split())


def clip_name(result: ClipResult) -> str:
    """Return the clip's name as tables show it."""
    return one_line(str(result.clip.get("name") or "clip"))


def recorded_at(result: ClipResult) -> datetime | None:
    """Return when the clip's first frame was taken, or None where that is not known.

    A time without a zone says nothing about the moment, so it counts as not known.
    """
    value = result.clip.get("recorded_at")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def frame_rate(result: ClipResult) -> float | None:
    """Return the mean frames per second: as the clip says, else as its frames are timed; None if neither is known."""
    stated = result.clip.get("frame_rate")
    if isinstance(stated, int | float) and stated > 0:
        return float(stated)
    table = result.table
    if len(table) < 2:
        return None
    frames = int(table["frame"].iloc[-1] - table["frame"].iloc[0])
    seconds = float(table["time_s"].iloc[-1] - table["time_s"].iloc[0])
    return frames / seconds if frames > 0 and seconds > 0 else None


def frame_table(result: ClipResult) -> pd.DataFrame:
    """Return the native table with `clip` in front and `clock_time` after `time_s`: a row for each face and frame."""
    table = result.table.copy()
    table.insert(table.columns.get_loc("time_s") + 1, "clock_time", _clock(table["time_s"], recorded_at(result)))
    table.insert(0, "clip", clip_name(result))
    return table


def episode_table(result: ClipResult) -> pd.DataFrame:
    """Return a row for each episode: who showed what, from when to when."""
    table = episodes(result.table)
    start = recorded_at(result)
    table.insert(table.columns.get_loc("end_s") + 1, "start_clock", _clock(table["start_s"], start))
    table.insert(table.columns.get_loc("start_clock") + 1, "end_clock", _clock(table["end_s"], start))
    table.insert(0, "clip", clip_name(result))
    return table


def people_table(result: ClipResult) -> pd.DataFrame:
    """Return a row for each person: seconds seen, share of each expression, strongest moment."""
    table = summary(result.table)
    start = recorded_at(result)
    for name in ("last", "first"):
        table.insert(table.columns.get_loc("last_s") + 1, f"{name}_clock", _clock(table[f"{name}_s"], start))
    table.insert(0, "clip", clip_name(result))
    return table


def person_names(result: ClipResult) -> list[str]:
    """Return the people of a clip in the order in which they appear, as they are called in the native table."""
    return [str(name) for name in result.table["person"].dropna().unique()]


def person_rows(result: ClipResult, person: str | None) -> ClipResult:
    """Return a result with one row for each frame: that of one person, or a row without a face.

    Where a person has two faces in a frame (two tracks with one name), the face that the detector is surer of is kept.

    Args:
        result: of the whole clip.
        person: as in the native table; None for nobody, so that no row has a face.
    """
    table = result.table
    own = table[(table["face_count"] > 0) & (table["person"] == person)]
    own = own.sort_values("det_score", ascending=False, kind="stable").drop_duplicates("frame")
    frames = table[["frame", "time_s", "shot"]].drop_duplicates("frame")
    rest = own.drop(columns=["time_s", "shot", "face_count"]).assign(face_count=1)
    rows = frames.merge(rest, on="frame", how="left")
    rows["face_count"] = rows["face_count"].fillna(0).astype(int)
    return ClipResult(rows[list(table.columns)], result.clip, result.settings)


def spans(result: ClipResult) -> pd.DataFrame:
    """Return the episodes so that those of one person never overlap, as tools with a tier for each person need them.

    Two tracks with one name can be on screen at once; the later episode then begins where the earlier one ends. None
    goes on after the clip's end, as the last frame's usual length would have it.

    Returns:
        Columns `person` (one line of text), `label`, `start_s`, `end_s` and `confidence`, by start.
    """
    found = episodes(result.table)[["person", "label", "start_s", "end_s", "confidence"]].copy()
    seconds = result.clip.get("seconds")
    if seconds and len(found):
        found["end_s"] = found["end_s"].clip(upper=max(float(seconds), float(result.table["time_s"].max())))
    found["person"] = [one_line(name) for name in found["person"]]
    found["label"] = [one_line(name) for name in found["label"]]
    kept = []
    for _, own in found.groupby("person", sort=False):
        reached = own["end_s"].cummax().shift(fill_value=0.0)
        kept.append(own.assign(start_s=np.maximum(own["start_s"], reached)))
    table = pd.concat(kept) if kept else found
    return table[table["end_s"] - table["start_s"] >= 0.001].sort_values("start_s", kind="stable", ignore_index=True)


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table for reading: pixels with one decimal, every other measure with four."""
    places = {name: 1 if name in PIXELS else 4 for name in table.columns if table[name].dtype.kind == "f"}
    return table.round(places)


def _clock(seconds: pd.Series, start: datetime | None) -> pd.Series:
    if start is None:
        return pd.Series(pd.NaT, index=seconds.index, dtype="datetime64[us, UTC]")
    passed = pd.to_timedelta((seconds.to_numpy(float) * 1000).round(), unit="ms").as_unit("us")
    return pd.Series(pd.Timestamp(start).as_unit("us") + passed, index=seconds.index)
