import threading
import time

import numpy as np
import pandas as pd
import pytest
from helpers.fakes import GONE, make_faces, make_table

from fer_core.analysis.episodes import curves, episodes, summary
from fer_core.analysis.table import ResultTable, columns, label_names, person_name, to_table
from fer_core.labels import FER7, UNSURE
from fer_core.types import FaceQuality, Faces, FrameResult


def test_columns_are_those_promised():
    expected = (
        "frame time_s face_count track_id person x y w h det_score angry disgust fear happy neutral sad surprise label "
        "confidence angry_smoothed disgust_smoothed fear_smoothed happy_smoothed neutral_smoothed sad_smoothed "
        "surprise_smoothed quality shot"
    )
    assert columns(FER7) == expected.split()
    for people in ({0: ["happy"]}, {0: [GONE]}):
        table = make_table(people)
        assert list(table.columns) == columns(FER7)
        assert label_names(table) == FER7
    assert list(ResultTable(FER7).table().columns) == columns(FER7)


def test_a_row_for_each_face():
    faces = make_faces(
        ["happy", None], boxes=[[10, 20, 40, 60], [1, 2, 4, 8]], ids=[3, 0], quality=[0, FaceQuality.DARK]
    )
    table = to_table([FrameResult(7, 0.28, faces, 2)])
    assert table["frame"].tolist() == [7, 7] and table["time_s"].tolist() == [0.28, 0.28]
    assert table["face_count"].tolist() == [2, 2] and table["shot"].tolist() == [2, 2]
    assert table["track_id"].tolist() == [3, 0] and table["person"].tolist() == ["Person 4", "Person 1"]
    assert table[["x", "y", "w", "h"]].to_numpy().tolist() == [[10, 20, 30, 40], [1, 2, 3, 6]]
    assert table["label"].tolist() == ["happy", UNSURE] and table["quality"].tolist() == ["good", "dark"]
    assert table["confidence"].tolist() == pytest.approx([0.8, 0.8])
    assert table[list(FER7)].sum(axis=1).tolist() == pytest.approx([1, 1])


def test_a_frame_without_a_face_is_a_row_of_its_own():
    table = make_table({0: ["happy", GONE, "sad"]})
    assert table["face_count"].tolist() == [1, 0, 1]
    empty = table.iloc[1]
    assert empty["frame"] == 1 and empty["time_s"] == 0.1
    assert empty.drop(["frame", "time_s", "face_count", "shot"]).isna().all()
    assert table["track_id"].dtype == "Int64"


def test_raw_and_smoothed_stay_apart():
    faces = make_faces(["happy"], ids=[0])
    other = make_faces(["sad"], ids=[0])
    mixed = Faces(
        faces.boxes,
        faces.scores,
        faces.landmarks,
        faces.probabilities,
        FER7,
        faces.track_ids,
        other.smoothed,
        other.predicted,
        faces.quality,
    )
    row = to_table([FrameResult(0, 0.0, mixed)]).iloc[0]
    assert row["happy"] == pytest.approx(0.8) and row["sad_smoothed"] == pytest.approx(0.8)
    assert row["label"] == "sad"


def test_results_are_needed_to_know_the_labels():
    with pytest.raises(ValueError, match="received none"):
        to_table([])


def test_names_merge_tracks_into_one_person():
    people = {0: ["happy"] * 10 + [GONE] * 10, 1: [GONE] * 10 + ["sad"] * 10, 2: ["neutral"] * 20}
    table = make_table(people, {0: "Ada", 1: "Ada"})
    assert set(table["person"]) == {"Ada", "Person 3"}
    people_found = summary(table).set_index("person")
    assert people_found.loc["Ada", "seconds"] == pytest.approx(2.0)
    assert people_found.loc["Ada", ["happy", "sad"]].tolist() == pytest.approx([0.5, 0.5])
    assert people_found.loc["Ada", "episodes"] == 2
    assert person_name(4, {}) == "Person 5"
    assert person_name(4, {4: ""}) == "Person 5"
    assert person_name(-1, {}) == "Person"


def test_it_grows_beyond_its_first_rows():
    recorder = ResultTable(FER7)
    for i in range(1500):
        recorder.add(FrameResult(i, i / 25, make_faces(["happy", "sad"], ids=[0, 1])))
    recorder.add(FrameResult(1500, 60.0, make_faces(["fear"] * 4000, ids=range(4000))))
    table = recorder.table()
    assert len(table) == 7000
    assert table["frame"].iloc[[0, 1023, 1024, 2999, 3000, 6999]].tolist() == [0, 511, 512, 1499, 1500, 1500]
    assert (table["label"].iloc[:3000] == ["happy", "sad"] * 1500).all()


