"""A camera's session: never late, only the newest frame, nothing left behind."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.fakes import FakeRecognizer, patch_frame, real_recognizer, two_people_frame

import fer_core.live.history
import fer_core.live.session
from fer_core.analysis.export import to_csv, to_json
from fer_core.errors import ModelError
from fer_core.live.recorder import AHEAD, LiveRecorder
from fer_core.live.session import IDLE, LiveSession
from fer_core.live.stats import LiveMeter
from fer_core.video.reader import probe

FACE = patch_frame([(30, 20, 50)])
BOX = (30, 20, 80, 70)
PLAIN = {"side": 160, "mirror": False}


class Slow(FakeRecognizer):
    """Takes as long as it is held; whoever waited for it meanwhile would never come back."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def __call__(self, image: np.ndarray):
        self.begun.release()
        assert self._go.acquire(timeout=60)
        return super().__call__(image)

    def begins(self) -> None:
        """Wait until it looks at a picture."""
        assert self.begun.acquire(timeout=60)

    def let_go(self, looks: int = 1) -> None:
        self._go.release(looks)


class Ticking:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    until(lambda: live_threads() == [], "threads of a session stay")


def live_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("live-")]


def until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def boxed(picture: np.ndarray, before: np.ndarray) -> bool:
    return not np.array_equal(picture, before)


def feed(session: LiveSession, image: np.ndarray = FACE, frames: int = 10, rate: float = 30.0) -> None:
    """Frames up to that number, with a camera's times; however slowly it is written, a recording has all of them."""
    for i in range(session.stats().frames, frames):
        session.process(image, i / rate)
        until(lambda: session._recording is None or len(session._recording._waiting) < AHEAD, "nothing is written")


def read_each(session: LiveSession, image: np.ndarray, times: list[float]) -> None:
    """Frames one by one, each read before the next comes."""
    for seconds in times:
        before = len(session.recorder.table())
        session.process(image, seconds)
        until(lambda before=before: len(session.recorder.table()) > before, "the frame was not read")


def test_the_picture_comes_back_at_once_and_marked_once_the_face_is_known() -> None:
    session = LiveSession(FakeRecognizer(), **PLAIN)
    first = session.process(FACE, 0.0)
    assert first.shape == FACE.shape and not boxed(first, FACE)
    until(lambda: session.faces == 1, "no face was found")
    assert boxed(session.process(FACE, 0.03), FACE)
    assert np.array_equal(FACE, patch_frame([(30, 20, 50)])), "the frame itself must not be changed"
    session.close(wait=60)
    table = session.recorder.table()
    assert table.loc[0, ["x", "y", "w", "h"]].tolist() == pytest.approx([30, 20, 50, 50], abs=4)
    assert set(table["label"]) == {"happy"}


def test_a_slow_recognizer_makes_nothing_late_and_sees_only_the_newest_frame() -> None:
    slow, clock = Slow(), Ticking()
    session = LiveSession(slow, clock=clock, **PLAIN)

    def two_seconds(first: int) -> None:
        for i in range(first, first + 60):
            clock.now += 1 / 30
            session.process(FACE, i / 30)

    session.process(FACE, 0.0)
    slow.begins()
    two_seconds(1)  # it is held meanwhile
    assert session.stats().frames == 61 and session.faces == 0
    slow.let_go()
    slow.begins()
    assert session.stats().age == pytest.approx(2.0)
    two_seconds(61)
    stats = session.stats()
    assert stats.rate == pytest.approx(30, abs=1) and stats.reads < 1
    assert stats.delay == pytest.approx(0.0, abs=1e-6) and stats.delay_95 == pytest.approx(0.0, abs=1e-6)
    slow.let_go(2)
    until(lambda: len(session.recorder.table()) == 3, "the newest frame was not read")
    session.close(wait=60)
    assert session.recorder.table()["frame"].tolist() == [0, 60, 120], "the frames that came meanwhile are left out"


def test_mirror_turns_the_picture_and_the_marks_but_not_what_is_measured() -> None:
    session = LiveSession(FakeRecognizer(), side=160)
    assert np.array_equal(session.process(FACE, 0.0), cv2.flip(FACE, 1))
    until(lambda: session.faces == 1, "no face was found")
    mirrored = session.process(FACE, 0.03)
    changed = np.argwhere((mirrored != cv2.flip(FACE, 1)).any(2))
    left, right = 160 - BOX[2], 160 - BOX[0]
    assert abs(changed[:, 1].min() - left) < 8 and changed[:, 1].max() >= right - 4
    session.close(wait=60)
    assert session.recorder.table()["x"].iloc[0] == pytest.approx(BOX[0], abs=4)


