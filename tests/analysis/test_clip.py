import os
import threading

import av
import cv2
import numpy as np
import pytest
from helpers.bad_media import make_damaged, make_undecodable
from helpers.fakes import FakeRecognizer, patch_frame, portrait, real_recognizer
from helpers.media import make_clip, make_picture, make_song_with_cover

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.export import FORMATS
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.errors import Cancelled, LimitError, MediaError, OptionError
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader, probe
from fer_core.video.writer import ClipWriter


def images(count: int) -> list[np.ndarray]:
    return [patch_frame([(20 + i, 30, 40)]) for i in range(count)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clips") / "holiday.mp4", images(50), sound="aac")


def frames_of(path) -> list[np.ndarray]:
    with FrameReader(path) as reader:
        return [frame.image() for frame in reader]


def test_a_whole_run(source, tmp_path):
    out = tmp_path / "out.mp4"
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(sample_fps=10), annotated=out)
    assert clip.progress == 0.0 and clip.seconds_left is None and clip.info is None and clip.preview is None
    clip.run()
    assert clip.complete and clip.progress == 1.0
    assert clip.analyzed_frames == 20 and clip.damaged == 0
    assert clip.info is not None and (clip.info.width, clip.info.height) == (160, 120)
    table = clip.recorder.table()
    assert len(table) == 20 and set(table["label"]) == {"happy"}
    assert clip.key_moments is not None and [m.label for m in clip.key_moments.found()] == ["happy"]
    assert clip.preview is not None and clip.preview[:2] == b"\xff\xd8"
    written = probe(out)
    assert (written.width, written.height, written.codec) == (160, 120, "h264") and written.has_sound
    assert written.seconds == pytest.approx(2.0, abs=0.1)
    assert len(frames_of(out)) == 50


def test_the_annotated_clip_shows_boxes(source, tmp_path):
    ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(frame_stride=5), annotated=tmp_path / "out.mp4").run()
    for i, drawn in enumerate(frames_of(tmp_path / "out.mp4")):
        orange = np.subtract(drawn[..., 2], drawn[..., 0], dtype=int) > 60  # the pictures themselves are grey
        at = np.flatnonzero(orange.sum(0) > 15)
        assert len(at) and abs(at[0] - (20 + i)) < 10, (i, at)


def test_the_clip_alone_is_enough(source):
    clip = ClipAnalysis(source, FakeRecognizer())
    clip.run()
    assert clip.analyzed_frames == 50 and clip.name == "holiday.mp4"


def test_cancel_keeps_what_was_done(source, tmp_path):
    out = tmp_path / "out.mp4"
    clip = ClipAnalysis(source, FakeRecognizer(), annotated=out)
    with pytest.raises(Cancelled):
        clip.run(lambda: clip.analyzed_frames >= 20)
    assert clip.analyzed_frames == 20 and not clip.complete
    assert clip.progress is not None and 0.3 < clip.progress < 0.5
    assert clip.recorder.table()["frame"].tolist() == list(range(20))
    assert clip.key_moments is not None and len(clip.key_moments.found()) == 1
    assert len(frames_of(out)) == 20
    result = clip.result()
    assert result.clip["complete"] is False
    assert all(b"".join(write(result)) for write in FORMATS.values())


def test_cancel_before_anything(source, tmp_path):
    clip = ClipAnalysis(source, FakeRecognizer(), annotated=tmp_path / "out.mp4")
    with pytest.raises(Cancelled):
        clip.run(lambda: True)
    assert clip.analyzed_frames <= 1 and not clip.complete


def test_damaged_frames_are_counted_and_skipped(tmp_path):
    clip = ClipAnalysis(make_damaged(tmp_path / "a.webm"), FakeRecognizer(), annotated=tmp_path / "out.mp4")
    clip.run()
    assert clip.damaged >= 1 and clip.complete
    assert clip.analyzed_frames == 12 - clip.damaged
    assert clip.result().clip["frames_damaged"] == clip.damaged


def test_a_clip_that_cannot_be_used_says_so_and_leaves_no_file(tmp_path):
    out = tmp_path / "out.mp4"
    bad = [
        (make_undecodable(tmp_path / "a.mp4"), MediaError, "No picture"),
        (make_song_with_cover(tmp_path / "a.mp3"), MediaError, "sound"),
        (tmp_path / "gone.mp4", MediaError, "gone|exist|found|missing"),
    ]
    for path, kind, words in bad:
        clip = ClipAnalysis(path, FakeRecognizer(), annotated=out)
        with pytest.raises(kind, match=words) as caught:
            clip.run()
        assert str(caught.value).rstrip().endswith(".")
        assert clip.analyzed_frames == 0 and not out.exists()
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*"))


