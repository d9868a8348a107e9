"""All formats: the table, the page of the documentation, and what must hold for each of them."""

import re
from pathlib import Path

import pytest
from helpers.exported import CLIP, HOSTILE, SETTINGS, TAKEN, make_result
from helpers.fakes import GONE
from helpers.measured import measured_table

from fer_core.analysis.export import ClipResult
from fer_core.analysis.table import ResultTable
from fer_core.errors import FerError, OptionError
from fer_core.exports import FORMATS, MODULES, check_names, write_exports
from fer_core.labels import FER7

DOCS = Path(__file__).resolve().parents[2] / "docs" / "exports.md"
ASKED = {"excel", "csv-excel", "spss", "parquet", "elan", "praat", "boris", "vtt", "srt", "fer", "deepface", "pyfeat"}
ASKED |= {"facereader", "affdex", "report", "bundle"}


def test_the_table_of_formats():
    assert set(FORMATS) >= ASKED
    assert len(FORMATS) == sum(len(module.FORMATS) for module in MODULES)  # no name twice
    endings = [entry.ending for entry in FORMATS.values()]
    assert len(set(endings)) == len(endings)  # all of them fit into one folder
    for name, entry in FORMATS.items():
        assert entry.name == name and re.fullmatch(r"[a-z]+(-[a-z]+)?", name)
        assert entry.title and entry.opens_in and entry.description and not entry.description.endswith(".")


def test_the_documentation_lists_the_same():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \| `(.*?)` \| (.*?) \| (.*?) \|$", DOCS.read_text("utf-8"), re.M)
    assert [row[0] for row in rows] == list(FORMATS)
    for name, title, file, opens_in, description in rows:
        entry = FORMATS[name]
        person = "-PERSON" if entry.per_person else ""
        assert (title, file) == (entry.title, f"CLIP{person}{entry.ending}")
        assert (opens_in, description) == (entry.opens_in, entry.description)


def test_files_are_named_by_clip_and_format(tmp_path):
    paths = write_exports(make_result(), tmp_path, "talk", ["excel", "elan", "excel", "affdex"])
    assert [path.name for path in paths] == ["talk.xlsx", "talk.eaf", "talk-jürgen-ö-affdex.csv", "talk-zoë-affdex.csv"]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    assert write_exports(make_result(), tmp_path, "talk", []) == []


@pytest.mark.parametrize("names", [["ecxel"], ["excel", ""], ["CSV"]])
def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path, names):
    with pytest.raises(OptionError, match=r"There is no export called .*Choose one or several of: csv, .*bundle"):
        write_exports(make_result(), tmp_path, "clip", ["csv", *names])
    assert list(tmp_path.iterdir()) == []


def test_names_are_taken_once():
    assert check_names(["csv", "srt", "csv"]) == ("csv", "srt")
    with pytest.raises(OptionError, match="No export was named"):
        check_names([])


@pytest.mark.parametrize("name", ["csv", "excel", "elan", "facereader"])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, name):
    paths = write_exports(make_result(), tmp_path, "clip", [name])
    before = paths[0].read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fer_core.utils.files.os.replace", full)
    with pytest.raises(FerError, match="could not be written"):
        write_exports(make_result({0: ["sad"] * 20}), tmp_path, "clip", [name])
    assert paths[0].read_bytes() == before and len(list(tmp_path.iterdir())) == len(paths)


@pytest.mark.parametrize("name", list(FORMATS))
def test_any_name_of_clip_and_person_can_be_written(tmp_path, name):
    """The report draws charts for seconds; its own test has the names."""
    crowd = make_result({i: ["happy"] * 4 for i in range(len(HOSTILE))}, dict(enumerate(HOSTILE)))
    for text in [] if name == "report" else ("=1+1", "<a>\r\n\x00\udce9", "../x"):
        result = ClipResult(crowd.table, crowd.clip | {"name": text}, crowd.settings)
        paths = write_exports(result, tmp_path, "clip", [name])
        assert all(path.parent == tmp_path and path.stat().st_size for path in paths)
        assert len(set(paths)) == len(paths) == (len(HOSTILE) if FORMATS[name].per_person else 1)


SMALL = {
    "no face": make_result({0: [GONE] * 3}),
    "unsure": make_result({0: [None] * 3}),
    "one frame": make_result({0: ["fear"]}),
    "no frame": ClipResult(ResultTable(FER7).table(), CLIP, SETTINGS),
    "few facts": ClipResult(make_result().table, {"name": "a"}, {}),
    "measures": ClipResult(measured_table({"head_yaw": [0.0] * 5}), CLIP, SETTINGS),
    "a picture": make_result({0: ["happy"]}, clip={"seconds": None, "recorded_at": TAKEN}),
    "another model": ClipResult(
        make_result().table.drop(columns=[n + s for n in FER7[:5] for s in ("", "_smoothed")]), CLIP, SETTINGS
    ),
}


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("kind", list(SMALL))
def test_clips_with_little_in_them(tmp_path, name, kind):
    (path,) = write_exports(SMALL[kind], tmp_path, "clip", [name])[:1]
    assert path.exists()


def test_people_with_names_that_make_the_same_file_name_keep_their_own(tmp_path):
    people = {i: ["happy"] * 3 for i in range(3)}
    paths = write_exports(make_result(people, {0: "A/B", 1: "a b", 2: "../"}), tmp_path, "clip", ["affdex"])
    assert [path.name for path in paths] == ["clip-a-b-affdex.csv", "clip-a-b-2-affdex.csv", "clip-person-affdex.csv"]
