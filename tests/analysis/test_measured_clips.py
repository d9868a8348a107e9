"""Measures from the clip to the files: a blink that was drawn is found, and without asking nothing changes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.fakes import FakeRecognizer, make_faces, patch_frame, real_recognizer
from helpers.measured import measured_table
from helpers.media import make_clip

from benchmarks.heads import close_eyes, mesh_of, portrait
from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.export import ClipResult, to_csv, to_json
from fer_core.analysis.measure_events import measure_events, measure_summary
from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.analysis.table import NOT_MEASURED, columns, measure_names, to_table
from fer_core.cli.main import main
from fer_core.errors import ModelError
from fer_core.faces import measures as module
from fer_core.faces.measures import MEASURES, FaceMeasurer
from fer_core.faces.mesh import FaceMesh
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.labels import FER7
from fer_core.live.history import SessionHistory
from fer_core.types import FaceMeasures, FrameResult, MeasureGap

BLINKS = {20: 4, 45: 3}
"""First frame and number of frames of each blink in `blink_clip`."""


@pytest.fixture(scope="module", params=["collins", "hopper"])
def blink_clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two and a half seconds of a portrait that blinks twice, 25 frames a second, with a sensor's noise."""
    image = portrait(request.param)
    eyes = FaceMesh().eyes(image, mesh_of(image)[0].points)
    shut = {i for first, frames in BLINKS.items() for i in range(first, first + frames)}
    drawn = {amount: close_eyes(image, eyes, amount) for amount in (0.0, 0.6, 1.0)}
    noise = np.random.default_rng(0)
    frames = []
    for i in range(62):
        amount = 1.0 if i in shut else 0.6 if {i - 1, i + 1} & shut else 0.0
        small = cv2.resize(drawn[amount], (512, 512), interpolation=cv2.INTER_AREA)
        frames.append(np.clip(small + noise.normal(0, 2, small.shape), 0, 255).astype(np.uint8))
    return make_clip(tmp_path_factory.mktemp("blinks") / f"{request.param}.mp4", frames)


def test_drawn_blinks_are_found(blink_clip: Path) -> None:
    table = to_table(analyze(blink_clip, real_recognizer(), AnalysisOptions(measures=True)))
    assert measure_names(table) == MEASURES and len(table) == 62
    events = measure_events(table)
    blinks = events[events["event"] == "blink"]
    assert blinks["start_s"].tolist() == pytest.approx([0.8, 1.8], abs=0.09)
    assert measure_summary(table)["blinks"].tolist() == [2]
    assert set(events["event"]) <= {"blink", "mouth open"}


def test_without_asking_nothing_is_measured_and_the_table_is_as_before(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(20, 30, 40)])] * 5)
    results = list(analyze(clip, FakeRecognizer()))
    assert all(result.faces.measures is None for result in results)
    table = to_table(results)
    assert list(table) == columns(FER7) and measure_names(table) == ()
    assert b"measures" not in to_json(ClipResult(table, {}, {}))


class Counter:
    """In place of FaceMeasurer: says that the yaw is 7, and counts."""

    calls = 0

    def __call__(self, image: np.ndarray, boxes: np.ndarray, landmarks: np.ndarray) -> FaceMeasures:
        type(self).calls += 1
        values = np.full((len(boxes), len(MEASURES)), 7, np.float32)
        return FaceMeasures(MEASURES, values, np.zeros(len(boxes), np.uint8))


class Still(FakeRecognizer):
    """Gives its faces landmarks, so that they are known again."""

    def __call__(self, image: np.ndarray):  # type: ignore[no-untyped-def]
        found = super().__call__(image)
        found.landmarks[:] = make_faces(["happy"], boxes=found.boxes[:1]).landmarks
        return found


