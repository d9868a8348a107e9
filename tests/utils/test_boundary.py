"""Whatever a library raises, at whatever step: a person reads a sentence, and the log has the traceback."""

from __future__ import annotations

import logging
import pickle
import struct
import zlib
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
import pytest
from helpers import fakes, media
from PIL import Image

from fer_core.analysis import clip as clip_module
from fer_core.cli.main import main
from fer_core.errors import Cancelled, LimitError, MediaError
from fer_core.faces.detector import FaceDetector
from fer_core.models.classifier import Classifier
from fer_core.utils.boundary import MEMORY, explain, media_boundary
from fer_core.video import container, images, reader, timestamps
from fer_core.video.frame import Frame

ERRORS = [
    av.error.InvalidDataError(1, "x"),
    av.error.MemoryError(12, "x"),
    av.error.UnknownError(1, "x"),
    cv2.error("x"),
    ValueError("29 is not a valid Type"),
    TypeError("x"),
    KeyError("x"),
    IndexError("x"),
    AttributeError("x"),
    AssertionError("x"),
    MemoryError("x"),
    RuntimeError("x"),
    RecursionError("x"),
    NotImplementedError("x"),
    OverflowError("x"),
    ZeroDivisionError("x"),
    FloatingPointError("x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    EOFError("x"),
    OSError("x"),
    TimeoutError("x"),
    struct.error("x"),
    zlib.error("x"),
    pickle.UnpicklingError("x"),
    SyntaxError("x"),
    Image.DecompressionBombError("x"),
    np.linalg.LinAlgError("x"),
]

STEPS = [
    (container, "open_container"),
    (container, "picture_header"),
    (container, "check_pixels"),
    (container.OpenClip, "_decode"),
    (container.OpenClip, "stamp"),
    (container.OpenClip, "notes"),
    (images, "_other_kind"),
    (reader, "orientation"),
    (reader, "shown_size"),
    (timestamps.Clock, "read"),
    (Frame, "image"),
    (FaceDetector, "__call__"),
    (Classifier, "__call__"),
    (clip_module, "choose_detail"),
    (clip_module, "PersonGrouper"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda value: getattr(value, "__name__", value))
def test_no_exception_of_any_library_ends_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], owner, name: str
) -> None:
    # A batch of clips, each of which fails at this step with an error of another kind, and a good one at its end. Only
    # a face makes the classifier do anything.
    images = [cv2.resize(fakes.portrait(), (256, 256))] if owner is Classifier else media.patterns(1)
    clip = media.make_clip(tmp_path / "0.mp4", images * 2)
    paths = [tmp_path / f"{number}.mp4" for number in range(len(ERRORS) + 1)]
    for path in paths[1:]:
        path.write_bytes(clip.read_bytes())
    used = getattr(owner, name)
    errors = iter(ERRORS)

    def fails(*args: object, **kwargs: object) -> object:
        if (error := next(errors, None)) is not None:
            raise error
        return (used.fget if isinstance(used, property) else used)(*args, **kwargs)

    monkeypatch.setattr(owner, name, property(fails) if isinstance(used, property) else fails)
    status = main(["analyze", *map(str, paths), "--out", str(tmp_path / "out")])
    words = capsys.readouterr().err
    assert next(errors, None) is None and status == 1
    assert (tmp_path / "out" / f"{len(ERRORS)}.csv").exists() and not (tmp_path / "out" / "0.csv").exists()
    assert "Traceback" not in words and f"{clip}: " in words


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_unknown_errors_become_sentences_and_are_logged(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(MediaError) as caught, media_boundary():
        raise error
    assert caught.value.__cause__ is error
    if isinstance(error, MemoryError):
        assert str(caught.value) == MEMORY and not caplog.records
    else:
        assert "Save it again" in str(caught.value) and type(error).__name__ in str(caught.value)
        assert [record.levelno for record in caplog.records] == [logging.ERROR] and caplog.records[0].exc_info


@pytest.mark.parametrize("error", [LimitError("a"), Cancelled("b"), StopIteration(), KeyboardInterrupt()])
def test_what_has_its_words_already_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, media_boundary():
        raise error
    assert caught.value is error


def test_explaining_keeps_an_error_that_a_person_can_read() -> None:
    error = LimitError("too large")
    assert explain(error) is error
