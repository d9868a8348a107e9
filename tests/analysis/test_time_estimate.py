import pytest
from helpers.fakes import FakeRecognizer, patch_frame
from helpers.media import make_clip, make_picture

from fer_core.analysis.pipeline import Options, analyze
from fer_core.analysis.time_estimate import Pace, measure_pace
from fer_core.errors import MediaError
from fer_core.video.reader import ClipInfo, probe

INFO = ClipInfo(640, 360, 10.0, 250, 25.0, "h264", False, False)
PACE = Pace(decode=0.001, look=0.01, write=0.005)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), (250, 250)),
        (Options(fps=5), (250, 50)),
        (Options(fps=100), (250, 250)),
        (Options(every=4), (250, 63)),
        (Options(start=5), (125, 125)),
        (Options(start=5, end=6, fps=5), (25, 5)),
        (Options(end=100), (250, 250)),
        (Options(start=50), (1, 1)),
    ],
)
def test_how_many_frames(options, expected):
    assert PACE.frames(INFO, options) == expected


def test_the_count_is_that_of_an_analysis(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(10, 10, 30)], 64, 64)] * 37)
    for options in (Options(), Options(every=5), Options(fps=10), Options(start=0.5)):
        found = len(list(analyze(clip, FakeRecognizer(), options)))
        assert PACE.frames(probe(clip), options)[1] == pytest.approx(found, abs=1)


def test_seconds():
    assert PACE.seconds(INFO, Options(fps=5), annotate=False) == pytest.approx(250 * 0.001 + 50 * 0.01)
    assert PACE.seconds(INFO, Options(fps=5), annotate=True) == pytest.approx(250 * 0.006 + 50 * 0.01)


def test_a_length_that_is_not_known():
    for seconds, frames in ((None, None), (None, 10), (10.0, None), (0.0, 0)):
        info = ClipInfo(640, 360, seconds, frames, None, "h264", False, False)
        assert PACE.frames(info, Options()) == (0, 0)
        assert PACE.seconds(info, Options(), annotate=True) is None


def test_a_picture_is_one_frame():
    info = ClipInfo(640, 360, None, 1, None, "png", False, True)
    assert PACE.frames(info, Options(fps=5)) == (1, 1)


class Slow(FakeRecognizer):
    def __call__(self, image):
        import time

        time.sleep(0.02)
        return super().__call__(image)


def test_measuring(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", [patch_frame([(10, 10, 30)])] * 40)
    read = Slow()
    pace = measure_pace(clip, read)  # type: ignore[arg-type]
    assert 0.02 <= pace.look < 0.2
    assert 0 < pace.decode < 0.02
    assert 0 < pace.write < 0.005
    assert len(read.sizes) <= 5  # it does not look through the clip


def test_measuring_a_picture_and_a_bad_clip(tmp_path):
    pace = measure_pace(make_picture(tmp_path / "a.png"), FakeRecognizer())  # type: ignore[arg-type]
    assert pace.look > 0
    (tmp_path / "b.mp4").write_bytes(b"no clip")
    with pytest.raises(MediaError):
        measure_pace(tmp_path / "b.mp4", FakeRecognizer())  # type: ignore[arg-type]
