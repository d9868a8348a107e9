"""A Python that behaves as on another system, for child processes of tests.

`environment` gives the variables under which `python` and all Pythons that it starts are foreign: a `sitecustomize`
loads this file, and `install` changes what the project's own modules see. Other people's packages keep Linux beneath
them, as on the other system they would have their own port.

Simulated, "windows": modules and attributes that it lacks; `sys.platform`; a file that any process of the family has
open is neither replaced, renamed nor deleted, nor is a folder above it; names that Windows refuses; /proc is not there;
arguments of `subprocess` that it refuses; standard streams in cp1252; text files without an encoding are an error.
Simulated, "macos": the attributes that it lacks, `sys.platform`, and that /proc is not there.

Not simulated: backslashes and drive letters as the separator of paths, the case-blind file system, files mapped into
memory, consoles and their signals, job objects, antivirus programs, other compilers' wheels, the camera.
"""

from __future__ import annotations

import builtins
import errno
import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["SYSTEMS", "environment", "install"]

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = tuple(str(ROOT / part) + os.sep for part in ("fer_core", "ui", "pages")) + (str(ROOT / "app.py"),)
PROC, FAMILY = "/proc/", "FOREIGN_FAMILY"
LOADER = """
import importlib.util
specification = importlib.util.spec_from_file_location("foreign", {file!r})
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
module.install({system!r})
"""

POSIX = (
    r"O_(NOFOLLOW|NONBLOCK|CLOEXEC|DIRECTORY|NOCTTY|SYNC|DSYNC|TMPFILE|PATH)|fork|forkpty|kill|killpg|nice|mkfifo|mknod|"
    r"chown|lchown|fchown|fchmod|chroot|uname|sysconf|sysconf_names|wait|wait3|wait4|waitid|"
    r"get(e|res)?[ug]id|set(e|re)?[ug]id|getpgid|getpgrp|getsid|setsid|setpgid|[sg]etpriority|PRIO_\w+|sched_\w+|posix_\w+|pread|pwrite|sendfile|statvfs"
)
SIGNALS = (
    r"SIG(KILL|HUP|USR1|USR2|ALRM|CHLD|QUIT|PIPE|XFSZ|STOP|CONT|TSTP)|alarm|setitimer|pause|pthread_\w+|sigwait\w*"
)
SYSTEMS: dict[str, dict[str, Any]] = {
    "windows": {
        "platform": "win32",
        "modules": {"fcntl", "grp", "pwd", "resource", "termios", "pty", "tty", "syslog"},
        "missing": {"os": POSIX, "signal": SIGNALS, "time": "tzset", "socket": "AF_UNIX"},
        "arguments": {"start_new_session", "preexec_fn", "pass_fds", "process_group"},
    },
    "macos": {
        "platform": "darwin",
        "modules": set(),
        "missing": {"os": r"sched_\w+|O_TMPFILE|O_PATH|posix_fadvise", "signal": "SIGRT\\w+|SIGPWR|SIGSTKFLT"},
        "arguments": set(),
    },
}
REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def environment(system: str, folder: Path) -> dict[str, str]:
    """Return the variables that make Python a foreign one.

    Args:
        system: one of SYSTEMS.
        folder: for what the harness itself keeps; not where the program works.
    """
    family = folder / "family"
    family.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(LOADER.format(file=str(Path(__file__)), system=system))
    found = {**os.environ, "PYTHONPATH": str(folder), FAMILY: str(family)}
    if system == "windows":
        found |= {"PYTHONIOENCODING": "cp1252:strict", "PYTHONWARNDEFAULTENCODING": "1"}
    return found


def install(system: str) -> None:
    """Make this process a foreign one; called by `sitecustomize`."""
    about = SYSTEMS[system]
    family = os.environ[FAMILY]
    with open(os.path.join(family, str(os.getpid())), "wb"):
        pass
    import psutil

    if system == "macos":
        psutil.Process.cpu_affinity = property()  # type: ignore[method-assign, assignment]
    _hide(about)
    sys.addaudithook(_refuse(about))
    if system == "windows":
        _share_nothing(family)
        import warnings

        warnings.filterwarnings("error", category=EncodingWarning, module=r"(fer_core|ui|pages)\b")


