"""Differences between systems stand in one module, and that module does what it says."""

from __future__ import annotations

import ast
import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fer_core.errors import FerError
from fer_core.utils import platform
from fer_core.utils.files import write_export

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "fer_core" / "utils" / "platform.py"
SOURCES = sorted(
    path for top in ("fer_core", "ui", "pages") for path in (ROOT / top).rglob("*.py") if path != PLACE
) + [ROOT / "app.py"]

MODULES = {"fcntl", "grp", "msvcrt", "pwd", "resource", "signal", "termios", "winreg", "psutil", "multiprocessing"}
"""Those that a system lacks, or that mean another thing on each."""
ATTRIBUTES = re.compile(
    r"os\.(O_\w+|fork\w*|kill|killpg|set[gu]id|get[gu]id|gete[gu]id|setsid|nice|[gs]etpriority|sched_\w+|uname|name|"
    r"mkfifo|mknod|chown|chroot|open|replace|rename|renames)|sys\.(platform|getwindowsversion)|platform\.system|"
    r"cv2\.(imread|imwrite|VideoCapture|VideoWriter)|shutil\.(rmtree|move)|subprocess\.\w+|tempfile\.TemporaryDirectory|ctypes\.\w+"
)
ARGUMENTS = {"start_new_session", "preexec_fn", "pass_fds", "creationflags", "process_group"}
EXCEPT = {
    ("fer_core/cli/app.py", "subprocess.call"),  # waits for the server, in the same terminal
    ("fer_core/utils/child_process.py", "subprocess."),  # starts processes, as `own_group` says
    ("ui/live/webrtc_patches.py", "tempfile.TemporaryDirectory"),  # stays for the server's life; its errors are ignored
}
"""Places and beginnings of what they alone may use."""


