"""BORIS project, and BORIS's table of events (Friard and Gamba, 2016, https://www.boris.unito.it).

The project opens in BORIS itself, or is added to a project at hand with its command to import observations. The table
is what BORIS exports as tabular events, which scripts in R and Python read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import label_names
from fer_core.exports.format import Format
from fer_core.exports.tables import clip_name, frame_rate, one_line, person_names, recorded_at, spans
from fer_core.utils.csv_safety import safe_table

__all__ = ["FORMATS", "write_events", "write_project"]

VERSION = "7.0"
"""Of the project's layout, which BORIS 7 to 9 open."""
CATEGORY = "Expression"
START, STOP = "START", "STOP"


def write_project(result: ClipResult) -> Iterator[bytes]:
    """Write a project with one observation: people as subjects, expressions as state events."""
    name = clip_name(result)
    people = list(dict.fromkeys(one_line(person) for person in person_names(result)))
    events = _events(result)
    labels = dict.fromkeys([*map(one_line, label_names(result.table)), *events["label"]])
    length, rate = _seconds(result), frame_rate(result)
    observation = {
        "file": {str(player): [name] if player == 1 else [] for player in range(1, 9)},
        "type": "MEDIA",
        "date": _date(result, "T"),
        "description": "Expressions as Expression Lab named them",
        "time offset": 0.0,
        "events": [
            [round(e.time_s, 3), e.person, e.label, "", "", int(e.frame)] for e in events.itertuples(index=False)
        ],
        "observation time interval": [0, 0],
        "independent_variables": {},
        "media_info": {
            "length": {name: length},
            "fps": {name: rate or 0.0},
            "hasVideo": {name: True},
            "hasAudio": {name: False},
            "offset": {str(player): 0.0 for player in range(1, 9)},
        },
    }
    project = {
        "time_format": "hh:mm:ss",
        "project_date": _date(result, "T"),
        "project_name": name,
        "project_description": "Written by Expression Lab",
        "project_format_version": VERSION,
        "subjects_conf": {str(i): {"key": "", "name": person, "description": ""} for i, person in enumerate(people)},
        "behaviors_conf": {str(i): _behavior(label) for i, label in enumerate(labels)},
        "observations": {name: observation},
        "behavioral_categories": [CATEGORY],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    yield json.dumps(project, ensure_ascii=True, indent=1).encode()  # BORIS opens it in the system's encoding


def write_events(result: ClipResult) -> Iterator[bytes]:
    """Write the table of events: a row for the START and one for the STOP of each episode, tab-separated."""
    events, rate = _events(result), frame_rate(result)
    n = len(events)
    table = pd.DataFrame(
        {
            "Observation id": [clip_name(result)] * n,
            "Observation date": [_date(result, " ")] * n,
            "Description": [""] * n,
            "Observation duration": [round(_seconds(result), 3)] * n,
            "Observation type": ["Media file(s)"] * n,
            "Source": [f"player #1:{clip_name(result)}"] * n,
            "Time offset (s)": [0.0] * n,
            "Media duration (s)": [round(_seconds(result), 3)] * n,
            "FPS": [None if rate is None else round(rate, 3)] * n,
            "Subject": events["person"],
            "Behavior": events["label"],
            "Behavioral category": [CATEGORY] * n,
            "Behavior type": events["kind"],
            "Time": events["time_s"].round(3),
            "Media file name": [clip_name(result)] * n,
            "Image index": events["frame"],
            "Image file path": ["NA"] * n,
            "Comment": [""] * n,
        }
    )
    yield safe_table(table).to_csv(index=False, sep="\t", lineterminator="\n").encode()


def _events(result: ClipResult) -> pd.DataFrame:
    """Return START and STOP of each episode by time; a stop comes before a start at the same time."""
    found = spans(result)
    parts = [
        found[["person", "label"]].assign(time_s=found[column].astype(float), kind=kind)
        for column, kind in (("end_s", STOP), ("start_s", START))
    ]
    events = pd.concat(parts).sort_values("time_s", kind="stable", ignore_index=True)
    frames = result.table[["time_s", "frame"]].drop_duplicates("frame")
    before = frames["time_s"].searchsorted(events["time_s"] + 1e-6, side="right") - 1
    events["frame"] = frames["frame"].to_numpy()[before.clip(0)] if len(frames) else []
    return events


def _behavior(label: str) -> dict[str, Any]:
    return {
        "type": "State event",
        "key": "",
        "code": label,
        "description": "",
        "color": "",
        "category": CATEGORY,
        "modifiers": {},
        "excluded": "",
        "coding map": "",
    }


def _date(result: ClipResult, between: str) -> str:
    start = recorded_at(result)
    return "" if start is None else f"{start:%Y-%m-%d}{between}{start:%H:%M:%S}"


def _seconds(result: ClipResult) -> float:
    """Return the clip's length, or the time of its last analysed frame where the length is not known."""
    stated = result.clip.get("seconds")
    if stated:
        return float(stated)
    return float(result.table["time_s"].max()) if len(result.table) else 0.0


FORMATS = (
    Format(
        "boris",
        "BORIS project",
        ".boris",
        "BORIS",
        "Episodes as state events of an observation, people as subjects; also for “Import observations”",
        write_project,
    ),
    Format(
        "boris-events",
        "BORIS events",
        "-boris.tsv",
        "scripts for BORIS's tabular events",
        "START and STOP of each episode, with BORIS's columns",
        write_events,
    ),
)
