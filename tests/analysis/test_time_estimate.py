import pytest
from helpers.fakes import FakeRecognizer, patch_frame
from helpers.media import make_clip, make_picture

from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.analysis.time_estimate import TimeEstimate, estimate_time
from fer_core.errors import MediaError
from fer_core.video.reader import ClipInfo, probe

INFO = ClipInfo(640, 360, 10.0, 250, 25.0, "h264", False, False)
PACE = TimeEstimate(decode=0.001, look=0.01, write=0.005)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (AnalysisOptions(), (250, 250)),
        (AnalysisOptions(sample_fps=5), (250, 50)),
        (AnalysisOptions(sample_fps=100), (250, 250)),
        (AnalysisOptions(frame_stride=4), (250, 63)),
        (AnalysisOptions(start=5), (125, 125)),
        (AnalysisOptions(start=5, end=6, sample_fps=5), (25, 5)),
        (AnalysisOptions(end=100), (250, 250)),
        (AnalysisOptions(start=50), (1, 1)),
    ],
)
def test_how_many_frames(options, expected):
    assert PACE.frames(INFO, options) == expected


def test_the_count_is_that_of_an_analysis(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(10, 10, 30)], 64, 64)] * 37)
    for options in (
        AnalysisOptions(),
        AnalysisOptions(frame_stride=5),
        AnalysisOptions(sample_fps=10),
        AnalysisOptions(start=0.5),
    ):
        found = len(list(analyze(clip, FakeRecognizer(), options)))
        assert PACE.frames(probe(clip), options)[1] == pytest.approx(found, abs=1)


def test_seconds():
    assert PACE.seconds(INFO, AnalysisOptions(sample_fps=5), annotate=False) == pytest.approx(250 * 0.001 + 50 * 0.01)
    assert PACE.seconds(INFO, AnalysisOptions(sample_fps=5), annotate=True) == pytest.approx(250 * 0.006 + 50 * 0.01)


def test_in_groups_one_frame_is_searched():
    pace = TimeEstimate(decode=0.001, look=0.01, write=0.005, search=0.006)
    assert pace.seconds(INFO, AnalysisOptions(sample_fps=5), annotate=False) == pytest.approx(250 * 0.001 + 50 * 0.01)
    assert pace.seconds(INFO, AnalysisOptions(), annotate=False) == pytest.approx(250 * (0.001 + 0.004 + 0.006 / 3))


def test_a_length_that_is_not_known():
    for seconds, frames in ((None, None), (None, 10), (10.0, None), (0.0, 0)):
        info = ClipInfo(640, 360, seconds, frames, None, "h264", False, False)
        assert PACE.frames(info, AnalysisOptions()) == (0, 0)
        assert PACE.seconds(info, AnalysisOptions(), annotate=True) is None


def test_a_picture_is_one_frame():
    info = ClipInfo(640, 360, None, 1, None, "png", False, True)
    assert PACE.frames(info, AnalysisOptions(sample_fps=5)) == (1, 1)


class Slow(FakeRecognizer):
    def __call__(self, image):
        import time

        time.sleep(0.02)
        return super().__call__(image)


def test_measuring(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(10, 10, 30)])] * 40)
    read = Slow()
    pace = estimate_time(clip, read)  # type: ignore[arg-type]
    assert 0.02 <= pace.search <= pace.look < 0.2
    assert 0 < pace.decode < 0.02
    assert 0 < pace.write < 0.005
    assert len(read.sizes) <= 5  # it does not look through the clip


def test_measuring_a_picture_and_a_bad_clip(tmp_path):
    pace = estimate_time(make_picture(tmp_path / "a.png"), FakeRecognizer())  # type: ignore[arg-type]
    assert pace.look > 0
    (tmp_path / "b.mp4").write_bytes(b"no clip")
    with pytest.raises(MediaError):
        estimate_time(tmp_path / "b.mp4", FakeRecognizer())  # type: ignore[arg-type]