def test_a_pause_measures_nothing_and_time_stands_still() -> None:
    session = LiveSession(FakeRecognizer(), **PLAIN)
    read_each(session, FACE, [0.0, 0.1, 0.2])
    session.paused = True
    rows = len(session.recorder.table())
    for i in range(20):
        assert not boxed(session.process(FACE, 0.3 + i / 10), FACE)
    assert session.faces == 0
    session.paused = False
    assert len(session.recorder.table()) == rows
    read_each(session, FACE, [2.3])
    session.close(wait=60)
    assert session.recorder.table()["time_s"].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_what_is_read_when_the_pause_begins_does_not_count() -> None:
    slow = Slow()
    session = LiveSession(slow, **PLAIN)
    session.process(FACE, 0.0)
    slow.begins()
    session.paused = True
    slow.let_go()
    session.close(wait=60)
    assert len(session.recorder.table()) == 0 and session.faces == 0


def test_old_marks_are_not_drawn() -> None:
    slow = Slow()
    session = LiveSession(slow, **PLAIN)
    slow.let_go()
    read_each(session, FACE, [0.0])
    assert boxed(session.process(FACE, 0.5), FACE)
    assert not boxed(session.process(FACE, 3.0), FACE)
    slow.let_go(2)
    session.close(wait=60)


def test_smaller_frames_and_a_turned_phone_keep_one_measure() -> None:
    session = LiveSession(FakeRecognizer(), side=160, mirror=False)
    read_each(session, cv2.resize(FACE, (80, 60)), [0.0])
    read_each(session, FACE, [0.1])
    turned = session.process(np.ascontiguousarray(FACE.transpose(1, 0, 2)), 0.2)
    assert turned.shape == (160, 120, 3)
    until(lambda: len(session.recorder.table()) == 3, "the turned frame was not read")
    session.close(wait=60)
    table = session.recorder.table()
    assert table["track_id"].tolist()[:2] == [0, 0]
    assert table["x"].tolist()[:2] == pytest.approx([30, 30], abs=4)
    assert table["w"].tolist()[:2] == pytest.approx([50, 50], abs=6)


def test_a_defect_while_reading_is_said_once_and_the_picture_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeRecognizer):
        error: Exception = RuntimeError("a defect")

        def __call__(self, image: np.ndarray):
            raise self.error

    session = LiveSession(Broken(), **PLAIN)
    feed(session, frames=10, rate=100)
    until(lambda: session.error is not None, "nothing was said")
    assert "inside the program" in str(session.error)
    assert len([r for r in caplog.records if "live frame" in r.message]) == 1
    Broken.error = ModelError("The model is missing.")
    session.process(FACE, 9.0)
    until(lambda: session.error == "The model is missing.", "the words for a person were lost")
    session.close(wait=60)
    assert len(session.recorder.table()) == 0


def test_threads_end_when_frames_stop_and_begin_again_with_them(tmp_path: Path) -> None:
    clock = Ticking()
    session = LiveSession(FakeRecognizer(), annotated=tmp_path / "a.mp4", clock=clock, **PLAIN)
    feed(session, frames=5)
    assert sorted(live_threads()) == ["live-look", "live-write"]
    clock.now += IDLE + 1
    until(lambda: live_threads() == [], "the threads did not end")
    assert session.ended and (tmp_path / "a.mp4").exists()
    feed(session, frames=8)
    assert not session.ended and live_threads() == ["live-look"]
    session.close(wait=60)
    assert session.ended


def test_a_pause_longer_than_the_patience_is_not_the_end() -> None:
    clock = Ticking()
    session = LiveSession(FakeRecognizer(), clock=clock, **PLAIN)
    session.process(FACE, 0.0)
    session.paused = True
    for i in range(1, 20):
        clock.now += IDLE / 2
        session.process(FACE, i * IDLE / 2)
        assert not session.ended and live_threads() == ["live-look"]
    session.close(wait=60)


def test_a_session_without_frames_ends_too() -> None:
    clock = Ticking()
    session = LiveSession(FakeRecognizer(), clock=clock)
    clock.now += IDLE - 1
    assert not session.ended
    clock.now += 2
    assert session.ended
    session.close(wait=1)
    assert session.preview is None and session.recent() == [] and len(session.recorder.table()) == 0