def test_limits(source):
    with pytest.raises(LimitError):
        ClipAnalysis(source, FakeRecognizer(), limits=Limits(max_seconds=1.0)).run()


def test_a_start_beyond_the_end(source, tmp_path):
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(start=30.0), annotated=tmp_path / "out.mp4")
    with pytest.raises((MediaError, OptionError), match="earlier start"):
        clip.run()
    assert not (tmp_path / "out.mp4").exists()


def test_a_stretch_of_the_clip(source, tmp_path):
    out = tmp_path / "out.mp4"
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(start=0.4, end=1.2), annotated=out)
    clip.run()
    table = clip.recorder.table()
    assert table["frame"].tolist() == list(range(10, 30))
    assert table["time_s"].iloc[0] == pytest.approx(0.4, abs=2e-3)
    assert len(frames_of(out)) == 20
    assert probe(out).seconds == pytest.approx(0.8, abs=0.1)
    with av.open(str(out)) as container:
        assert next(container.decode(video=0)).time == pytest.approx(0, abs=0.01)


def test_progress_only_grows_and_ends_at_one(source):
    clip, seen = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(start=0.4)), []

    def watch() -> bool:
        seen.append(clip.progress)
        return False

    clip.run(watch)
    assert seen == sorted(seen) and seen[0] < 0.1 and seen[-1] > 0.9
    assert clip.progress == 1.0


def test_everything_can_be_read_from_another_thread_meanwhile(source, tmp_path):
    clip = ClipAnalysis(source, FakeRecognizer(), annotated=tmp_path / "out.mp4")
    problems: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                assert clip.progress is None or 0 <= clip.progress <= 1
                assert clip.seconds_left is None or clip.seconds_left >= 0
                result = clip.result()
                assert len(result.table) <= 50
                if clip.key_moments is not None:
                    clip.key_moments.found()
                if clip.analyzed_frames:
                    assert all(b"".join(write(result)) for write in FORMATS.values())
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    clip.run()
    done.set()
    thread.join()
    assert not problems


def test_findings_hold_the_settings(source):
    options = AnalysisOptions(sample_fps=5.0, confidence_threshold=0.3, end=1.0)
    clip = ClipAnalysis(source, real_recognizer(), options, name="My <clip>")
    clip.run()
    result = clip.result({0: "Ada"})
    settings = result.settings
    assert settings["model"] == "expression-s" and len(settings["model_sha256"]) == 64
    assert (settings["detector"], settings["detector_side"]) == ("yunet", 320)
    assert (settings["sample_fps"], settings["end"], settings["confidence_threshold"]) == (5.0, 1.0, 0.3)
    assert settings["smoothing"]["time_constant"] == options.smoothing.time_constant
    assert settings["fer_core"]
    assert result.clip["name"] == "My <clip>" and result.clip["seconds"] == pytest.approx(2.0, abs=0.05)
    assert result.clip["complete"] is True


def test_names_of_people(source):
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(frame_stride=10))
    clip.run()
    assert set(clip.result().table["person"]) == {"Person 1"}
    assert set(clip.result({0: "Ada"}).table["person"]) == {"Ada"}


def test_findings_before_the_start(source):
    result = ClipAnalysis(source, FakeRecognizer()).result()
    assert len(result.table) == 0
    assert all(b"".join(write(result)) for write in FORMATS.values())


