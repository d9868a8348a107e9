"""Studies on disk: what goes in, what is said of bad input, and what two programs may do at once."""

from __future__ import annotations

import errno
import json
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import fakes, media

from fer_core.analysis.clip import ClipAnalysis
from fer_core.errors import DatasetError, FerError, OptionError
from fer_core.studies import segment_reader
from fer_core.studies.adding import Added, add_clips, add_stream, add_zip
from fer_core.studies.bounds import Bounds
from fer_core.studies.keeping import KEPT, keep_analysis, recent_study
from fer_core.studies.library import create_study, delete_study, list_studies, open_study
from fer_core.studies.manifest import Manifest, StudyError
from fer_core.studies.runner import run_study
from fer_core.studies.settings import StudySettings, read_settings
from fer_core.studies.study import Study
from fer_core.studies.tables import apply_columns, export_study, manifest_table, read_columns
from fer_core.studies.work import ClipJob, do_whole


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def face_clip(path: Path, frames: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return media.make_clip(path, [fakes.two_people_frame(240)[:, :320]] * frames)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for i, name in enumerate(("P01/face.mp4", "P02/face.mp4", "P02/other.mkv")):
        face_clip(tmp_path / "clips" / name, 3 + i)
    return tmp_path / "clips"


@pytest.fixture
def study() -> Study:
    return create_study("Pilot", StudySettings(sample_fps=None))


def names(study: Study) -> list[str]:
    return [entry.name for entry in study.clips()]


def test_a_folder_goes_in_with_its_folders_and_what_is_no_clip_is_said(study: Study, clips: Path) -> None:
    (clips / "notes.txt").write_text("x")
    (clips / "._face.mp4").write_text("of a Mac")
    (clips / "torn.mp4").write_text("no clip")
    added = add_clips(study, [clips])
    assert names(study) == ["P01/face.mp4", "P02/face.mp4", "P02/other.mkv"]
    assert [entry.participant for entry in study.clips()] == ["P01", "P02", "P02"]
    assert added.ignored == 1 and len(added.new) == 3
    (refused,) = added.refused
    assert refused.startswith("torn.mp4: ") and refused.endswith(".")


def test_clips_are_known_by_content(study: Study, clips: Path, tmp_path: Path) -> None:
    add_clips(study, [clips])
    shutil.copy(clips / "P01" / "face.mp4", clips / "twin.mp4")
    added = add_clips(study, [clips])
    assert added.new == [] and len(added.notes) == 1
    assert "twin.mp4: the same clip as P01/face.mp4" in added.notes[0]
    (clips / "twin.mp4").unlink()
    (clips / "P01" / "face.mp4").rename(tmp_path / "moved.mp4")
    added = add_clips(study, [tmp_path / "moved.mp4"])
    assert "moved or renamed" in added.notes[0] and added.new == []
    assert study.clips()[0].path == str(tmp_path / "moved.mp4")
    face_clip(tmp_path / "more" / "P01" / "face.mp4", 9)
    add_clips(study, [tmp_path / "more"])
    assert names(study)[-1] == "P01/face-2.mp4", "two clips of one name stay apart"


def test_a_study_is_analysed_and_readable_without_us(study: Study, clips: Path) -> None:
    add_clips(study, [clips])
    progress = run_study(study, workers=1)
    assert (progress.done, progress.failed, progress.share) == (3, 0, 1.0)
    for entry in study.clips():
        folder = study.folder / "clips" / entry.folder
        table = pd.read_parquet(folder / "table.parquet")
        assert entry.state == "done" and entry.frames == table["frame"].nunique() and entry.people >= 1
        assert json.loads((folder / "clip.json").read_text())["name"] == entry.name
        assert len(pd.read_parquet(folder / "episodes.parquet").columns) == 8
    assert "manifest.jsonl" in (study.folder / "README.txt").read_text()
    assert run_study(study, workers=1).count == 0, "what is done is not done again"


def test_a_clip_that_vanishes_or_changes_is_said_and_the_rest_goes_on(study: Study, clips: Path) -> None:
    add_clips(study, [clips])
    (clips / "P01" / "face.mp4").unlink()
    face_clip(clips / "P02" / "face.mp4", 11)
    assert run_study(study, workers=1).done == 1
    gone, changed, fine = study.clips()
    assert (gone.state, changed.state, fine.state) == ("failed", "failed", "done")
    assert "not there any more" in gone.error and "has changed" in changed.error


def test_old_results_stay_until_new_ones_are_whole_and_names_are_carried_over(
    study: Study, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_clips(study, [clips / "P02" / "other.mkv"])
    run_study(study)
    (entry,) = study.clips()
    study.result(entry).rename({0: "Ada"})
    study.redo([entry], StudySettings(sample_fps=None, frame_stride=2))
    (clips / "P02" / "other.mkv").rename(clips / "away.mkv")
    run_study(study)
    assert study.clips()[0].state == "failed" and study.result(entry).facts.frames == 5
    (clips / "away.mkv").rename(clips / "P02" / "other.mkv")
    study.change(entry.id, state="waiting")
    run_study(study)
    stored = study.result(study.clips()[0])
    assert stored.facts.frames == 3 and stored.names == {0: "Ada"}
    assert set(stored.recorder.table(stored.names)["person"].dropna()) == {"Ada"}


def test_two_programs_never_analyse_one_study_at_once(study: Study, clips: Path) -> None:
    add_clips(study, [clips])
    with study.hold():
        assert study.running()
        with pytest.raises(StudyError, match=r"another program.*done"):
            run_study(Study(study.folder))
        with pytest.raises(StudyError, match="another program"):
            delete_study(Study(study.folder))
        Study(study.folder).change(study.clips()[0].id, participant="Ada")  # others may still write columns
    assert study.clips()[0].participant == "Ada" and not study.running()


def test_a_full_disk_stops_with_a_sentence_and_goes_on_later(
    study: Study, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_clips(study, [clips])

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(segment_reader, "write_chunk", full)
        with pytest.raises(StudyError, match=r"disk is full.*goes on"):
            run_study(study, workers=1)
    assert {entry.state for entry in study.clips()} == {"waiting"} and study.told()["error"]
    assert run_study(study, workers=1).done == 3


def test_stop_and_skip(study: Study, clips: Path) -> None:
    add_clips(study, [clips])
    first = study.clips()[0]
    study.stop_clip(first)
    seen = []

    def work(job: ClipJob) -> dict[str, Any]:
        seen.append(job.entry.name)
        study.stop()
        return {"state": "done", "error": ""}

    assert run_study(study, workers=1, whole=work).done == 1
    assert seen == ["P02/face.mp4"]
    assert [entry.state for entry in study.clips()] == ["skipped", "done", "waiting"]


def test_the_end_of_a_visit_ends_the_work(study: Study, clips: Path) -> None:
    add_clips(study, [clips])

    def work(job: ClipJob) -> dict[str, Any]:
        shutil.rmtree(job.study)
        return do_whole(job)

    assert run_study(study, workers=1, whole=work).done == 0
    assert not study.folder.exists(), "nothing is written where it was"


def test_a_study_from_elsewhere(study: Study, clips: Path, tmp_path: Path, home: Path) -> None:
    add_clips(study, [clips])
    run_study(study, workers=1)
    copy = home / "studies" / "Copy"
    shutil.copytree(study.folder, copy)
    shutil.rmtree(copy / "clips" / study.clips()[0].folder)  # half deleted
    (copy / "clips" / study.clips()[1].folder / "table.parquet").write_bytes(b"torn")
    with pytest.raises(StudyError, match=r"damaged.*again"):
        Study(copy).result(study.clips()[1]).recorder.table()
    shutil.rmtree(clips)
    run_study(Study(copy), workers=1)
    assert [entry.state for entry in Study(copy).clips()] == ["failed", "done", "done"]
    (home / "studies" / "New").mkdir()
    (home / "studies" / "New" / "study.json").write_text('{"version": 99, "settings": {}}')
    (home / "studies" / "Torn").mkdir()
    (home / "studies" / "Torn" / "study.json").write_text("{")
    found, problems = list_studies()
    assert [one.name for one in found] == ["Copy", "Pilot"]
    assert ["newer version" in problems[0], "damaged" in problems[1]] == [True, True]


def test_a_torn_manifest_keeps_what_is_whole(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.jsonl")
    manifest.append([{"id": "a" * 32, "name": "a", "path": "a"}, {"id": "b" * 32, "name": "b", "path": "b"}])
    with open(tmp_path / "manifest.jsonl", "ab") as file:
        file.write(b'{"id": "aaaa')  # a crash
    assert len(Manifest(tmp_path / "manifest.jsonl").clips()) == 2
    manifest.append([{"id": "a" * 32, "participant": "Ada"}])
    assert manifest.clips()["a" * 32].participant == "Ada"
    manifest.compact()
    assert len((tmp_path / "manifest.jsonl").read_text().splitlines()) == 2
    assert Manifest(tmp_path / "manifest.jsonl").clips() == manifest.clips()
    manifest.append([{"id": "b" * 32, "gone": True}])
    assert list(manifest.clips()) == ["a" * 32]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 61, "nul\0l", "end."])
def test_names_that_are_no_names_of_folders_are_refused(name: str) -> None:
    with pytest.raises(StudyError, match="name has"):
        create_study(name)


def test_a_name_is_taken_once_and_opened_as_it_is(study: Study) -> None:
    with pytest.raises(StudyError, match="already"):
        create_study("Pilot")
    with pytest.raises(StudyError, match="There are: Pilot"):
        open_study("Pilots")
    delete_study(study)
    with pytest.raises(StudyError, match="none yet"):
        open_study("Pilot")


def test_settings_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"sample_fps": 5, "annotate": true}')
    assert read_settings(path) == StudySettings(sample_fps=5, annotate=True)
    for content, words in (
        ('{"fps": 5}', "no setting 'fps'"),
        ('{"sample_fps": "5"}', "must be float"),
        ('{"sample_fps": 1000}', "between 0 and 240"),
        ('{"detector": "mtcnn"}', "one of yunet"),
        ("[1]", "no JSON object"),
    ):
        path.write_text(content)
        with pytest.raises(FerError, match=words):
            read_settings(path)
    with pytest.raises(OptionError):
        StudySettings(detector_side=5)


def test_columns_come_from_a_csv_and_go_into_the_exports(study: Study, clips: Path, tmp_path: Path) -> None:
    add_clips(study, [clips])
    content = "name;participant;age\nP01/face.mp4;Ada;36\nnobody.mp4;x;1\n".encode("utf-8-sig")
    assert apply_columns(study, read_columns(content, "x.csv")) == (1, ["nobody.mp4"])
    assert manifest_table(study.clips())["age"].tolist() == ["36", "", ""]
    for bad in (b"clip,age\na,1\n", b"", b"\xff\xfe"):
        with pytest.raises(StudyError, match=r"x\.csv"):
            read_columns(bad, "x.csv")
    with pytest.raises(StudyError, match="Nothing"):
        export_study(study, tmp_path / "out")
    run_study(study, workers=1)
    files = export_study(study, tmp_path / "out")
    assert [f.name for f in files] == ["manifest.csv", "all-clips.csv", "episodes.csv", "people.csv"]
    rows = pd.read_csv(files[1])
    assert rows["clip"].nunique() == 3 and set(rows[rows["clip"] == "P01/face.mp4"]["participant"]) == {"Ada"}


def test_clips_come_as_streams_and_in_archives_within_bounds(study: Study, clips: Path, tmp_path: Path) -> None:
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(clips.rglob("*.m*")):
            packed.write(path, path.relative_to(clips).as_posix())
        packed.writestr("__MACOSX/._face.mp4", b"x")
        packed.writestr("bad.mp4", b"x")
    added = add_zip(study, archive, "clips.zip", bounds=Bounds(clips=2))
    assert names(study) == ["P01/face.mp4", "P02/face.mp4"]
    assert added.ignored == 1 and len(added.refused) == 2
    assert any("at most 2 are allowed" in sentence for sentence in added.refused)
    assert sorted(p.name[:12] for p in (study.folder / "sources").iterdir()) == sorted(e.folder for e in study.clips())
    again = Added()
    with open(clips / "P01" / "face.mp4", "rb") as stream:
        add_stream(study, "again.mp4", stream, again)
    assert again.new == [] and "the same clip as P01/face.mp4" in again.notes[0]
    shutil.rmtree(clips)
    assert run_study(study, workers=1).done == 2, "they lie in the study"
    study.remove(study.clips()[0])
    assert len(list((study.folder / "sources").iterdir())) == 1
    archive.write_bytes(b"PK torn")
    with pytest.raises(DatasetError):
        add_zip(study, archive, "clips.zip")


def test_a_single_analysis_is_kept_and_the_last_ones_are_offered(study: Study, tmp_path: Path) -> None:
    plain = face_clip(tmp_path / "plain.mp4", 2)
    clip = ClipAnalysis(plain, fakes.real_recognizer())
    clip.run()
    for i in range(KEPT + 1):
        clip.name, clip.source = f"c{i}.mp4", tmp_path / f"c{i}.mp4"
        clip.source.write_bytes(plain.read_bytes() + b"\0\0\0\x09free" + bytes([i]))
        keep_analysis(recent_study(), clip, {0: "Ada"}, with_source=False)
    assert names(recent_study()) == [f"c{i}.mp4" for i in range(1, KEPT + 1)]
    keep_analysis(study, clip, {0: "Ada"})
    (entry,) = study.clips()
    stored = study.result(entry)
    pd.testing.assert_frame_equal(stored.recorder.table(), clip.recorder.table(), check_exact=True)
    assert stored.names == {0: "Ada"} and stored.key_moments.portraits.keys() == clip.key_moments.portraits.keys()
    study.redo([entry])
    assert run_study(study).done == 1, "the clip itself is kept too"


def test_five_hundred_clips_are_listed_at_once(study: Study) -> None:
    study.manifest.append(
        {"id": f"{i:032x}", "name": f"P{i}/face.mp4", "path": f"/x/{i}", "seconds": 10.0} for i in range(500)
    )
    start = time.perf_counter()
    assert len(Study(study.folder).clips()) == 500
    assert time.perf_counter() - start < 0.5
