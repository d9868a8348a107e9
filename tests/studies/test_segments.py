"""A clip cut in segments, or interrupted at any frame, gives the table of one read in one go, to the last digit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import fakes, media

from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.analysis.table import to_table
from fer_core.errors import Cancelled
from fer_core.faces.yunet import Detections
from fer_core.studies import segment_reader
from fer_core.studies.readings import read_chunk, stored_chunks
from fer_core.studies.segment_reader import SegmentReader
from fer_core.studies.segments import Plan, bad_seam, follow_readings, segment_key_frames
from fer_core.types import Faces, FrameResult
from fer_core.video.frame import Frame
from fer_core.video.reader import probe

FRAMES = 60


class Shade(fakes.FakeRecognizer):
    """Faces as the bright patches, with probabilities that hang on every pixel of the picture."""

    def classify(self, frames: Sequence[Frame], found: Sequence[Detections]) -> list[Faces]:
        read = super().classify(frames, found)
        for frame, faces in zip(frames, read, strict=True):
            shade = float(frame.image().astype(np.float64).mean()) / 255
            row = np.roll(fakes.probabilities("happy", 0.2 + shade / 2), int(shade * 1000) % 7)
            faces.probabilities[:] = faces.smoothed[:] = row
        return read


def pictures() -> list[np.ndarray]:
    """Two patches on the move, a cut in the middle, noise that no codec keeps the same twice."""
    noise = np.random.default_rng(4)
    images = []
    for i in range(FRAMES):
        places = [(6 + i, 20, 30), (100 - i // 2, 60, 26)] if i < 34 else [(60, 10 + i // 2, 40)]
        image = fakes.patch_frame(places, seed=i // 9)
        if i >= 34:
            image[..., 0] = np.minimum(255, image[..., 0] + 70)
        images.append(cv2.add(image, noise.integers(0, 12, image.shape, np.uint8)))
    return images


UNEVEN = [0.04 * i + 0.013 * (i % 3) + (0.7 if i > 20 else 0.0) for i in range(FRAMES)]
OPEN = {"preset": "veryfast", "bf": "3", "g": "12", "sc_threshold": "0", "x264-params": "open-gop=1:b-adapt=0"}
KINDS: dict[str, Callable[[Path], Path]] = {
    "plain": lambda p: media.make_clip(
        p / "a.mp4", pictures(), options={"preset": "ultrafast", "bf": "0", "g": "10", "sc_threshold": "0"}
    ),
    "b-frames": lambda p: media.make_clip(p / "b.mp4", pictures(), options=media.B_FRAMES, sound="aac"),
    "open groups": lambda p: media.make_clip(p / "o.mkv", pictures(), options=OPEN),
    "uneven times": lambda p: media.make_clip(
        p / "v.mkv", pictures(), times=UNEVEN, options={"preset": "ultrafast", "bf": "2", "g": "9", "sc_threshold": "0"}
    ),
    "vp9": lambda p: media.make_clip(
        p / "w.webm", pictures(), codec="libvpx-vp9", options={**media.OPTIONS["libvpx-vp9"], "g": "15"}
    ),
    "turned": lambda p: media.make_clip(p / "t.mp4", pictures(), rotation=90, options=media.B_FRAMES),
}


@pytest.fixture(params=KINDS, scope="module")
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp("clip"))


def table_of(results: Iterator[FrameResult]) -> pd.DataFrame:
    return to_table(results)


def in_one_go(clip: Path, options: AnalysisOptions) -> pd.DataFrame:
    table = table_of(analyze(clip, Shade(), options))
    assert table["track_id"].nunique() >= 2 and table["happy"].nunique() >= 5, "or the comparison would say little"
    return table


def followed(folder: Path, options: AnalysisOptions) -> pd.DataFrame:
    return table_of(result for _, result in follow_readings(folder, Shade().labels, options))


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def read(
    clip: Path, folder: Path, plan: Plan, segment: int, options: AnalysisOptions, frames: int | None = None, **how: int
) -> bool:
    """Read a segment, or go on with it, and stop after so many frames; says whether it came to its end."""
    left = [frames if frames is not None else 10**6]

    def stopped() -> bool:
        left[0] -= 1
        return left[0] < 0

    try:
        SegmentReader(clip, folder, plan, segment, Shade(), options, stopped=stopped, **how).run()
        return True
    except Cancelled:
        return False


@pytest.mark.parametrize(
    "options",
    [
        AnalysisOptions(),
        AnalysisOptions(sample_fps=7.3),
        AnalysisOptions(sample_fps=17.0),
        AnalysisOptions(frame_stride=2),
        AnalysisOptions(frame_stride=4),
    ],
)
def test_segments_read_in_any_order_give_the_table_of_one_go(
    clip: Path, options: AnalysisOptions, tmp_path: Path
) -> None:
    plan = Plan("", probe(clip).width, starts=tuple(segment_key_frames(clip, least=0.35)))
    assert plan.segments >= 3
    for segment in reversed(range(plan.segments)):
        assert bad_seam(tmp_path, plan) is not None
        assert read(clip, tmp_path, plan, segment, options, threads=1 + segment % 2)
    assert bad_seam(tmp_path, plan) is None
    same(followed(tmp_path, options), in_one_go(clip, options))


@pytest.mark.parametrize("options", [AnalysisOptions(), AnalysisOptions(sample_fps=6), AnalysisOptions(sample_fps=20)])
def test_a_reading_that_is_stopped_again_and_again_gives_the_same_table(
    clip: Path, options: AnalysisOptions, tmp_path: Path
) -> None:
    plan = Plan("", probe(clip).width)
    times = 0
    while not read(clip, tmp_path, plan, 0, options, frames=13):
        times += 1
        assert times < 20, "it must go on where it was"
    assert times >= 3
    numbers = [r.index for *_, path in stored_chunks(tmp_path) for r in read_chunk(path)[0]]
    assert numbers == sorted(set(numbers)), "nothing is read twice"
    same(followed(tmp_path, options), in_one_go(clip, options))


def test_what_is_read_is_written_down_on_the_way(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_reader, "FLUSH", 0.0)
    plan = Plan("", probe(clip).width)
    read(clip, tmp_path, plan, 0, AnalysisOptions())
    chunks = stored_chunks(tmp_path)
    assert len(chunks) > FRAMES / 5, "each group of frames is written down when the next one begins"
    kept = [r.index for *_, path in chunks[:8] for r in read_chunk(path)[0]]
    assert kept == list(range(len(kept))) and 8 <= len(kept) < FRAMES
    for *_, path in chunks[8:]:  # as a crash leaves it
        path.unlink()
    assert followed(tmp_path, AnalysisOptions())["frame"].unique().tolist() == kept
    read(clip, tmp_path, plan, 0, AnalysisOptions())
    same(followed(tmp_path, AnalysisOptions()), in_one_go(clip, AnalysisOptions()))


def test_a_place_that_is_decoded_otherwise_after_a_jump_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = KINDS["plain"](tmp_path)
    plan = Plan("", probe(clip).width, starts=tuple(segment_key_frames(clip, least=0.35)))
    for segment in range(plan.segments):
        read(clip, tmp_path, plan, segment, AnalysisOptions())
    whole = segment_reader._seam
    monkeypatch.setattr(segment_reader, "_seam", lambda frame: segment_reader.replace(whole(frame), digest="other"))
    next(iter(path for s, _, _, path in stored_chunks(tmp_path, 2))).unlink()
    read(clip, tmp_path, plan, 2, AnalysisOptions())
    assert bad_seam(tmp_path, plan) == 2


def test_going_on_checks_the_picture_and_else_decodes_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = KINDS["b-frames"](tmp_path)
    plan = Plan("", probe(clip).width)
    whole = segment_reader._seam
    monkeypatch.setattr(segment_reader, "_seam", lambda frame: segment_reader.replace(whole(frame), digest="other"))
    assert not read(clip, tmp_path, plan, 0, AnalysisOptions(), frames=30)
    monkeypatch.undo()
    starts: list[float] = []
    reader = segment_reader.FrameReader

    def opened(*args: object, start: float = 0.0) -> object:
        starts.append(start)
        return reader(*args, start=start)  # type: ignore[arg-type]

    monkeypatch.setattr(segment_reader, "FrameReader", opened)
    assert read(clip, tmp_path, plan, 0, AnalysisOptions())
    assert len(starts) == 2 and starts[0] > 0 and starts[1] == 0
    same(followed(tmp_path, AnalysisOptions()), in_one_go(clip, AnalysisOptions()))


def test_a_clip_without_safe_key_frames_is_not_cut(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "a.avi", pictures(), codec="mpeg4", options={**media.OPTIONS["mpeg4"], "g": "10"})
    assert segment_key_frames(clip, least=0.3) == []
    assert segment_key_frames(KINDS["plain"](tmp_path), least=20.0) == []
