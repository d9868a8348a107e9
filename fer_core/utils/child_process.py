"""Modules of this program that run as processes of their own: started, listened to, and ended with all they started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fer_core.utils.distribution import PACKAGE_PARENT
from fer_core.utils.platform import end_process, own_group

__all__ = ["FAILED", "ChildProcess", "Ended", "run_worker"]

FAILED = 3
"""Exit status of a process that has said in error.txt what went wrong."""


class ChildProcess:
    """A running `python -m module`."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        log: Path | None = None,
        settings: Mapping[str, str] | None = None,
        given: bytes = b"",
        outlives: bool = True,
    ):
        """Start it.

        Args:
            module: to run.
            arguments: of it.
            log: gets what it prints, behind what is there; nothing does if None.
            settings: of its environment, besides this process's.
            given: what it reads from standard input; short.
            outlives: whether it goes on when the terminal that this process was started from is closed.

        Raises:
            OSError: it cannot be started, or the log cannot be written.
        """
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace", **(settings or {})}
        with contextlib.ExitStack() as stack:
            said = subprocess.DEVNULL if log is None else stack.enter_context(open(log, "ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=PACKAGE_PARENT,
                env=environment,
                stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                **(own_group() if outlives else {}),
            )
        if self._process.stdin is not None:
            with contextlib.suppress(OSError), self._process.stdin:  # it may have ended already
                self._process.stdin.write(given)

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, so many seconds at most; returns `status`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.status

    def end(self) -> None:
        """End it at once, with all that it has started."""
        end_process(self._process)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker has ended.

    Attributes:
        status: 0 where it did its work, FAILED where it said what went wrong.
        words: what it said went wrong; else the last line that it printed.
    """

    status: int
    words: str


def run_worker(
    module: str,
    folder: Path,
    listen: Callable[[], None],
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    given: bytes = b"",
) -> Ended:
    """Run `python -m module folder arguments...` until it has ended.

    Args:
        module: says what went wrong in the folder's error.txt, and ends with the status FAILED then.
        folder: holds its request, and gets its answer and its log.txt.
        listen: is called several times a second; where it raises, the process is ended.
        arguments: of the module, behind the folder.
        settings: of its environment, besides this process's.
        given: what it reads from standard input.

    Raises:
        OSError: it cannot be started.
    """
    log = folder / "log.txt"
    child = ChildProcess(module, str(folder), *arguments, log=log, settings=settings, given=given)
    try:
        while (status := child.wait(0.2)) is None:
            listen()
    finally:
        child.end()
    if status == FAILED:
        return Ended(status, (folder / "error.txt").read_text(encoding="utf-8"))
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return Ended(status, words[-1] if words else "nothing")
