"""Differences between Linux, macOS and Windows.

The one module that asks which system it runs on (tests/test_architecture.py holds every other module to that). What a
system cannot be asked is left out and said so in the function's description; it is never guessed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import getpass
import io
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

__all__ = [
    "computes_bfloat16",
    "disk_is_full",
    "end_process",
    "exit_after",
    "free_memory",
    "is_closed_pipe",
    "lower_process_priority",
    "lower_thread_priority",
    "open_plain",
    "own_group",
    "peak_memory_mb",
    "portable_name",
    "prepare_console",
    "processor_name",
    "remove_file",
    "remove_folder",
    "replace",
    "silence_output",
    "stop_signals",
    "temporary_folder",
    "trim_memory",
    "usable_cores",
    "user_id",
]

WINDOWS, MACOS, LINUX = (sys.platform == name for name in ("win32", "darwin", "linux"))

PATIENCE = 1.0
"""Seconds for which a file that another program holds open is tried again; only Windows refuses such a file."""
PAUSE = 0.02
IN_USE = "another program has it open; close it there and try again"
RESERVED = {"con", "prn", "aux", "nul", *(f"{device}{i}" for device in ("com", "lpt") for i in range(10))}
"""Names of devices: Windows opens no file of that name, whatever its suffix."""
LONGEST_NAME = 255
"""Units of a file's name, bytes on Linux and UTF-16 on the others; as bytes it fits everywhere."""


# Files


def open_plain(path: Path) -> int:
    """Open a regular file for reading; a link, pipe or device is refused, and nothing is waited for.

    Returns:
        A descriptor, which the caller closes.

    Raises:
        OSError: there is no such file, or it is something else.
    """
    before = os.lstat(path)  # where a link cannot be refused while opening, it is seen before
    flags = ("O_BINARY", "O_NOINHERIT", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC")
    refused = OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    if not stat.S_ISREG(before.st_mode):
        raise refused
    file = os.open(path, sum(getattr(os, name, 0) for name in flags) | os.O_RDONLY)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise refused
    return file


def _patiently(act: Callable[[], object], path: Path) -> None:
    """Act on a path, on Windows again and again while another program has it open."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except PermissionError as error:
            if not WINDOWS:
                raise
            if time.monotonic() > end:
                raise PermissionError(error.errno, IN_USE, str(path)) from error
        time.sleep(PAUSE)


def replace(source: Path, target: Path) -> None:
    """Give a file or folder another name, in place of a file that has it.

    Raises:
        OSError: it cannot be done; on Windows also where another program has one of them open for longer than a second.
    """
    _patiently(lambda: os.replace(source, target), target)


def remove_file(path: Path) -> None:
    """Delete a file, if it is there.

    Raises:
        OSError: as of `replace`.
    """
    _patiently(lambda: path.unlink(missing_ok=True), path)


_left: set[Path] = set()


def remove_folder(folder: Path) -> bool:
    """Delete a folder with everything in it; never raises.

    Windows keeps a file that a player still has open. What is left is tried again with each later call.

    Returns:
        Whether it is gone.
    """
    for path in {*_left, folder}:
        shutil.rmtree(path, ignore_errors=True)
        if WINDOWS and path == folder and path.exists():
            time.sleep(PAUSE)  # whoever read it may have closed it by now
            shutil.rmtree(path, ignore_errors=True)
        if WINDOWS and path.exists():
            _left.add(path)
        else:
            _left.discard(path)
    return not folder.exists()


@contextlib.contextmanager
def temporary_folder(prefix: str = "expression-lab-", parent: Path | None = None) -> Iterator[Path]:
    """Make a folder that is deleted at the end of the block, as far as nothing in it is open then."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        remove_folder(folder)


def portable_name(name: str, room: int = 0) -> str:
    """Return a file's name that every system takes, as near to this one as can be.

    Args:
        name: without a folder.
        room: bytes that will be added to it, such as a suffix.

    Example:
        >>> portable_name("what? 10:30."), portable_name("con")
        ('what- 10-30', 'con-1')
    """
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "-", name)
    name = name.encode("utf-8", "replace")[: LONGEST_NAME - room].decode("utf-8", "ignore").rstrip(". ") or "unnamed"
    stem, dot, rest = name.partition(".")
    return f"{stem}-1{dot}{rest}" if stem.strip().lower() in RESERVED else name


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an error says that a disk, a quota or the size of a file has reached its limit."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