def test_closing_never_waits_unless_asked() -> None:
    slow = Slow()
    session = LiveSession(slow, **PLAIN)
    session.process(FACE, 0.0)
    slow.begins()
    session.close()
    assert np.array_equal(session.process(FACE, 0.1), FACE), "frames that come after the end go back as they came"
    slow.let_go()
    session.close(wait=60)
    assert len(session.recorder.table()) == 0


def test_the_recording_has_the_times_of_the_session_and_the_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    session = LiveSession(FakeRecognizer(), side=160, annotated=path)  # mirrored to look at, not in the file
    session.process(FACE, 0.0)
    until(lambda: session.faces == 1, "no face was found")
    feed(session, frames=45)
    session.close(wait=60)
    assert session.recording_error is None
    info = probe(path)
    assert (info.width, info.height) == (160, 120)
    assert info.frames == 45 and info.seconds == pytest.approx(1.5, abs=0.1)
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 40)
    change = np.abs(capture.read()[1].astype(int) - FACE.astype(int)).sum(2)
    assert change[30:60, 29:32].mean() > 3 * change[30:60, 20:23].mean(), "the box's left side is where the face begins"


def test_a_recording_is_pending_until_its_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    session = LiveSession(FakeRecognizer(), annotated=path, **PLAIN)
    assert not session.recording_pending
    session.process(patch_frame([(20, 20, 40)]), 0.0)
    assert session.recording_pending and not path.exists()
    session.close(wait=60)
    assert not session.recording_pending and path.exists()


def test_a_pause_leaves_no_still_in_the_recording(tmp_path: Path) -> None:
    session = LiveSession(FakeRecognizer(), annotated=tmp_path / "a.mp4", **PLAIN)
    for i in range(60):
        session.paused = 15 <= i < 45
        session.process(FACE, i / 30)
        until(lambda: len(session._recording._waiting) < AHEAD, "nothing is written")
    session.close(wait=60)
    info = probe(tmp_path / "a.mp4")
    assert info.frames == 30 and info.seconds == pytest.approx(1.0, abs=0.1)


def test_a_recording_that_cannot_be_written_is_said_and_the_session_goes_on(tmp_path: Path) -> None:
    session = LiveSession(FakeRecognizer(), annotated=tmp_path / "gone" / "a.mp4", **PLAIN)
    feed(session, frames=5)
    until(lambda: session.recording_error is not None, "nothing was said")
    until(lambda: session.faces == 1, "no face was found")
    assert "could not be saved" in str(session.recording_error)
    assert boxed(session.process(FACE, 0.3), FACE)
    session.close(wait=60)


def test_a_recording_that_cannot_keep_up_leaves_frames_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    fitted = LiveRecorder._fitted
    monkeypatch.setattr(LiveRecorder, "_fitted", lambda self, image: (gate.wait(60), fitted(self, image))[1])
    recording = LiveRecorder(tmp_path / "a.mp4", width=160, height=120)
    for i in range(40):
        recording.add(FACE, i / 30, [])
    assert recording.dropped >= 40 - AHEAD - 1
    gate.set()
    recording.close()
    recording.join(60)
    assert probe(tmp_path / "a.mp4").frames == 40 - recording.dropped


def test_frames_of_another_shape_are_put_on_black(tmp_path: Path) -> None:
    recording = LiveRecorder(tmp_path / "a.mp4", width=160, height=120)
    recording.add(np.full((160, 120, 3), 255, np.uint8), 0.0, [])
    recording.close()
    recording.join(60)
    image = cv2.VideoCapture(str(tmp_path / "a.mp4")).read()[1]
    assert image.shape == (120, 160, 3)
    assert image[:, :30].mean() < 30 and image[:, 60:100].mean() > 220


def test_a_session_that_is_too_long_goes_on_but_is_not_kept() -> None:
    session = LiveSession(FakeRecognizer(), max_seconds=1.0, **PLAIN)
    read_each(session, FACE, [0.0, 0.9])
    session.process(FACE, 1.1)
    until(lambda: session.full, "it goes on for ever")
    assert boxed(session.process(FACE, 1.2), FACE)
    session.close(wait=60)
    assert session.recorder.table()["time_s"].max() <= 1.0 and not session.complete


