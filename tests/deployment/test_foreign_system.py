"""The program on other systems, as far as a Python that behaves like theirs can show it (helpers/foreign.py)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.fakes import SAMPLE
from helpers.foreign import SYSTEMS, environment

ROOT = Path(__file__).resolve().parent.parent.parent
EMOJI = "\U0001f600"


@pytest.fixture(scope="module", params=sorted(SYSTEMS))
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp(request.param)
    found = environment(request.param, folder / "harness")
    return {**found, "FER_HOME": str(folder / "home"), "FER_QUEUE": str(folder / "queue"), "SYSTEM": request.param}


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("windows")
    found = environment("windows", folder / "harness")
    return {**found, "FER_HOME": str(folder / "home"), "FER_QUEUE": str(folder / "queue")}


def run(variables: dict[str, str], *command: str, status: int = 0) -> subprocess.CompletedProcess[bytes]:
    """Run a foreign Python to its end."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=variables, capture_output=True, timeout=300)
    words = done.stderr.decode(errors="replace")
    assert done.returncode == status and "Traceback" not in words, words[-3000:]
    return done


HARNESS = """
import os, pathlib, subprocess, sys, tempfile
import fer_core.utils.platform as own
system, space = os.environ["SYSTEM"], vars(own)

def refused(code, *errors):
    try:
        exec(compile(code, own.__file__, "exec"), space)
    except errors:
        return True
    return False

assert own.LINUX is False and (own.WINDOWS, own.MACOS) == (system == "windows", system == "macos")
assert sys.platform == "linux", "only the project's modules are abroad"
assert refused("import os; os.sched_getaffinity(0)", AttributeError)
assert refused("from pathlib import Path; Path('/proc/cpuinfo').read_text(encoding='utf-8')", FileNotFoundError)
import fcntl
if system == "windows":
    assert refused("import fcntl", ImportError) and refused("from resource import getrusage", ImportError)
    assert refused("import os; os.O_NOFOLLOW", AttributeError) and refused("import os; os.kill(1, 0)", AttributeError)
    assert refused("import signal; signal.SIGKILL", AttributeError) and not refused("import signal; signal.SIGTERM")
    assert refused("import subprocess as s; s.Popen(['true'], start_new_session=True)", ValueError)
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "a").touch(); (folder / "b").touch()
    with open(folder / "a"):
        for act in (lambda: os.replace(folder / "b", folder / "a"), lambda: (folder / "a").unlink(),
                    lambda: folder.rename(folder.with_name("other"))):
            try:
                act()
            except PermissionError:
                continue
            raise AssertionError("an open file was taken away")
    for name in ("con", "a:b", "what?", "dot."):
        try:
            open(folder / name, "w", encoding="utf-8")
        except OSError:
            continue
        raise AssertionError(name)
    assert sys.stdout.encoding == "cp1252"
    assert own.remove_folder(folder)
assert own.usable_cores() and own.peak_memory_mb() and not own.computes_bfloat16()
"""


def test_the_harness_is_abroad(foreign: dict[str, str]) -> None:
    run(foreign, "-c", HARNESS)


IMPORTS = """
import importlib, pathlib, sys
names = [path.with_suffix("") for top in sys.argv[1:] for path in pathlib.Path(top).rglob("*.py")]
names = [".".join(name.parts) for name in names if name.name not in ("__main__", "__init__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_all_modules_are_imported(foreign: dict[str, str]) -> None:
    assert int(run(foreign, "-c", IMPORTS, "fer_core", "ui").stdout) > 150


def test_a_clip_whose_name_the_console_cannot_write(windows: dict[str, str], tmp_path: Path) -> None:
    clip = tmp_path / f"Fest {EMOJI}.mp4"
    shutil.copyfile(SAMPLE, clip)
    done = run(
        windows,
        "-m",
        "fer_core",
        "analyze",
        str(clip),
        "--fps",
        "1",
        "--annotate",
        "--out",
        str(tmp_path / "out"),
        "--json",
    )
    assert json.loads(done.stdout)[0]["input"] == str(clip) and b"\\U0001f600" in done.stderr
    stem = f"Fest {EMOJI}"
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        ["manifest.csv", f"{stem}.csv", f"{stem}.json", f"{stem}-annotated.mp4"]
    )


COMMANDS = """
import io, sys
from fer_core.cli.main import main
folder = sys.argv[1]
for arguments in (["predict", folder + "/picture.png"], ["predict", "--json", folder + "/picture.png"], ["models"],
                  ["dataset", "synthetic"], ["runs"], ["analyze", folder + "/n\\u00f6pe \\U0001f600.mp4"],
                  ["dataset", folder + "/con.csv"]):
    print(">", arguments[0], main(arguments))