@pytest.mark.parametrize(("rate", "measured"), [(10, 30), (30, 15), (25, 18)])
def test_at_most_15_frames_a_second_are_measured_and_all_have_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, measured: int
) -> None:
    monkeypatch.setattr("fer_core.analysis.pipeline.FaceMeasurer", Counter)
    monkeypatch.setattr(Counter, "calls", 0)
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(20, 30, 40)])] * 30, frame_rate=rate)
    table = to_table(analyze(clip, Still(), AnalysisOptions(measures=True)))
    assert (table["head_yaw"] == 7).all() and len(table) == 30
    assert Counter.calls == measured


def test_a_recognizer_that_measures_by_itself_is_not_helped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.analysis.pipeline.FaceMeasurer", None)
    own = ExpressionRecognizer(real_recognizer().classifier, measurer=FaceMeasurer())
    clip = make_clip(tmp_path / "a.mp4", [cv2.resize(portrait("hopper"), (512, 512))] * 3)
    analysis = ClipAnalysis(clip, own, AnalysisOptions(measures=True))
    analysis.run()
    assert analysis.recorder.table()["head_yaw"].notna().all()
    without = ClipAnalysis(clip, own)  # it measures even where the options do not ask
    without.run()
    assert measure_names(without.recorder.table()) == MEASURES


def test_an_empty_frame_has_measures_of_no_face() -> None:
    own = ExpressionRecognizer(real_recognizer().classifier, measurer=FaceMeasurer())
    faces = own(np.zeros((120, 160, 3), np.uint8))
    assert len(faces) == 0 and faces.measures is not None and faces.measures.names == MEASURES
    table = to_table([FrameResult(0, 0.0, faces)])
    assert table[[*MEASURES, NOT_MEASURED]].isna().all(axis=None)


def test_missing_values_travel_with_their_reason(tmp_path: Path) -> None:
    gaps = [0, MeasureGap.MOUTH_COVERED | MeasureGap.EYES_CLOSED]
    table = measured_table({"head_yaw": [1.23456, 2], "gaze_x": [3, float("nan")]}, gaps=gaps)
    assert list(table) == columns(FER7, MEASURES) and table.columns[-1] == NOT_MEASURED
    assert table[NOT_MEASURED].tolist() == [None, "eyes closed+mouth covered"]
    result = ClipResult(table, {}, {})
    rows = list(csv.DictReader(to_csv(result).decode().splitlines()))
    assert rows[0]["head_yaw"] == "1.2346" and rows[1]["gaze_x"] == ""
    faces = [frame["faces"][0] for frame in json.loads(to_json(result))["frames"]]
    assert faces[0]["measures"]["head_yaw"] == 1.2346 and faces[0][NOT_MEASURED] is None
    assert faces[1]["measures"]["gaze_x"] is None and faces[1][NOT_MEASURED] == "eyes closed+mouth covered"
    assert tuple(faces[0]["measures"]) == MEASURES


def test_the_table_grows_with_measures_and_forgets_none() -> None:
    count = 3000  # more than a table begins with
    table = measured_table({"head_yaw": list(range(count))})
    assert table["head_yaw"].tolist() == list(range(count))


def test_a_camera_keeps_measures_too() -> None:
    faces = make_faces(["happy"], ids=[0])
    history = SessionHistory(FER7, 640, 60.0, MEASURES)
    history(FrameResult(0, 0.0, faces), np.zeros((200, 300, 3), np.uint8))
    assert measure_names(history.recorder.table()) == MEASURES


def test_the_command_line_measures_where_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), portrait("hopper"))
    assert main(["analyze", str(tmp_path / "a.png"), "--out", str(tmp_path), "--measures"]) == 0
    row = next(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert abs(float(row["head_yaw"])) < 8 and row[NOT_MEASURED] == ""
    settings = json.loads((tmp_path / "a.json").read_text())["settings"]
    assert settings["measures"] is True


def test_without_the_package_the_command_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(self: object) -> None:
        raise ModelError("this part is not installed")

    monkeypatch.setattr(module.FaceMesh, "__init__", none)
    cv2.imwrite(str(tmp_path / "a.png"), portrait("hopper"))
    assert main(["analyze", str(tmp_path / "a.png"), "--out", str(tmp_path), "--measures"]) == 2
    assert "this part is not installed" in capsys.readouterr().err