def test_a_table_can_be_had_while_results_come():
    recorder, problems, stop = ResultTable(FER7), [], threading.Event()

    def read():
        try:
            while not stop.is_set():
                table = recorder.table()
                frames = table["frame"].to_numpy()
                assert (table["face_count"] == 2).all()
                assert (frames == np.repeat(np.arange(len(table) // 2), 2)).all()
                assert set(table["label"]) <= {"happy", "sad"}
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    faces = make_faces(["happy", "sad"], ids=[0, 1])
    for i in range(3000):
        recorder.add(FrameResult(i, i / 25, faces))
    stop.set()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(recorder.table()) == 6000


def segments(table: pd.DataFrame) -> int:
    return curves(table)["segment"].nunique()


def test_a_gap_breaks_the_line():
    assert segments(make_table({0: ["happy"] * 20})) == 1
    assert curves(make_table({0: ["happy"] * 20}))["segment"].notna().all()  # the first frame is on the line, too
    assert segments(make_table({0: ["happy"] * 10 + [GONE] * 5 + ["happy"] * 5})) == 2
    assert segments(make_table({0: ["happy"] * 10 + [GONE] + ["happy"] * 5})) == 1  # missed for a tenth of a second
    assert segments(make_table({0: ["happy"] * 10, 1: ["sad"] * 10})) == 2
    assert segments(make_table({0: ["happy"] * 5 + [GONE] * 5, 1: [GONE] * 5 + ["sad"] * 5}, {0: "A", 1: "A"})) == 2


def test_curves_hold_the_smoothed_values():
    long = curves(make_table({0: ["happy", "sad"]}))
    assert len(long) == 2 * 7
    assert long.groupby("time_s")["probability"].sum().tolist() == pytest.approx([1, 1])
    sad = long[(long["expression"] == "sad") & (long["time_s"] == 0.1)]
    assert sad["probability"].tolist() == pytest.approx([0.8])
    assert {"person", "time_s", "segment", "expression", "probability"} <= set(long.columns)


def test_episodes():
    people = {0: ["happy"] * 10 + ["sad"] * 2 + ["happy"] * 3 + [None] * 10 + ["fear"] * 5}
    sure = [0.8] * 30
    sure[4] = 0.95
    found = episodes(make_table(people, confidence=sure))
    assert found["label"].tolist() == ["happy", "happy", "fear"]  # sad is too short, and "unsure" is no expression
    first = found.iloc[0]
    assert (first["start_s"], first["end_s"], first["peak_s"]) == pytest.approx((0.0, 1.0, 0.4))
    assert first["seconds"] == pytest.approx(1.0) and first["confidence"] == pytest.approx(0.95)
    assert first["person"] == "Person 1" and first["track_id"] == 0
    assert episodes(make_table(people), min_seconds=0.1)["label"].tolist() == ["happy", "sad", "happy", "fear"]


def test_episodes_end_at_a_gap_and_belong_to_one_track():
    found = episodes(make_table({0: ["happy"] * 5 + [GONE] * 5 + ["happy"] * 5, 1: ["happy"] * 15}))
    assert found[["track_id", "start_s"]].to_numpy().tolist() == [[0, 0.0], [1, 0.0], [0, 1.0]]
    assert found["seconds"].tolist() == pytest.approx([0.5, 1.5, 0.5])


def test_time_counts_not_frames():
    # Ten frames in the first second, then five a second: happy lasts 1 s, sad 2 s.
    times = [i / 10 for i in range(10)] + [1 + i / 5 for i in range(10)]
    regular = make_table({0: ["happy"] * 10 + ["sad"] * 10}, times=times)
    row = summary(regular).iloc[0]
    assert row["seconds"] == pytest.approx(3.0, abs=0.15)
    assert row["sad"] == pytest.approx(2 / 3, abs=0.02)
    assert row["happy"] == pytest.approx(1 / 3, abs=0.02)


def test_a_pause_of_the_camera_is_not_somebodys_expression():
    times = [0.0, 0.1, 0.2, 0.3, 60.0, 60.1, 60.2]
    row = summary(make_table({0: ["happy"] * 7}, times=times)).iloc[0]
    assert row["seconds"] < 1.2


def test_summary():
    people = {
        0: ["neutral"] * 20 + ["happy"] * 5 + [None] * 5,
        1: [GONE] * 10 + ["sad"] * 10 + [GONE] * 10,
        2: [GONE] * 29 + ["fear"],
    }
    found = summary(make_table(people)).set_index("person")
    assert list(found.index) == ["Person 1", "Person 2", "Person 3"]
    shares = found[[*FER7, UNSURE]]
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert found.loc["Person 1", ["neutral", "happy", UNSURE]].tolist() == pytest.approx([20 / 30, 5 / 30, 5 / 30])
    assert found.loc["Person 2", ["first_s", "last_s"]].tolist() == pytest.approx([1.0, 1.9])
    # The strongest moment is that of another expression than neutral where there is one.
    assert found.loc["Person 1", "strongest_label"] == "happy"
    assert found.loc["Person 3", ["strongest_label", "strongest_s", "strongest_confidence"]].isna().all()
    assert found["episodes"].tolist() == [2, 1, 0]


@pytest.mark.parametrize("table", [make_table({0: [GONE] * 3}), ResultTable(FER7).table()], ids=["no face", "no frame"])
def test_a_clip_without_a_face_has_no_people(table):
    assert len(summary(table)) == len(episodes(table)) == len(curves(table)) == 0
    assert {"person", "seconds", "happy", UNSURE, "strongest_s"} <= set(summary(table).columns)
    assert {"label", "start_s", "end_s"} <= set(episodes(table).columns)


def test_one_picture_is_a_table_too():
    table = make_table({0: ["happy"], 1: ["sad"]})
    assert summary(table)["seconds"].tolist() == pytest.approx([0.04, 0.04])
    assert len(curves(table)) == 14


def test_many_episodes_are_summed_up_in_a_moment():
    # The page asks every second while a clip runs. An episode at a time, this took 2 s.
    table = make_table({0: (["happy"] * 4 + ["sad"] * 4) * 1500}, confidence=np.linspace(0.5, 0.9, 12000))
    start = time.process_time()
    found = episodes(table)
    assert len(found) == 3000
    assert time.process_time() - start < 1.0
    assert (found["peak_s"] - found["start_s"]).tolist() == pytest.approx([0.3] * 3000)
