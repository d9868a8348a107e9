from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from helpers.exported import EPISODES, HOSTILE, NAMES, PEOPLE, TAKEN, make_result
from helpers.fakes import GONE

from fer_core.analysis.table import columns
from fer_core.exports import tables
from fer_core.labels import FER7


def test_frames_are_the_native_table_with_clip_and_clock():
    result = make_result(clip={"recorded_at": TAKEN})
    table = tables.frame_table(result)
    assert list(table) == ["clip", "frame", "time_s", "clock_time", *columns(FER7)[2:]]
    assert set(table["clip"]) == {"Jürgen.mp4"}
    pd.testing.assert_frame_equal(table[list(result.table)], result.table)
    row = table[table["frame"] == 7].iloc[0]
    assert row["clock_time"].isoformat() == "2026-05-01T14:03:05.950000+02:00"
    assert "clip" not in result.table  # the table that was given stays as it was


@pytest.mark.parametrize("value", [None, "", "yesterday", "2026-05-01T14:03:05", datetime(2026, 5, 1), 1777])
def test_without_an_aware_time_there_is_no_clock(value):
    result = make_result(clip={"recorded_at": value})
    assert tables.recorded_at(result) is None
    assert tables.frame_table(result)["clock_time"].isna().all()
    assert tables.episode_table(result)[["start_clock", "end_clock"]].isna().all(axis=None)


def test_a_time_may_be_given_as_such():
    when = datetime(2026, 5, 1, 12, 3, 5, 250_000, UTC)
    assert tables.recorded_at(make_result(clip={"recorded_at": when})) == when
    assert tables.recorded_at(make_result(clip={"recorded_at": TAKEN})) == when
    assert tables.recorded_at(make_result(clip={"recorded_at": TAKEN})).utcoffset() == timedelta(hours=2)


def test_episodes_and_people_say_clip_and_clock():
    result = make_result(clip={"recorded_at": TAKEN})
    episodes = tables.episode_table(result)
    assert list(episodes)[:2] == ["clip", "person"]
    assert [(e.person, e.label) for e in episodes.itertuples()] == [(who, label) for who, label, *_ in EPISODES]
    sad = episodes[episodes["label"] == "sad"].iloc[0]
    start = datetime.fromisoformat(TAKEN)
    assert sad["start_clock"] == start + timedelta(seconds=1.3) and sad["end_clock"] == start + timedelta(seconds=2)
    people = tables.people_table(result)
    assert people["person"].tolist() == list(NAMES.values()) and set(people["clip"]) == {"Jürgen.mp4"}
    assert people["first_clock"].iloc[1] == start + timedelta(seconds=0.5)
    assert people["last_clock"].iloc[1] == start + timedelta(seconds=1.9)
    assert people["unsure"].iloc[1] == pytest.approx(2 / 12)


@pytest.mark.parametrize("make", [tables.frame_table, tables.episode_table, tables.people_table])
def test_tables_of_clips_can_be_stacked(make):
    zone = timezone(timedelta(hours=2))
    one = make(make_result(clip={"name": "a.mp4", "recorded_at": datetime(2026, 5, 1, tzinfo=zone)}))
    other = make(make_result(clip={"name": "b.mp4"}))
    assert list(one) == list(other)
    both = pd.concat([one, other], ignore_index=True)
    assert both.groupby("clip", sort=False).size().to_dict() == {"a.mp4": len(one), "b.mp4": len(other)}


@pytest.mark.parametrize("name", HOSTILE)
def test_texts_can_be_held_by_every_file(name):
    given = make_result(names={0: name}, clip={"name": name})
    clean = tables.clean_result(given)
    text = clean.table["person"].iloc[0]
    assert clean.clip["name"] == text and given.table["person"].iloc[0] == name
    assert not any(ord(c) < 32 and c not in "\t\n" for c in text) and text.encode().decode() == text
    assert tables.one_line(name).split("\n") == [tables.one_line(name)]


def test_clean_text_changes_nothing_else():
    assert tables.clean_text("Jürgen 😀 שלום\n\t=") == "Jürgen 😀 שלום\n\t="
    assert tables.clean_text("a\r\nb\rc\x00d\udce9") == "a\nb\ncd?"
    assert tables.clean_text(3.5) == 3.5 and tables.clean_text(None) is None


def test_frame_rate_as_stated_or_as_timed():
    assert tables.frame_rate(make_result(clip={"frame_rate": 29.97})) == 29.97
    assert tables.frame_rate(make_result()) == pytest.approx(10)
    assert tables.frame_rate(make_result({0: ["happy"]})) is None
    assert tables.frame_rate(make_result({0: ["happy"]}, clip={"frame_rate": 0})) is None


def test_rows_of_one_person():
    rows = tables.person_rows(make_result(), "Zoë").table
    assert rows["frame"].tolist() == list(range(20)) and list(rows) == list(make_result().table)
    there = [shown != GONE for shown in PEOPLE[1]]
    assert (rows["face_count"] == 1).tolist() == there
    assert rows["happy"].notna().tolist() == there and rows["shot"].eq(0).all()
    assert set(rows["person"].dropna()) == {"Zoë"}
    assert tables.person_rows(make_result(), None).table["face_count"].eq(0).all()


def test_of_two_faces_with_one_name_the_surer_counts():
    result = make_result({0: ["happy"] * 4, 1: ["sad"] * 4}, {0: "Ada", 1: "Ada"})
    result.table.loc[result.table["track_id"] == 1, "det_score"] = 0.95
    rows = tables.person_rows(result, "Ada").table
    assert rows["label"].tolist() == ["sad"] * 4 and rows["frame"].tolist() == [0, 1, 2, 3]


def test_spans_are_the_episodes():
    spans = tables.spans(make_result())
    assert [(s.person, s.label, round(s.start_s, 3), round(s.end_s, 3)) for s in spans.itertuples()] == EPISODES


def test_spans_of_one_person_never_overlap_nor_pass_the_end():
    people = {0: ["happy"] * 10 + [GONE] * 10, 1: [GONE] * 4 + ["sad"] * 3 + ["fear"] * 13, 2: ["neutral"] * 20}
    spans = tables.spans(make_result(people, {0: "Ada", 1: "Ada"}, clip={"seconds": 1.95}))
    ada = spans[spans["person"] == "Ada"]
    assert ada["label"].tolist() == ["happy", "fear"]  # sad lies wholly within happy
    np.testing.assert_allclose(ada[["start_s", "end_s"]], [[0, 1], [1, 1.95]])
    assert spans["end_s"].max() == pytest.approx(1.95)
    assert spans["start_s"].is_monotonic_increasing


def test_a_clip_that_says_too_short_a_length_loses_nothing():
    spans = tables.spans(make_result(clip={"seconds": 0.5}))
    assert spans["end_s"].max() == pytest.approx(1.9)  # the time of the last frame
    assert len(spans) == len(EPISODES)