def test_no_picture_stays_in_memory(tmp_path: Path) -> None:
    """Ten minutes of a session: of all frames that came only the last few are still there."""
    session = LiveSession(FakeRecognizer(), annotated=tmp_path / "a.mp4", **PLAIN)
    alive: list[weakref.ref] = []
    most = 0
    for i in range(1500):
        frame = FACE.copy()
        alive = [ref for ref in alive if ref() is not None] + [weakref.ref(frame)]
        most = max(most, len(alive))
        session.process(frame, i * 0.4)
    del frame
    assert most <= AHEAD + 6, "waiting to be written, being read, the newest, being drawn on"
    session.close(wait=60)
    assert len(session.recent()) <= 300
    assert [ref for ref in alive if ref() is not None] == []


def test_the_table_is_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fer_core.live.history, "MOST_ROWS", 5)
    session = LiveSession(FakeRecognizer(), **PLAIN)
    read_each(session, FACE, [0.0, 0.1, 0.2, 0.3, 0.4])
    session.process(FACE, 0.5)
    until(lambda: session.full, "it goes on for ever")
    session.close(wait=60)
    assert len(session.recorder.table()) == 5


def test_the_last_minute_is_a_few_results_a_second() -> None:
    session = LiveSession(FakeRecognizer(), **PLAIN)
    read_each(session, FACE, [i / 20 for i in range(40)])
    assert 8 <= len(session.recent()) <= 11
    read_each(session, FACE, [61.0])
    times = [result.seconds for result in session.recent()]
    session.close(wait=60)
    assert min(times) >= 1.0 and times[-1] == pytest.approx(61.0)


def test_it_exports_as_a_clip_does() -> None:
    session = LiveSession(FakeRecognizer(), name="Mine", **PLAIN)
    read_each(session, FACE, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    session.close(wait=60)
    result = session.result({0: "Ada"})
    assert result.clip["name"] == "Mine" and result.clip["source"] == "camera" and result.clip["complete"]
    assert set(result.table["person"]) == {"Ada"}
    assert result.settings["smoothing"]["time_constant"] == 0.4
    assert to_csv(result).count(b"\n") == 7
    assert b'"source":"camera"' in to_json(result)
    assert session.key_moments is not None and session.person_grouper is not None
    assert [m.label for m in session.key_moments.found()] == ["happy"] and 0 in session.key_moments.portraits


def test_a_snapshot_is_what_was_shown_last() -> None:
    session = LiveSession(FakeRecognizer(), side=160)
    read_each(session, FACE, [0.0])
    shown = session.process(FACE, 0.1)
    session.close(wait=60)
    image = cv2.imdecode(np.frombuffer(session.preview or b"", np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(image.astype(int) - shown).mean() < 10


def test_the_delay_counts_what_came_late_and_forgives_another_clock() -> None:
    clock = Ticking()
    meter = LiveMeter(clock)
    for i in range(100):  # a camera whose clock begins elsewhere; every frame comes at once
        clock.now += 0.04
        meter.arrive(7 + 0.04 * i, False)
        clock.now += 0.001
        meter.leave()
        clock.now -= 0.001
    assert meter.stats().delay == pytest.approx(0.001, abs=1e-3)
    assert meter.stats().rate == pytest.approx(25, abs=1.5)
    clock.now += 0.5  # now all come half a second late
    for i in range(100, 400):
        clock.now += 0.04
        meter.arrive(7 + 0.04 * i, False)
        meter.leave()
    assert meter.stats().delay == pytest.approx(0.5, abs=0.01)
    for i in range(300):  # another camera: its clock begins anew
        clock.now += 0.04
        meter.arrive(0.04 * i - 50, False)
        meter.leave()
    assert meter.stats().delay == pytest.approx(0.0, abs=0.01)
    assert meter.seconds == pytest.approx(699 * 0.04, abs=0.05)


def test_time_rises_whatever_the_camera_says() -> None:
    clock = Ticking()
    meter = LiveMeter(clock)
    times = []
    for stamp in (5.0, 5.1, 5.1, 4.0, 4.1, None, None, 9.0):
        clock.now += 0.1
        times.append(meter.arrive(stamp, False)[1])
    assert times[0] == 0.0 and np.diff(times).min() > 0


def test_two_sessions_share_a_model_and_nothing_else() -> None:
    recognizer = real_recognizer()
    both = [LiveSession(recognizer) for _ in range(2)]
    image = two_people_frame()
    pictures = [image, np.ascontiguousarray(image[:, :360])]
    for i in range(6):
        for session, picture in zip(both, pictures, strict=True):
            read_each(session, picture, [i / 10])
    for session in both:
        session.close(wait=60)
    assert [session.recorder.table()["track_id"].nunique() for session in both] == [2, 1]
