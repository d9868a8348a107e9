"""Results in a folder: names never meet, what is done is skipped, and all tables are there as one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from helpers import fakes, media

from fer_core.cli.main import main


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two participants, each with a clip of the same name."""
    for i, who in enumerate(("P01", "P02")):
        (tmp_path / "data" / who).mkdir(parents=True)
        picture = fakes.two_people_frame(240)[:, : 320 + 2 * i]
        media.make_clip(tmp_path / "data" / who / "face.mp4", [picture] * (4 + i))
    return tmp_path / "data"


def test_two_clips_of_one_name_never_share_a_table(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second = clips / "P01" / "face.mp4", clips / "P02" / "face.mp4"
    assert main(["analyze", str(first), str(second), "--out", str(out)]) == 0
    assert {len({r["frame"] for r in rows(out / n)}) for n in ("face.csv", "P02/face.csv")} == {4, 5}
    before = (out / "face.csv").read_bytes()
    assert main(["analyze", str(second), "--out", str(out)]) == 0
    assert (out / "face.csv").read_bytes() == before, "a later run of another clip of the name changes nothing"
    assert len(rows(out / "manifest.csv")) == 2
    combined = rows(out / "all-clips.csv")
    assert {(r["clip"], len(combined)) for r in combined} == {("face", len(combined)), ("P02/face", len(combined))}
    assert len(combined) == len(rows(out / "face.csv")) + len(rows(out / "P02/face.csv"))


def test_folders_below_are_kept_and_what_is_done_is_skipped(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["analyze", str(clips), "--out", str(tmp_path / "out"), "--json"]
    assert main(command) == 0
    assert (tmp_path / "out" / "P01" / "face.csv").is_file() and (tmp_path / "out" / "P02" / "face.json").is_file()
    capsys.readouterr()
    assert main(command) == 0
    assert [clip.get("skipped") for clip in json.loads(capsys.readouterr().out)] == [True, True]
    assert main([*command, "--every", "2"]) == 0
    assert [clip.get("skipped") for clip in json.loads(capsys.readouterr().out)] == [None, None]
    assert len({r["frame"] for r in rows(tmp_path / "out" / "P01" / "face.csv")}) == 2
    assert main([*command, "--every", "2", "--redo"]) == 0
    assert [clip.get("skipped") for clip in json.loads(capsys.readouterr().out)] == [None, None]


def test_a_changed_clip_is_no_longer_done(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["analyze", str(clips / "P01" / "face.mp4"), "--out", str(tmp_path / "out"), "--json"]
    main(command)
    (clips / "P01" / "face.mp4").write_bytes((clips / "P02" / "face.mp4").read_bytes())
    capsys.readouterr()
    main(command)
    (one,) = json.loads(capsys.readouterr().out)
    assert one["frames"] == 5 and one["files"][0].endswith("P01/face.csv"), "another clip: its table is another file"


def test_a_file_of_somebody_else_and_a_foreign_manifest_are_left_alone(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "face.csv").write_text("mine")
    assert main(["analyze", str(clips / "P01" / "face.mp4"), "--out", str(out)]) == 0
    assert (out / "face.csv").read_text() == "mine" and (out / "P01" / "face.csv").is_file()
    (out / "manifest.csv").write_text("a,b\n1,2\n")
    capsys.readouterr()
    assert main(["analyze", str(clips / "P01" / "face.mp4"), "--out", str(out)]) == 2
    assert "other columns" in capsys.readouterr().err and (out / "manifest.csv").read_text() == "a,b\n1,2\n"


def test_options_of_studies_need_a_study(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(clips), "--workers", "2"]) == 2
    assert "--study" in capsys.readouterr().err
