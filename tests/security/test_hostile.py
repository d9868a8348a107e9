"""Whatever somebody brings gets one sentence or is read, and nothing else happens.

No other file is read or written, memory stays within bounds, and the next visitor is served.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import fakes, media
from helpers.hostile import CASES, SECRET, Case

from fer_core.charts import training as curves
from fer_core.curation import quality_report as quality
from fer_core.curation import summary as gallery
from fer_core.datasets import library
from fer_core.datasets import readers as datasets
from fer_core.errors import FerError
from fer_core.models.classifier import Classifier
from fer_core.models.registry import list_models, load_model
from fer_core.training import runs
from fer_core.training.diagnosis import diagnose
from fer_core.utils.workspace import use_workspace
from fer_core.video.limits import Limits
from fer_core.video.reader import FrameReader, probe

LIMITS = Limits(max_bytes=100 * 1024**2, max_pixels=2560 * 1440, max_seconds=300)
"""A host's."""

CAP = 500 * 1024
"""Kilobytes by which the process may grow through the whole set; a single bomb that is let in takes more."""

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = tuple(str(path) for path in (ROOT, *map(Path, sys.path), Path(sys.prefix), Path(sys.base_prefix)) if path.name)
SYSTEM = (
    "/proc/",
    "/sys/",
    "/usr/",
    "/lib",
    "/etc/ld",
    "/etc/localtime",
    "/etc/mime.types",
    "/dev/null",
    "/dev/urandom",
)


class Watch:
    """What Python opens while it is on. An audit hook cannot be taken away again, so there is one for all tests."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.foreign: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if self.folder is None:
            return
        if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if not path.startswith((self.folder, *OWN, *SYSTEM)):
                self.foreign.append(path)
        elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect"):
            self.foreign.append(f"{event} {arguments}")
        elif event == "os.kill":
            self.foreign.append(f"kill {arguments}")


WATCH = Watch()


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    WATCH.foreign.clear()
    WATCH.folder = str(folder)
    try:
        yield
    finally:
        WATCH.folder = None
    assert WATCH.foreign == []


def read_clip(path: Path) -> object:
    probe(path, LIMITS)
    with FrameReader(path, LIMITS) as reader:
        return [frame.image(64).shape for frame, _ in zip(reader, range(30), strict=False)]


def read_dataset(path: Path) -> object:
    """What the page for datasets does with one: it is brought in, checked, listed, exported and opened again."""
    data, skipped = datasets.read_dataset(path)
    assert printable(str(skipped)[:400])
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place, use_workspace(Path(place)):
        title = f"{path.stem} <b>=1+1</b>"
        name = library.save_dataset(title, data, title=title, source=f"Read from {path.name}.", note=str(skipped))
        assert name in {stored.name for stored in library.list_datasets()} and re.fullmatch(r"[a-z0-9._-]+", name)
        data = datasets.open_dataset(name)
        assert os.listdir(place) == ["datasets"]
    quality.check_dataset(data)
    gallery.counts(data)
    gallery.sprite(data.images[:60])
    table = list(csv.reader(io.StringIO(gallery.listing_csv(data, range(min(len(data), 200))).decode(), newline="")))
    assert {len(row) for row in table} == {len(table[0])}
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]
    return len(data)


def read_model(path: Path) -> object:
    names = [bundle.name for bundle in list_models()]
    Classifier(load_model(path.name))
    return names


def read_run(path: Path) -> object:
    """What the pages and commands do with a training: all that it says, its curves and its verdict, each on its own."""
    listed = runs.list_runs()
    for run in listed:
        epochs, batches = run.epochs(), run.batches()
        said = [run.name, run.state, run.error, run.place, run.created, run.note, run.bundle, run.resumable, run.status]
        assert run.state in {"stopped", "done", "failed"} and len(run.note) <= 10_000 and said
        for chart in (
            curves.accuracy({run.name: epochs}, batches=batches, references=curves.FER2013_REFERENCES),
            curves.loss({run.name: epochs, "other": epochs}),
            curves.recall(epochs),
            curves.learning_rate(epochs),
        ):
            specification = chart.to_dict()
            del specification["datasets"]  # pages send the data by themselves, and gaps in them may be
            json.dumps(specification, allow_nan=False)
        for state in ("running", run.state):
            words = diagnose(state, epochs, planned=3, under_way=bool(len(batches)), error=run.error).words
            assert words and len(words) < 1000
    list_models()
    run = runs.load_run(path.name)
    return run.config


def printable(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


READERS = {"clip": read_clip, "dataset": read_dataset, "model": read_model, "run": read_run}


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    """The whole set keeps within the cap, and a good clip is read afterwards as before."""
    fakes.real_recognizer()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < CAP


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_symlink())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {ascii(case.name)[1:-1]}")
def test_a_hostile_file_gets_one_sentence_or_is_read(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SECRET).write_text("TOP SECRET")
    folder = tmp_path / "given"
    folder.mkdir()
    path = case.make(folder)
    monkeypatch.chdir(folder)
    before = tree(tmp_path)
    said = ""
    with use_workspace(folder), watched(folder):
        try:
            READERS[case.kind](path)
        except FerError as error:
            said = str(error)
            assert len(said) > 20 and said.rstrip().endswith(".")
    if said:
        assert "Traceback" not in said and "TOP SECRET" not in said and str(tmp_path) not in said
        assert len(said) <= 400 and all(c.isprintable() for c in said)
    assert tree(tmp_path) == before


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 200 and len({(case.kind, case.name) for case in CASES}) == len(CASES)
    assert min(Counter(case.kind for case in CASES).values()) >= 10


def test_the_next_visitor_is_served(tmp_path: Path) -> None:
    assert len(media.read(media.make_clip(tmp_path / "a.mp4"))) == media.FRAMES
    assert load_model().name in json.dumps([bundle.name for bundle in list_models()])
    assert len(fakes.real_recognizer()(fakes.portrait())) == 1
