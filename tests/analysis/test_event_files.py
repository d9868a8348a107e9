"""Events in CSV and ELAN files; ELAN files are read back by pympi-ling, which its users use."""

import pympi
import pytest

from fer_core.analysis.elan_files import read_events_elan, write_events_elan
from fer_core.analysis.event_files import (
    read_events,
    read_events_csv,
    read_ranges,
    write_events_csv,
)
from fer_core.analysis.events import Event, TimeRange
from fer_core.errors import MediaError

EVENTS = [Event(0.5, "Film äöü"), Event(2.25, 'a, b; "c" <d> & e', 1.5), Event(2.25, "z")]


@pytest.mark.parametrize(
    "text",
    [
        "time_s,label,duration_s\n1.5,bang,0.25\n3,boo,0\n",
        "Zeit;Event;Dauer\r\n1,5;bang;0,25\r\n3;boo;\r\n",
        "onset\tduration\ttrial_type\n1.5\t0.25\tbang\n3\t0\tboo\n",
        "Label,Start (ms),End (ms)\nboo,3000,3000\nbang,1500,1750\n",
        "start_ms,duration_ms,name\n1500,250,bang\n\n3000,,boo\n",
        "\ufeffTime,Marker,Duration\n0:00:01.5,bang,0.25\n00:03,boo,0\n",
    ],
)
def test_usual_tables_are_read(tmp_path, text):
    path = tmp_path / "events.csv"
    path.write_bytes(text.encode())
    assert read_events(path) == [Event(1.5, "bang", 0.25), Event(3.0, "boo")]


def test_windows_encoding_and_missing_labels(tmp_path):
    path = tmp_path / "events.csv"
    path.write_bytes("time;label\n1;Türe\n2;\n".encode("cp1252"))
    assert read_events_csv(path) == [Event(1.0, "Türe"), Event(2.0, "event")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column of times.*it has: nothing"),
        ("a,b\n1,2\n", "it has: a, b"),
        ("time,label\nsoon,x\n", "line 2: 'soon' is no time"),
        ("time,label\n1,x\n-3,x\n", "line 3: Event: 'time_s'"),
        ("time,label\n,x\n", "line 2: there is no time"),
        ("start,end,label\n5,3,x\n", "line 2: Event: 'duration_s'"),
        ("time,label\nnan,x\n", "line 2"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_with_their_line(tmp_path, text, words):
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(MediaError, match=words):
        read_events_csv(path)


def test_csv_round_trip(tmp_path):
    path = tmp_path / "events.csv"
    write_events_csv(path, reversed(EVENTS))
    assert read_events(path) == EVENTS
    write_events_csv(path, [Event(1.0, "=1+1")])
    assert "'=1+1" in path.read_text()


def test_stretches_to_leave_out_are_events_that_last(tmp_path):
    path = tmp_path / "pauses.csv"
    path.write_text("start;end;label\n1,5;4;pause\n")
    assert read_ranges(path) == [TimeRange(1.5, 4.0, "pause")]
    path.write_text("start;end;label\n1,5;4;pause\n9;9;bang\n")
    with pytest.raises(MediaError, match="'bang' at 9 s does not last"):
        read_ranges(path)


def test_elan_round_trip_and_what_pympi_reads(tmp_path):
    path = tmp_path / "events.eaf"
    write_events_elan(path, reversed(EVENTS), media="talk.mp4", tier="stimuli")
    assert read_events(path) == EVENTS
    read = pympi.Elan.Eaf(str(path))
    assert list(read.get_tier_names()) == ["stimuli"]
    assert sorted(read.get_annotation_data_for_tier("stimuli")) == sorted(
        [(500, 501, "Film äöü"), (2250, 3750, EVENTS[1].label), (2250, 2251, "z")]
    )
    assert read.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./talk.mp4"


def test_file_that_pympi_wrote_is_read_by_tier(tmp_path):
    written = pympi.Elan.Eaf()
    written.add_tier("stimuli")
    written.add_tier("notes")
    written.add_annotation("stimuli", 1000, 2500, "film")
    written.add_annotation("notes", 500, 700, "")
    path = tmp_path / "other.eaf"
    written.to_file(str(path))
    assert read_events(path) == [Event(0.5, "notes", 0.2), Event(1.0, "film", 1.5)]
    assert read_events_elan(path, ["stimuli"]) == [Event(1.0, "film", 1.5)]
    with pytest.raises(MediaError, match=r"no tier 'x'.*stimuli, notes"):
        read_events_elan(path, ["x"])


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>
<ANNOTATION_DOCUMENT>&c;</ANNOTATION_DOCUMENT>"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "document type of its own"),
        ("<html></html>", "no ELAN file"),
        ("<ANNOTATION_DOCUMENT>", "damaged or no ELAN file"),
        ("no xml", "damaged or no ELAN file"),
    ],
)
def test_other_and_hostile_documents_are_refused(tmp_path, text, words):
    path = tmp_path / "a.eaf"
    path.write_text(text)
    with pytest.raises(MediaError, match=words):
        read_events(path)


def test_missing_file_and_reversed_annotation(tmp_path):
    with pytest.raises(MediaError, match="cannot be opened"):
        read_events(tmp_path / "none.csv")
    path = tmp_path / "a.eaf"
    write_events_elan(path, [Event(5.0, "x", 2.0)])
    path.write_text(path.read_text().replace('TIME_VALUE="7000"', 'TIME_VALUE="soon"'))
    with pytest.raises(MediaError, match="no proper times"):
        read_events(path)