def test_a_picture(tmp_path):
    clip = ClipAnalysis(make_picture(tmp_path / "a.png", patch_frame([(20, 20, 60)])), FakeRecognizer())
    clip.run()
    assert clip.analyzed_frames == 1 and clip.complete and clip.progress == 1.0
    assert clip.preview is not None
    shown = cv2.imdecode(np.frombuffer(clip.preview, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None and shown.shape == (120, 160, 3)


def test_a_clip_without_a_face(tmp_path):
    clip = ClipAnalysis(
        make_clip(tmp_path / "a.mp4"), real_recognizer(), AnalysisOptions(frame_stride=4), annotated=tmp_path / "b.mp4"
    )
    clip.run()
    assert (clip.recorder.table()["face_count"] == 0).all()
    assert clip.key_moments is not None and clip.key_moments.found() == []
    assert len(frames_of(tmp_path / "b.mp4")) == 12


def test_blur_hides_the_face_in_every_frame_of_the_written_clip(tmp_path):
    frames = [np.roll(portrait()[:320, 80:400], 3 * i, 1) for i in range(12)]
    source = make_clip(tmp_path / "a.mp4", frames, options={"crf": "15"})
    clip = ClipAnalysis(
        source, real_recognizer(), AnalysisOptions(frame_stride=4), annotated=tmp_path / "b.mp4", blur=True
    )
    clip.run()
    left, top, right, bottom = 125, 80, 165, 150  # the middle of the face in the first frame
    for i, (hidden, plain) in enumerate(zip(frames_of(tmp_path / "b.mp4"), frames, strict=True)):
        face = np.s_[top:bottom, left + 3 * i : right + 3 * i]
        detail = [np.abs(np.diff(image[face].astype(int), axis=1)).mean() for image in (hidden, plain)]
        assert detail[0] < 0.3 * detail[1], i
        away = np.s_[200:, :40]
        assert np.abs(hidden[away].astype(int) - plain[away]).mean() < 12


def test_blur_can_start_anywhere(tmp_path, source):
    clip = ClipAnalysis(
        source, FakeRecognizer(), AnalysisOptions(start=1.0, sample_fps=5), annotated=tmp_path / "b.mp4", blur=True
    )
    clip.run()
    assert len(frames_of(tmp_path / "b.mp4")) == 25


@pytest.mark.parametrize("when", ["writing", "ending"])
def test_a_disk_that_is_full_keeps_the_table(source, tmp_path, monkeypatch, when):
    written = []

    def write(self, image, seconds):
        written.append(seconds)
        if len(written) == 5:
            raise MediaError("The disk is full.")

    if when == "writing":
        monkeypatch.setattr(ClipWriter, "write", write)
    else:
        monkeypatch.setattr(ClipWriter, "_finish", lambda self: write(self, None, written.extend([0] * 4)))
    clip = ClipAnalysis(source, FakeRecognizer(), annotated=tmp_path / "out.mp4")
    clip.run()
    assert clip.analyzed_frames == probe(source).frames and clip.complete
    assert clip.annotation_failed and "table is whole. The disk is full." in clip.problems[0]
    assert list(tmp_path.glob("*.mp4")) == [p for p in tmp_path.glob("*.mp4") if p == source]
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))
    assert len(written) == 5


def test_a_file_that_changes_meanwhile_is_said(source, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(source.read_bytes())
    clip = ClipAnalysis(copy, FakeRecognizer())
    clip.run(lambda: bool(os.utime(copy, ns=(1, 1))))
    assert not clip.complete and "changed or replaced" in clip.problems[0]
    assert clip.result().clip["problems"] == clip.problems


def test_names_are_drawn_into_the_clip_on_request(source, tmp_path):
    out = tmp_path / "out.mp4"
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(sample_fps=10), annotated=out)
    clip.run()
    before, numbered = frames_of(out), out.read_bytes()
    clip.redraw()
    again = frames_of(out)
    assert len(again) == len(before)
    assert max(np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(again, before, strict=True)) < 1
    clip.names.rename([0], "Grace")
    assert set(clip.result().table["person"]) == {"Grace"}
    assert clip.drawn_names == {}

    def stop(share: float) -> None:
        raise Cancelled("It was stopped.")

    whole = out.read_bytes()
    with pytest.raises(Cancelled):
        clip.redraw(stop)
    assert out.read_bytes() == whole and clip.drawn_names == {}, "a stopped redraw keeps the old clip"
    shares: list[float] = []
    clip.redraw(shares.append)
    assert clip.drawn_names == {0: "Grace"} and shares[-1] == 1.0
    assert out.read_bytes() != numbered
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4"]


def test_the_names_of_a_picture_are_drawn_into_it(tmp_path):
    clip = ClipAnalysis(make_picture(tmp_path / "a.png", patch_frame([(20, 30, 40)])), FakeRecognizer())
    clip.run()
    before = clip.preview
    clip.redraw()
    assert clip.preview == before
    clip.names.rename([0], "Grace")
    clip.redraw()
    assert clip.preview != before


@pytest.mark.parametrize("count", [1, 5])
def test_a_clip_with_a_broken_time_base_is_analysed(tmp_path, count):
    source = make_clip(tmp_path / "broken.mp4", images(count), frame_rate=11316)
    assert probe(source).frame_rate is None
    out = tmp_path / "out.mp4"
    clip = ClipAnalysis(source, FakeRecognizer(), AnalysisOptions(sample_fps=10), annotated=out)
    clip.run()
    assert clip.complete and clip.analyzed_frames >= 1 and len(frames_of(out)) == count
