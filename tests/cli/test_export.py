"""`analyze --export` and `analyze --settings`, as a person or a script uses them."""

import json
import zipfile
from pathlib import Path

import pytest
from helpers.fakes import SAMPLE

from fer_core.cli.main import main
from fer_core.exports import FORMATS

HOW = ["--fps", "4", "--start", "2", "--end", "4"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    status = main(["analyze", *map(str, arguments)])
    return status, capsys.readouterr().err


def test_further_files_beside_the_usual_ones(tmp_path, capsys):
    assert run(capsys, SAMPLE, "--out", tmp_path, *HOW, "--export", "excel, elan,vtt")[0] == 0
    usual = {"two-people.csv", "two-people.json", "manifest.csv"}
    assert {path.name for path in tmp_path.iterdir()} == usual | {"two-people.xlsx", "two-people.eaf", "two-people.vtt"}


@pytest.mark.parametrize("names", ["exel", "", "csv,,srt"])
def test_an_unknown_format_is_refused_before_the_clip_is_read(tmp_path, capsys, names):
    status, words = run(capsys, tmp_path / "gone.mp4", "--out", tmp_path / "out", "--export", names)
    assert status == 2 and "There is no export called" in words and ", ".join(FORMATS) in words
    assert not (tmp_path / "out").exists()


def test_a_bundle_makes_the_same_numbers_again(tmp_path, capsys):
    run(capsys, SAMPLE, "--out", tmp_path, *HOW, "--detail", "256", "--export", "bundle,csv")
    with zipfile.ZipFile(tmp_path / "two-people-bundle.zip") as archive:
        archive.extractall(tmp_path / "bundle")
    settings = tmp_path / "bundle" / "settings.json"
    status, words = run(capsys, SAMPLE, "--settings", settings, "--export", "csv", "--out", tmp_path / "again")
    assert status == 0 and "Numbers may differ" not in words
    again = (tmp_path / "again" / "two-people-frames.csv").read_bytes()
    assert again == (tmp_path / "bundle" / "frames.csv").read_bytes() and again.count(b"\n") == 10
    assert json.loads((tmp_path / "again" / "two-people.json").read_text())["settings"]["detector_side"] == 256
    # The JSON that every analysis leaves does as well.
    status, _ = run(
        capsys, SAMPLE, "--settings", tmp_path / "two-people.json", "--export", "csv", "--out", tmp_path / "x"
    )
    assert status == 0 and (tmp_path / "x" / "two-people-frames.csv").read_bytes() == again


@pytest.fixture
def settings(tmp_path, capsys) -> Path:
    """Settings of a real analysis."""
    run(capsys, SAMPLE, "--out", tmp_path, "--fps", "1", "--end", "1")
    return tmp_path / "two-people.json"


def changed(path: Path, **facts: object) -> Path:
    document = json.loads(path.read_text())
    document["settings"] |= facts
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("option", [["--fps", "2"], ["--model", "expression-s"], ["--start", "1"], ["--detail", "640"]])
def test_what_the_settings_say_is_not_said_twice(settings, capsys, option):
    status, words = run(capsys, SAMPLE, "--settings", settings, *option)
    assert status == 2 and f"--settings already says what {option[0]} would say" in words


def test_other_weights_are_refused(settings, tmp_path, capsys):
    status, words = run(capsys, SAMPLE, "--settings", changed(settings, model_sha256="0" * 64), "--out", tmp_path / "o")
    assert status == 2 and "has other weights" in words and "000000000000" in words
    assert not (tmp_path / "o").exists()


def test_another_version_is_said(settings, tmp_path, capsys):
    status, words = run(capsys, SAMPLE, "--settings", changed(settings, fer_core="0.0.1"), "--out", tmp_path / "o")
    assert status == 0 and "The settings come from version 0.0.1" in words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"detector": "mtcnn"}, "no face detector called 'mtcnn'"),
        ({"model": "gone"}, "gone"),
        ({"detector_side": None}, "no complete settings"),
        ({"smoothing": 3}, "no complete settings"),
        ({"smoothing": {"speed": 1}}, "no complete settings"),
        ({"start": "soon"}, "no complete settings"),
        ({"start": -1}, "start must be 0"),
    ],
)
def test_settings_that_cannot_be_used(settings, capsys, facts, words):
    status, said = run(capsys, SAMPLE, "--settings", changed(settings, **facts))
    assert status == 2 and words in said and "Traceback" not in said


@pytest.mark.parametrize("content", [None, "no JSON", "[]", "{}", '{"settings": 3}', '{"settings": {}}'])
def test_a_file_without_settings(tmp_path, capsys, content):
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content)
    status, said = run(capsys, SAMPLE, "--settings", path)
    assert status == 2 and "settings" in said and "settings.json" in said
