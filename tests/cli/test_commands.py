"""The command line as a person or a script uses it: files, exit status, words; and every kind of bad input."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers import bad_media, fakes, media

from fer_core.analysis.table import columns
from fer_core.cli.main import main
from fer_core.labels import FER7
from fer_core.models.registry import list_models

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "samples" / "two-people.mp4"


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def face_clip(path: Path, count: int = 6) -> Path:
    picture = cv2.resize(fakes.two_people_frame(240), None, fx=1, fy=1)
    picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    return media.make_clip(path, [picture] * count)


def test_analyze_writes_table_json_and_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["analyze", str(SAMPLE), "--out", str(out), "--fps", "5", "--annotate", "--json"]) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "manifest.csv",
        "two-people-annotated.mp4",
        "two-people.csv",
        "two-people.json",
    ]
    table = rows(out / "two-people.csv")
    assert list(table[0]) == columns(FER7)
    assert len({row["frame"] for row in table}) == 77
    without = [row for row in table if row["face_count"] == "0"]
    assert len(without) >= 8
    assert all(row["track_id"] == row["label"] == row["happy"] == "" for row in without)
    document = json.loads((out / "two-people.json").read_text())
    assert document["settings"]["sample_fps"] == 5
    assert len(document["frames"]) == 77
    assert sum(len(f["faces"]) for f in document["frames"]) == len(table) - len(without)
    with av.open(str(out / "two-people-annotated.mp4")) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        assert clip.streams.video[0].pix_fmt == "yuv420p"
        assert len(clip.streams.audio) == 1
        assert sum(1 for _ in clip.decode(video=0)) == 385
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report[0]["frames"] == 77
    assert "77 frames" in captured.err


def test_contempt_is_a_column_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = str(face_clip(tmp_path / "a.mp4", 2))
    for options in ([], ["--contempt", "--annotate"]):
        assert main(["analyze", clip, "--out", str(tmp_path / str(len(options))), *options]) == 0
    seven, eight = (rows(tmp_path / name / "a.csv") for name in ("0", "2"))
    assert list(eight[0]) == columns((*FER7, "contempt")) and list(seven[0]) == columns(FER7)
    for row in eight:
        assert sum(float(row[name]) for name in (*FER7, "contempt")) == pytest.approx(1, abs=1e-3)
    assert "both heads" in json.loads((tmp_path / "0" / "a.json").read_text())["settings"]["rule"]
    assert main(["analyze", clip, "--out", str(tmp_path), "--contempt", "--model", "reference-cnn"]) == 2
    assert "'reference-cnn' does not know contempt" in capsys.readouterr().err


def test_an_annotated_picture_is_a_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), fakes.portrait())
    assert main(["analyze", str(tmp_path / "a.png"), "--out", str(tmp_path), "--annotate", "--blur"]) == 0
    drawn = cv2.imread(str(tmp_path / "a-annotated.jpg"))
    assert drawn.shape == (512, 512, 3)
    face = (slice(80, 160), slice(190, 260))
    assert cv2.Laplacian(drawn[face], cv2.CV_32F).var() < 0.3 * cv2.Laplacian(fakes.portrait()[face], cv2.CV_32F).var()


def test_start_end_and_every_keep_the_source_frame_numbers(tmp_path: Path) -> None:
    main(["analyze", str(SAMPLE), "--out", str(tmp_path), "--start", "2", "--end", "3", "--every", "5"])
    table = rows(tmp_path / "two-people.csv")
    assert [int(row["frame"]) for row in table] == [50, 55, 60, 65, 70]
    assert [float(row["time_s"]) for row in table] == [2.0, 2.2, 2.4, 2.6, 2.8]


def test_a_folder_is_read_and_two_names_do_not_meet(tmp_path: Path) -> None:
    clips = tmp_path / "videos"
    clips.mkdir()
    face_clip(clips / "a.mp4")
    face_clip(clips / "a.mkv")
    (clips / "notes.txt").write_text("no clip")
    assert main(["analyze", str(clips), "--out", str(tmp_path / "out")]) == 0
    assert sorted(p.name for p in (tmp_path / "out").glob("a*.csv")) == ["a-2.csv", "a.csv", "all-clips.csv"]


def test_predict_prints_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    smile, stern, blank = (tmp_path / name for name in ("smile.png", "stern ☺.jpg", "blank.webp"))
    cv2.imwrite(str(smile), fakes.portrait())
    cv2.imwrite(str(stern), fakes.stern_portrait())
    cv2.imwrite(str(blank), fakes.portrait()[:40, :40] // 2 * 0 + 90)
    assert main(["predict", str(smile), str(stern), str(blank), "--json"]) == 0
    one, two, none = json.loads(capsys.readouterr().out)
    assert none["faces"] == []
    assert [len(d["faces"]) for d in (one, two)] == [1, 1]
    face = one["faces"][0]
    assert set(face) == {"box", "score", "label", "confidence", "quality", "probabilities"}
    assert face["label"] == "happy"
    assert tuple(face["probabilities"]) == FER7
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    x, y, w, h = face["box"]
    assert 160 < x < 200 and 50 < y < 80 and 75 < w < 105 and 95 < h < 130
    assert main(["predict", str(smile)]) == 0
    assert "1 face" in capsys.readouterr().out


def test_models_lists_the_default_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert capsys.readouterr().out.startswith("expression-s (default)")
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["default"] is True
    assert list_models()


def test_models_says_which_one_is_left_out_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    (tmp_path / "models" / "torn").mkdir(parents=True)
    (tmp_path / "models" / "torn" / "card.json").write_text("{")
    assert main(["models", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "torn" not in {model["name"] for model in json.loads(out)}
    assert "left out: The model 'torn' has no readable card (card.json), so nobody can tell" in err


def test_the_model_in_use_is_what_predict_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    smile = tmp_path / "smile.png"
    cv2.imwrite(str(smile), fakes.portrait())

    def answer(*more: str) -> object:
        capsys.readouterr()
        assert main(["predict", str(smile), "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)[0]["faces"]

    usual, other = answer(), answer("--model", "reference-cnn")
    assert usual != other
    assert main(["models", "--use", "reference-cnn"]) == 0
    assert "reference-cnn (default)" in capsys.readouterr().out
    assert answer() == other and answer("--model", "expression-s") == usual
    assert main(["models", "--use", "nothing"]) == 2
    assert answer() == other


def test_haar_finds_the_portrait_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), fakes.portrait())
    assert main(["predict", str(path), "--detector", "haar", "--json"]) == 0
    assert [f["label"] for f in json.loads(capsys.readouterr().out)[0]["faces"]] == ["happy"]


BAD = {
    "missing": lambda path: path,
    "zero bytes": bad_media.make_empty,
    "text": bad_media.make_text,
    "sound only": lambda path: media.make_sound(path),
    "cut off": lambda path: bad_media.make_truncated(path, 0.6, header_first=False),
    "unknown codec": bad_media.make_unknown_codec,
    "nothing decodable": bad_media.make_undecodable,
    "too many pixels": bad_media.make_huge_png,
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_sentence_and_status_2(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my holiday 😀.mp4"
    BAD[kind](path)
    out = tmp_path / "out"
    assert main(["analyze", str(path), "--out", str(out), "--annotate"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith(str(path))
    assert said[0].endswith(".")
    assert list(out.iterdir()) == []


def test_a_bad_clip_among_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = face_clip(tmp_path / "good.mp4"), bad_media.make_text(tmp_path / "bad.mp4")
    assert main(["analyze", str(bad), str(good), "--out", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out" / "good.csv").exists()
    assert "bad.mp4" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (16, 8)])
def test_tiny_pictures_are_clips_without_a_face(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), fakes.portrait()[: size[1], : size[0]])
    assert main(["analyze", str(path), "--out", str(tmp_path)]) == 0
    assert [row["face_count"] for row in rows(tmp_path / "a.csv")] == ["0"]


def test_a_clip_of_one_frame(tmp_path: Path) -> None:
    assert main(["analyze", str(face_clip(tmp_path / "a.mp4", 1)), "--out", str(tmp_path), "--annotate"]) == 0
    assert {row["face_count"] for row in rows(tmp_path / "a.csv")} == {"2"}
    assert (tmp_path / "a-annotated.mp4").exists()


def test_damaged_frames_are_skipped_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bad_media.make_damaged(tmp_path / "a.webm")
    assert main(["analyze", str(path), "--out", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["frames_damaged"] >= 1
    assert "damaged" in captured.err
    assert json.loads((tmp_path / "a.json").read_text())["clip"]["frames_damaged"] >= 1


@pytest.mark.parametrize(
    "options",
    [
        ["--fps", "0"],
        ["--fps", "-3"],
        ["--every", "0"],
        ["--start", "-1"],
        ["--start", "3", "--end", "2"],
        ["--model", "x"],
    ],
)
def test_options_outside_what_is_allowed(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(SAMPLE), "--out", str(tmp_path), *options]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_a_start_after_the_end_says_how_long_the_clip_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(SAMPLE), "--out", str(tmp_path), "--start", "99"]) == 2
    assert "earlier" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["analyze", str(SAMPLE), "--out", str(tmp_path / "file" / "out")]) == 2
    assert "--out" in capsys.readouterr().err


def test_predict_of_a_clip_tells_its_people_in_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(SAMPLE), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["kind"] == "clip" and len(entry["people"]) == 4 and entry["faces"] == []
    shares = entry["people"][0]["shares"]
    assert max(shares, key=shares.get) == "happy" and sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert main(["predict", str(SAMPLE)]) == 0
    assert "4 people" in capsys.readouterr().out


def test_predict_of_a_folder_takes_its_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), fakes.portrait())
    cv2.imwrite(str(tmp_path / "A.JPG"), fakes.portrait())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "bad.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    assert main(["predict", str(tmp_path), "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert [Path(entry["input"]).name for entry in done] == ["A.JPG", "b.png", "bad.heic"]
    assert len({tuple(entry) for entry in done}) == 1  # the same keys, whatever came of it
    assert [len(entry["faces"]) for entry in done] == [1, 1, 0]
    assert [entry["error"] is None for entry in done] == [True, True, False]
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty")]) == 2
    assert "holds no pictures" in capsys.readouterr().err


def test_predict_says_why_it_is_unsure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), cv2.resize(fakes.portrait(), None, fx=0.2, fy=0.2))
    assert main(["predict", str(tmp_path / "small.png")]) == 0
    assert "unsure (small" in capsys.readouterr().out


def test_a_clip_that_breaks_off_is_said_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = SAMPLE.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[: int(0.45 * len(data))])
    good = face_clip(tmp_path / "good.mp4")
    out = tmp_path / "out"
    assert main(["analyze", str(broken), str(good), "--out", str(out), "--fps", "2", "--json"]) == 1
    captured = capsys.readouterr()
    first, second = json.loads(captured.out)
    assert tuple(first) == tuple(second) and second["problems"] == [] and second["read_until_s"] is None
    assert 4 < first["read_until_s"] < 12 and f"up to {first['read_until_s']:.1f} s of 15.4 s" in first["problems"][0]
    assert first["problems"][0] in captured.err
    clip = json.loads((out / "broken.json").read_text())["clip"]
    assert clip["complete"] is False and clip["read_until_s"] == first["read_until_s"]
    assert len(rows(out / "broken.csv")) > 5


def test_small_faces_are_looked_at_closely_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = np.full((480, 640, 3), 120, np.uint8)
    face = cv2.resize(fakes.portrait(), (90, 90), interpolation=cv2.INTER_AREA)
    for x in (40, 260, 480):
        frame[150:240, x : x + 90] = face
    clip = media.make_clip(tmp_path / "far.mp4", [frame] * 12)
    assert main(["analyze", str(clip), "--out", str(tmp_path), "--fps", "2"]) == 0
    assert "faces are small" in capsys.readouterr().err
    document = json.loads((tmp_path / "far.json").read_text())
    assert document["settings"]["detector_side"] == 640 and "faces are small" in document["clip"]["notes"][0]
    assert len(document["frames"][0]["faces"]) == 3
    assert main(["analyze", str(clip), "--out", str(tmp_path), "--fps", "2", "--detail", "320"]) == 0
    assert "faces are small" not in capsys.readouterr().err
    assert len(json.loads((tmp_path / "far.json").read_text())["frames"][0]["faces"]) < 3


def test_interrupted_keeps_what_is_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fer_core", "analyze", str(SAMPLE), "--detail", "1600", "--annotate"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    assert b"two-people.mp4" in process.stderr.readline()  # the first frame has been looked at
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read().decode()
    assert process.wait(60) == 130
    assert "kept" in said
    assert "Traceback" not in said
    table = rows(tmp_path / "two-people.csv")
    assert 1 <= len(table) < 385
    assert json.loads((tmp_path / "two-people.json").read_text())["clip"]["complete"] is False
    with av.open(str(tmp_path / "two-people-annotated.mp4")) as clip:
        assert sum(1 for _ in clip.decode(video=0)) >= 1


def test_help_and_unknown_commands() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    with pytest.raises(SystemExit) as stop:
        main(["paint"])
    assert stop.value.code == 2


def test_faces_are_not_blurred_by_guesswork(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--out", str(tmp_path), "--fps", "1", "--annotate", "--blur"]
    assert main(["analyze", str(SAMPLE), *options]) == 2
    assert "blur" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
