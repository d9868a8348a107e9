"""The BORIS project by the rules of BORIS 8's own reader, and the events table by pandas as scripts read it.

BORIS needs a screen and its own Qt, so it is no test dependency: the checks below are those of its
`project_functions.open_project_json`, `check_state_events_obs` and `events_start_stop`.
"""

import json
from collections import defaultdict
from decimal import Decimal

import pandas as pd
import pytest
from helpers.exported import EPISODES, HOSTILE, TAKEN, export, make_result
from helpers.fakes import GONE

from fer_core.exports import tables


def project(path):
    return json.loads(path.read_text())


def paired(observation: dict) -> list[tuple[str, str, float, float]]:
    """Episodes as BORIS pairs them: of one subject and behaviour, every second event is a stop."""
    open_at: dict[tuple[str, str], Decimal] = {}
    found = []
    for time, subject, behavior, modifier, comment, frame in observation["events"]:
        assert (modifier, comment) == ("", "") and frame == int(frame)
        key, moment = (subject, behavior), Decimal(str(time)).quantize(Decimal(".001"))
        if key in open_at:
            found.append((*key, float(open_at.pop(key)), float(moment)))
        else:
            open_at[key] = moment
    assert not open_at, "a state event without its end"
    return sorted(found, key=lambda row: row[2])


def test_the_project_opens_with_its_episodes(tmp_path):
    content = project(export(make_result(clip={"recorded_at": TAKEN}), tmp_path, "boris"))
    assert content["project_format_version"] == "7.0"
    (name,) = content["observations"]
    observation = content["observations"][name]
    assert name == "Jürgen.mp4" and observation["type"] == "MEDIA" and observation["date"] == "2026-05-01T14:03:05"
    assert observation["file"]["1"] == [name] and set(observation["file"]) == {str(i) for i in range(1, 9)}
    assert observation["media_info"]["length"] == {name: 2.0}
    assert observation["media_info"]["fps"][name] == pytest.approx(10)
    assert sorted(paired(observation)) == sorted(EPISODES)
    times = [event[0] for event in observation["events"]]
    assert times == sorted(times)
    subjects = {subject["name"] for subject in content["subjects_conf"].values()}
    codes = {behavior["code"]: behavior["type"] for behavior in content["behaviors_conf"].values()}
    assert subjects == {"Jürgen Ö.", "Zoë"} and set(codes.values()) == {"State event"}
    assert {event[1] for event in observation["events"]} <= subjects
    assert {event[2] for event in observation["events"]} <= set(codes)


def test_one_subject_shows_one_expression_at_a_time(tmp_path):
    people = {0: ["happy"] * 10 + ["sad"] * 10, 1: ["sad"] * 12 + ["happy"] * 8}
    content = project(export(make_result(people, {0: "Ada", 1: "Ada"}), tmp_path, "boris"))
    by_subject = defaultdict(list)
    for who, _, start, end in paired(content["observations"]["Jürgen.mp4"]):
        by_subject[who].append((start, end))
    assert list(by_subject) == ["Ada"]
    assert all(a[1] <= b[0] for a, b in zip(by_subject["Ada"], by_subject["Ada"][1:], strict=False))


def test_the_table_of_events(tmp_path):
    table = pd.read_csv(export(make_result(clip={"recorded_at": TAKEN}), tmp_path, "boris-events"), sep="\t")
    assert list(table)[:3] == ["Observation id", "Observation date", "Description"]
    assert pd.to_datetime(table["Observation date"]).eq("2026-05-01 14:03:05").all()
    starts = table[table["Behavior type"] == "START"]
    stops = table[table["Behavior type"] == "STOP"]
    keys = ["Subject", "Behavior"]
    both = starts.merge(stops, on=keys, suffixes=("", "_stop")).sort_values(["Time", "Subject"])
    assert list(both[[*keys, "Time", "Time_stop"]].itertuples(index=False, name=None)) == EPISODES
    assert table["Time"].is_monotonic_increasing and set(table["FPS"]) == {10.0}
    row = starts[starts["Behavior"] == "fear"].iloc[0]
    assert row["Image index"] == 13 and row["Media file name"] == "Jürgen.mp4"


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tmp_path, name):
    result = make_result(names={0: name}, clip={"name": name})
    content = project(export(result, tmp_path, "boris"))
    assert content["subjects_conf"]["0"]["name"] == tables.one_line(name)
    assert len(paired(content["observations"][tables.one_line(name)])) == 4
    table = pd.read_csv(export(result, tmp_path, "boris-events"), sep="\t", keep_default_na=False)
    assert len(table) == 8 and table["Subject"].iloc[0].lstrip("'") == tables.one_line(name).lstrip("'")
    assert not table["Subject"].str.match(r"[=+\-@\t]").any()


def test_a_clip_without_a_face(tmp_path):
    result = make_result({0: [GONE] * 3})
    content = project(export(result, tmp_path, "boris"))
    assert content["subjects_conf"] == {} and content["observations"]["Jürgen.mp4"]["events"] == []
    assert pd.read_csv(export(result, tmp_path, "boris-events"), sep="\t").empty