"""


def test_commands_answer_and_bad_input_is_said_in_a_sentence(foreign: dict[str, str], tmp_path: Path) -> None:
    make = "import sys; from fer_core.video.reader import FrameReader; import cv2\n"
    make += "with FrameReader(sys.argv[1]) as r: cv2.imwrite(sys.argv[2], next(iter(r)).image())"
    subprocess.run([sys.executable, "-c", make, str(SAMPLE), str(tmp_path / "picture.png")], cwd=ROOT, check=True)
    done = run(foreign, "-c", COMMANDS, str(tmp_path))
    said = [line for line in done.stdout.decode().splitlines() if line.startswith("> ")]
    assert [line.split()[-1] for line in said] == ["0", "0", "0", "0", "0", "2", "2"], (done.stdout, done.stderr)


TRAINING = """
import json, os, pathlib, sys, threading, time
import psutil
from helpers.trainings import few, until
import numpy as np
from fer_core.datasets.library import delete_dataset, load_dataset, save_dataset
from fer_core.training.machine_queue import is_taken
from fer_core.training.runs import list_runs, load_run, start

data = load_dataset("synthetic")
assert save_dataset("con", data.select(np.arange(0, len(data), 6))) == "con-1"
run = start(few(data="con-1", epochs=400))
assert run.alive and run.state in ("queued", "running")
over = threading.Event()

def read():  # as the page of somebody who looks at it all the time
    while not over.wait(0.001):
        for name in ("status.json", "epochs.jsonl", "batches.jsonl"):
            try:
                with open(run.folder / name, "rb") as file:
                    file.read()
                    over.wait(0.01)
            except OSError:
                pass

reader = threading.Thread(target=read, daemon=True)
reader.start()
until(lambda: len(run.epochs()) >= 1 or not run.alive)
assert run.alive, (run.error, (run.folder / "log.txt").read_text(encoding="utf-8"))
psutil.Process(run.status["pid"]).kill()
until(lambda: not run.alive)
assert run.state == "failed" and "Resume" in run.error, run.error
before = len(run.epochs())
run.resume()
assert run.alive
until(lambda: len(run.epochs()) > before or not run.alive)
run.stop()
until(lambda: not run.alive)
over.set()
reader.join()
words = (run.folder / "log.txt").read_text(encoding="utf-8")
assert run.state == "stopped" and run.bundle is not None and "Traceback" not in words, (run.error, words)
assert run.epochs()["epoch"].is_unique and not is_taken()
with open(run.folder / "note.txt", "w", encoding="utf-8"):
    try:
        run.delete()
    except Exception as error:
        assert "another program has it open" in str(error), error
    else:
        raise AssertionError("it was deleted under somebody's eyes")
assert load_run(run.id).state == "stopped"
run.delete()
delete_dataset("con-1")
assert list_runs() == [] and os.listdir(run.folder.parent) == [], os.listdir(run.folder.parent)
"""


def test_a_training_is_stopped_killed_and_resumed(windows: dict[str, str]) -> None:
    paths = os.pathsep.join([windows["PYTHONPATH"], str(ROOT / "tests"), str(ROOT)])
    run({**windows, "PYTHONPATH": paths}, "-c", TRAINING)


PAGES = """
import sys
import pylibsrtp
import streamlit_webrtc.component as component
from streamlit.testing.v1 import AppTest
component.get_this_session_info = lambda: None
for page in sys.argv[1:]:
    shown = AppTest.from_file(page, default_timeout=200).run()
    assert not shown.exception, (page, shown.exception)
    assert len(shown.main) > 0, page
    print(page)
"""


def test_every_page_is_drawn(windows: dict[str, str]) -> None:
    pages = ["app.py", *(str(path) for path in sorted((ROOT / "pages").glob("*.py")))]
    done = run(windows, "-c", PAGES, *pages)
    assert len(done.stdout.splitlines()) == len(pages) == 8