def differences(source: str) -> Iterator[str]:
    """What of a module's text differs between systems."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield str(node.module)
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in names if ATTRIBUTES.fullmatch(name))
        elif isinstance(node, ast.Attribute):
            if ATTRIBUTES.fullmatch(name := ast.unparse(node)):
                yield name
        elif isinstance(node, ast.keyword):
            if node.arg in ARGUMENTS:
                yield str(node.arg)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(("/proc", "/sys/"))
        ):
            yield node.value


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from resource import getrusage",
        "def f():\n    import signal",
        "file = os.open(path, os.O_NOFOLLOW)",
        "os.kill(1, 9)",
        "os.setpriority(0, 0, 5)",
        "n = len(os.sched_getaffinity(0))",
        "if sys.platform == 'linux': pass",
        "from sys import platform",
        "text = Path('/proc/cpuinfo').read_text()",
        "run(start_new_session=True)",
        "run(preexec_fn=None)",
        "os.replace(a, b)",
        "shutil.rmtree(folder)",
        "subprocess.Popen([])",
        "tempfile.TemporaryDirectory()",
    ],
)
def test_a_difference_is_seen(source: str) -> None:
    assert list(differences(source))


def test_what_is_the_same_everywhere_is_none() -> None:
    same = "import os, sys\nos.environ, os.path.join, sys.executable, os.utime, os.walk, os._exit\n'see /proc'"
    assert list(differences(same)) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_difference_stands_in_one_module(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    allowed = tuple(start for place, start in EXCEPT if place == name)
    found = [
        what for what in differences(path.read_text(encoding="utf-8")) if not (allowed and what.startswith(allowed))
    ]
    assert found == [], f"{name}: what differs between systems belongs into fer_core/utils/platform.py"


def test_text_files_are_opened_with_their_encoding() -> None:
    """Windows would take that of the country."""
    command = ["ruff", "check", "--preview", "--select", "PLW1514", "--isolated", "fer_core", "ui", "pages", "app.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


# Files


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "WINDOWS", True)
    monkeypatch.setattr(platform, "LINUX", False)
    monkeypatch.setattr(platform, "PATIENCE", 0.2)
    monkeypatch.setattr(platform, "PAUSE", 0.01)


def test_a_file_is_opened_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    with os.fdopen(platform.open_plain(tmp_path / "file"), "rb") as file:
        assert file.read() == b"abc" and not os.get_inheritable(file.fileno())
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "none", "."):
        with pytest.raises(OSError):
            platform.open_plain(tmp_path / name)
    with pytest.raises(OSError):
        platform.open_plain(Path("/dev/zero"))


def test_a_file_that_a_reader_opens_for_a_moment_is_replaced(tmp_path, monkeypatch, windows) -> None:
    (tmp_path / "a").write_bytes(b"new")
    tries, real = [], os.replace

    def refuse(source, target):
        tries.append(source)
        if len(tries) < 4:
            raise PermissionError(errno.EACCES, "Access is denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    platform.replace(tmp_path / "a", tmp_path / "b")
    assert len(tries) == 4 and os.listdir(tmp_path) == ["b"]


def test_a_file_that_stays_open_is_said_in_words_and_left_as_it_was(tmp_path, monkeypatch, windows) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")

    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(FerError, match=r"a\.csv could not be written: another program has it open; close it"):
        write_export(tmp_path / "a.csv", [b"new"])
    assert os.listdir(tmp_path) == ["a.csv"] and (tmp_path / "a.csv").read_bytes() == b"old"


def test_elsewhere_a_refusal_is_told_at_once(tmp_path, monkeypatch) -> None:
    tries = []

    def refuse(source, target):
        tries.append(source)
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        platform.replace(tmp_path / "a", tmp_path / "b")
    assert len(tries) == 1


def test_a_folder_of_which_a_player_holds_a_file_goes_with_the_next(tmp_path, monkeypatch, windows) -> None:
    held, other = tmp_path / "held", tmp_path / "other"
    for folder in (held, other):
        folder.mkdir()
        (folder / "clip.mp4").touch()
    real, playing = os.unlink, [True]

    def unlink(path, *args, **kwargs):
        if playing and str(path).endswith("clip.mp4") and "other" not in str(path):
            raise PermissionError(errno.EACCES, "in use")
        real(path, *args, **kwargs)

    monkeypatch.setattr(platform.shutil, "_use_fd_functions", False)
    monkeypatch.setattr(os, "unlink", unlink)
    assert not platform.remove_folder(held) and held.exists()
    playing.clear()
    assert platform.remove_folder(other) and not held.exists() and not other.exists()
    assert not platform._left


def test_a_temporary_folder_goes(tmp_path) -> None:
    with pytest.raises(ZeroDivisionError), platform.temporary_folder("x-", tmp_path) as folder:
        assert folder.name.startswith("x-") and folder.parent == tmp_path
        (folder / "a").touch()
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("clip", "clip"),
        ("Ein Tag \U0001f600", "Ein Tag \U0001f600"),
        ("10:30?", "10-30-"),
        ("a\\b/c", "a-b-c"),
        ("CON", "CON-1"),
        ("nul.tar.gz", "nul-1.tar.gz"),
        ("com7", "com7-1"),
        ("console", "console"),
        ("name. .", "name"),
        ("...", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_that_every_system_takes(name: str, portable: str) -> None:
    assert platform.portable_name(name) == portable


def test_names_are_as_long_as_every_system_takes() -> None:
    name = platform.portable_name("\U0001f600" * 100, room=10)
    assert name == "\U0001f600" * 61 and len(name.encode()) <= 245


# Processes and the computer


def test_signals_are_heard_within_the_block_alone() -> None:
    # A shell lets a job in the background ignore SIGINT, so what there was before is asked for.
    before, interrupt, heard = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), []
    with platform.stop_signals(heard.append, interrupt=False):
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is interrupt
    assert heard == [signal.SIGTERM] and signal.getsignal(signal.SIGTERM) is before
    with platform.stop_signals(heard.append):
        signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGTERM, signal.SIGINT]


def test_a_process_ends_itself_when_its_time_is_up() -> None:
    code = "import time; from fer_core.utils.platform import exit_after; exit_after(0.1); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=50, check=False).returncode == 1


def test_a_process_goes_behind_others() -> None:
    code = "import os; from fer_core.utils.platform import lower_process_priority; n = os.nice(0)"
    code += "; lower_process_priority(3); print(os.nice(0) - n)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True, capture_output=True)
    assert done.stdout.strip() == b"3"


def test_a_process_of_its_own_group_outlives_its_terminal() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, **platform.own_group()) as child:
        assert os.getsid(child.pid) == child.pid
        platform.end_process(child)
    assert child.returncode == -signal.SIGKILL


def test_facts_of_this_computer() -> None:
    assert platform.usable_cores() == len(os.sched_getaffinity(0))
    assert platform.user_id() == str(os.getuid())
    assert psutil.Process().memory_info().rss / 1024**2 - 1 <= platform.peak_memory_mb()
    text = Path("/proc/cpuinfo").read_text()
    assert platform.computes_bfloat16() == ("avx512_bf16" in text or "amx_bf16" in text)
    assert platform.processor_name() in text or "model name" not in text


def test_facts_that_a_system_cannot_be_asked_for(monkeypatch, windows) -> None:
    monkeypatch.setattr(platform.psutil.Process, "cpu_affinity", None, raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.delattr(os, "getuid")
    monkeypatch.delattr(os, "nice")
    monkeypatch.setenv("USERNAME", "some: body")
    monkeypatch.setattr(platform.getpass, "getuser", lambda: "some: body")
    monkeypatch.setattr(os, "setpriority", lambda *_: pytest.fail("another system has none"))
    assert platform.usable_cores() == os.cpu_count()
    assert platform.peak_memory_mb() > 0 and not platform.computes_bfloat16()
    assert platform.user_id() == "some- body"
    assert isinstance(platform.processor_name(), str)
    platform.lower_thread_priority(5)
    platform.trim_memory()


# The console


def test_a_console_that_lacks_a_letter_gets_its_number() -> None:
    code = "import sys; from fer_core.utils.platform import prepare_console; prepare_console()"
    code += "; print('\\U0001f600'); print('\\U0001f600', file=sys.stderr)"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252:strict"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=60, check=False, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\\U0001f600\n", b"\\U0001f600\n")


def test_a_reader_that_has_left(windows) -> None:
    assert platform.is_closed_pipe(BrokenPipeError()) and platform.is_closed_pipe(OSError(errno.EINVAL, "x"))
    assert not platform.is_closed_pipe(OSError(errno.ENOSPC, "x"))


def test_a_full_disk() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert platform.disk_is_full(OSError(number, "x"))
    assert not platform.disk_is_full(OSError(errno.EACCES, "x")) and not platform.disk_is_full(ValueError("x"))


def test_waiting_for_a_file_takes_no_longer_than_it_is_held(tmp_path, monkeypatch, windows) -> None:
    monkeypatch.setattr(platform, "PATIENCE", 30.0)
    (tmp_path / "a").touch()
    released, real = threading.Event(), os.replace

    def refuse(source, target):
        if not released.is_set():
            raise PermissionError(errno.EACCES, "Access is denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    threading.Timer(0.05, released.set).start()
    began = time.monotonic()
    platform.replace(tmp_path / "a", tmp_path / "b")
    assert time.monotonic() - began < 20 and (tmp_path / "b").exists()