class Foreign(types.ModuleType):
    """A module without some of its names."""

    def __init__(self, real: types.ModuleType, missing: str, others: dict[str, object]):
        super().__init__(real.__name__, real.__doc__)
        self.__dict__.update(_real=real, _missing=re.compile(missing), **others)

    def __getattr__(self, name: str) -> Any:
        if self._missing.fullmatch(name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._real, name, value)


def _is_own(namespace: dict[str, Any] | None) -> bool:
    return str((namespace or {}).get("__file__", "")).startswith(OWN)


def _hide(about: dict[str, Any]) -> None:
    """Let the project's modules import foreign modules instead of those of Linux."""
    real_import, known = builtins.__import__, {}

    def foreign(name: str) -> types.ModuleType | None:
        if name not in known:
            missing, others = about["missing"].get(name), {}
            if name == "sys":
                missing, others = "getdlopenflags", {"platform": about["platform"]}
            elif name == "subprocess":
                missing, others = "_none", {"Popen": _strict_popen(about["arguments"])}
            known[name] = None if missing is None else Foreign(sys.modules[name], missing, others)
        return known[name]

    def take(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and _is_own(globals):
            if name.split(".")[0] in about["modules"]:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            found = real_import(name, globals, locals, fromlist, level)
            return foreign(name) or found
        return real_import(name, globals, locals, fromlist, level)

    builtins.__import__ = take


def _strict_popen(arguments: set[str]) -> type:
    import subprocess

    class Popen(subprocess.Popen):
        def __init__(self, *args: Any, **given: Any):
            if refused := arguments & set(given):
                raise ValueError(f"{', '.join(refused)} is not supported on this platform")
            super().__init__(*args, **given)

    return Popen


def _asks_proc() -> bool:
    """Whether one of the project's modules opens a file, itself or through pathlib."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.endswith(("pathlib.py", "_local.py", "<frozen codecs>")):
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and frame.f_code.co_filename.startswith(OWN)


def _refuse(about: dict[str, Any]) -> Callable[[str, tuple], None]:
    windows = about["platform"] == "win32"
    project = (str(ROOT), sys.prefix, sys.base_prefix)

    def hear(event: str, arguments: tuple) -> None:
        if event == "open":
            path = arguments[0]
            if not isinstance(path, str):
                return
            if path.startswith(PROC) and _asks_proc():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            writes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if windows and writes and not path.startswith(("/dev/", "/proc/", *project)):
                _check(path)
        elif windows and event in ("os.mkdir", "os.rename"):
            path = arguments[0] if event == "os.mkdir" else arguments[1]
            if not str(path).startswith(project):
                _check(str(path))

    return hear


def _check(path: str) -> None:
    name = os.path.basename(path.rstrip("/"))
    if REFUSED.search(name) or len(name.encode("utf-16-le")) > 510:
        raise OSError(errno.EINVAL, f"The filename, directory name, or volume label syntax is incorrect: {name}", path)


def _open_files(family: str) -> set[str]:
    """Files that a process of the family has open."""
    found = set()
    for process in os.listdir(family):
        try:
            numbers = os.listdir(f"/proc/{process}/fd")
        except OSError:
            continue
        for number in numbers:
            try:
                found.add(os.readlink(f"/proc/{process}/fd/{number}"))
            except OSError:
                continue
    return found


def _share_nothing(family: str) -> None:
    """Refuse to delete, rename or replace what is open, as Windows does where a file was opened as Python opens it."""
    import shutil

    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # Windows has none

    def guarded(real: Callable[..., None], count: int) -> Callable[..., None]:
        def act(*paths: Any, **more: Any) -> None:
            used = _open_files(family)
            for path in paths[:count]:
                folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
                whole = os.path.join(os.path.realpath(folder), name)
                if whole in used or any(other.startswith(whole + os.sep) for other in used):
                    raise PermissionError(errno.EACCES, "Access is denied", str(path))
            real(*paths, **more)

        return act

    for name, count in (("replace", 2), ("rename", 2), ("unlink", 1), ("remove", 1), ("rmdir", 1)):
        setattr(os, name, guarded(getattr(os, name), count))