# Processes and threads


def own_group() -> dict[str, Any]:
    """Return what `subprocess.Popen` needs so that a process outlives the terminal that it was started from."""
    if not WINDOWS:
        return {"start_new_session": True}
    # A console of its own, unseen: closing the one it was started from would end it.
    names = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW")
    return {"creationflags": sum(getattr(subprocess, name, 0) for name in names)}


def end_process(child: subprocess.Popen[bytes]) -> None:
    """End a child process with those that it started, at once, and wait until it has ended."""
    family = []
    if child.poll() is None:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(child.pid).children(recursive=True)
        child.kill()
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    child.wait()


@contextlib.contextmanager
def stop_signals(handler: Callable[[int], object], *, interrupt: bool = True) -> Iterator[None]:
    """Within the block, call `handler` with the number of each signal that asks this process to stop.

    Args:
        handler: is called on the main thread, which must be the one that calls this.
        interrupt: whether Ctrl+C counts too.
    """
    names = ("SIGTERM", "SIGBREAK", *(["SIGINT"] if interrupt else []))  # SIGBREAK: Windows alone
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda number, _: handler(number)) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def exit_after(seconds: float) -> None:
    """End this process after so many seconds, whatever it does then."""
    timer = threading.Timer(seconds, lambda: os._exit(1))
    timer.daemon = True
    timer.start()


def lower_process_priority(by: int) -> None:
    """Let other processes go before this one; Windows has classes instead of numbers, and gets the next lower."""
    if hasattr(os, "nice"):
        os.nice(by)
    else:
        psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", by))


def lower_thread_priority(nice: int) -> None:
    """Let other threads go before the one that calls this; elsewhere than on Linux a thread alone cannot."""
    if LINUX:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))


# The computer


def usable_cores() -> int:
    """Return how many cores this process may use; macOS cannot tell, so there it is all of them."""
    affinity = getattr(psutil.Process(), "cpu_affinity", None)
    return len(affinity()) if affinity is not None else os.cpu_count() or 1


def free_memory() -> int:
    """Return how many bytes of memory programs can still get without swapping."""
    return int(psutil.virtual_memory().available)


def processor_name() -> str:
    """Return what the maker calls the processor; its kind where the system does not know that."""
    with contextlib.suppress(OSError, ImportError, subprocess.SubprocessError):
        if LINUX:
            found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
            return found[1] if found else platform.processor()
        if MACOS:
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
        if WINDOWS:
            import winreg

            registry: Any = winreg  # its names exist on Windows alone
            place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
            with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, place) as key:
                return str(registry.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    return platform.processor()


def computes_bfloat16() -> bool:
    """Return whether the processor computes with bfloat16; only Linux can be asked, so elsewhere the answer is no."""
    with contextlib.suppress(OSError):
        return LINUX and re.search(r"\b(avx512_bf16|amx_bf16)\b", _cpuinfo()) is not None
    return False


def _cpuinfo() -> str:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")


_peak = 0


def peak_memory_mb() -> int:
    """Return the memory that this process has taken at its most, in MB of 1024 kB."""
    global _peak
    now = psutil.Process().memory_info()
    known = getattr(now, "peak_wset", now.rss)  # Windows keeps it there
    with contextlib.suppress(ImportError):
        import resource

        known = max(known, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if MACOS else 1024))
    _peak = max(_peak, known)
    return int(_peak / 1024**2 + 0.5)


def trim_memory() -> None:
    """Give what the allocator holds free back to the system; glibc alone keeps much and can be told."""
    if LINUX:
        with contextlib.suppress(OSError, AttributeError):  # musl has no such function
            ctypes.CDLL(None).malloc_trim(0)


def user_id() -> str:
    """Return what tells this user from others of the computer, fit for a file's name."""
    return str(os.getuid()) if hasattr(os, "getuid") else portable_name(getpass.getuser())


# The console


def prepare_console() -> None:
    """Let output go on where the console has no sign for a letter: it is written as its number then."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_closed_pipe(error: OSError) -> bool:
    """Return whether an error of writing says that the reader of our output has left."""
    return isinstance(error, BrokenPipeError) or (WINDOWS and error.errno == errno.EINVAL)


def silence_output() -> None:
    """Let what is still to be written to standard output go nowhere."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
