"""Ten visitors at once, for five minutes, on this computer: does everybody get an answer, and is anything left?

    python -m benchmarks.load [--minutes 5] [--clips 5] [--cameras 2] [--browsers 1] [--explorers 2] [--away SECONDS]
                              [--json FILE]

Starts the app as a host has it, on a free port of this computer only. Those with clips upload the sample, have it
read, look at the result, delete it and begin again; those in the explorer go through its views; both speak the app's
own HTTP and WebSocket (`visitor`). Of those with cameras two do so too (`streams`), and one is a tab of a headless
Chromium (`cameras`); the camera of all is the sample clip. They stand back behind the server, as visitors bring their
own computers. Printed are how long pages took to be whole
after each thing that was done, for the first visitor of each kind after the start and then for all at once; memory
between the two, at its most, and afterwards; and the threads and temporary files that are left when the visits have
ended. A machine that does other work too makes everything slower: the load beforehand is printed, too.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cameras import Cameras
from benchmarks.streams import Streams
from benchmarks.visitor import Visitor

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "two-people.mp4"
GO_ON, ANALYSE, OVER = "I understand, go on", "Analyse", "Yes, delete it"
VIEWS = 4
GOAL = 2.0
"""Seconds within which a page should answer."""
KEPT = 1.1
"""Memory afterwards may be so many times that before."""
AWAY = 160.0
"""Seconds after which a host has forgotten a visitor whose tab was closed."""
POOLS = ("asyncio_", "AnyIO worker")
"""How the threads of pools are called that belong to the server, and wait for work of whomever."""
NAMED = """
import threading
begin = threading.Thread._bootstrap_inner
def named(self):
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as file:
            file.write(self.name[:15])
    except OSError:
        pass
    begin(self)
threading.Thread._bootstrap_inner = named
"""
"""Code that a server runs first: it lets the system know what Python calls its threads."""


@dataclass(slots=True)
class Told:
    """What the visitors tell.

    Attributes:
        answers: seconds until the page was whole, by what was done.
        problems: what went wrong.
        done: how often each visitor came to the end of what he does.
    """

    answers: dict[str, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, who: str, visitor: Visitor) -> None:
        """Hear a visitor out."""
        with self.lock:
            for name, seconds in visitor.answers:
                self.answers.setdefault(name, []).append(seconds)
            self.problems += [f"{who}: {words}" for words in visitor.problems + visitor.alerts]


@contextmanager
def served(folder: Path, python: str = sys.executable) -> Iterator[tuple[str, int]]:
    """The app with a host's settings, its temporary files in `folder`; gives address and process number.

    Args:
        folder: an empty one.
        python: that runs it; of another environment than this one, for instance.
    """
    port = _free_port()
    (code := folder / "code").mkdir(exist_ok=True)
    (code / "sitecustomize.py").write_text(NAMED)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(code), os.environ.get("PYTHONPATH")))),
        "FER_HOSTED": "1",
        "FER_HOME": str(folder / "home"),
        "TMPDIR": str(folder),
        "MALLOC_ARENA_MAX": "2",  # as in the image
    }
    command = [
        *(python, "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.address=127.0.0.1"),
        *(f"--server.port={port}", "--server.fileWatcherType=none"),
    ]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 180
        while True:
            try:
                Visitor(address).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.5)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


Role = Callable[[str, float, Told, str], None]


def clip(address: str, end: float, told: Told, who: str) -> None:
    """Bring the sample, wait for the result, look at it, delete it, begin again; at least once."""
    visitor = Visitor(address)
    try:
        visitor.press(GO_ON)
        while True:
            visitor.upload(SAMPLE)
            visitor.press(ANALYSE)
            visitor.wait("button", lambda button: button.label == OVER, seconds=900)
            told.done[who] = told.done.get(who, 0) + 1
            visitor.stay(5)
            visitor.press(OVER)
            if time.monotonic() > end:
                break
            visitor.stay(2)
    finally:
        visitor.close()
        told.take(who, visitor)


def explorer(address: str, end: float, told: Told, who: str) -> None:
    """Look through the views of the built-in dataset again and again; at least once."""
    visitor = Visitor(address, "explore")
    try:
        visitor.press(GO_ON)
        while True:
            for view in [*range(1, VIEWS), 0]:
                visitor.choose("View", view)
                visitor.stay(3)
            told.done[who] = told.done.get(who, 0) + 1
            if time.monotonic() > end:
                break
    finally:
        visitor.close()
        told.take(who, visitor)


def watched(role: Role, address: str, end: float, told: Told, who: str) -> threading.Thread:
    """Run one visitor on a thread of his own; what he cannot do is a problem."""

    def run() -> None:
        try:
            role(address, end, told, who)
        except Exception as error:
            with told.lock:
                told.problems.append(f"{who}: {type(error).__name__}: {error}")

    thread = threading.Thread(target=run, name=who)
    thread.start()
    return thread


@dataclass(frozen=True, slots=True)
class State:
    """Of the server at a moment: memory in MB, names of its threads without those of pools, temporary files."""

    memory: float
    threads: Counter[str]
    files: tuple[str, ...]


def state(process: int, folder: Path) -> State:
    """Of the server now."""
    # What visitors brought and made; ONNX Runtime keeps a small file of its own beside it.
    files = sorted(str(p.relative_to(folder)) for p in folder.glob("expression-lab-*/**/*") if p.is_file())
    return State(
        memory(process), Counter(name for name in _threads(process) if not name.startswith(POOLS)), tuple(files)
    )


def _threads(process: int) -> list[str]:
    found = []
    for place in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # it ended meanwhile
            found.append((place / "comm").read_text().rstrip("\n"))
    return found


def memory(process: int) -> float:
    """Of a process, in MB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def worked(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def visit(
    address: str, process: int, *, clips: int, cameras: int, browsers: int, explorers: int, minutes: float, told: Told
) -> tuple[float, float, list[float]]:
    """Let all of them in at once until the time is over; gives most memory, processor time and the cameras' pace."""
    end, most, began = time.monotonic() + 60 * minutes, 0.0, worked(process)
    roles = [(clip, f"clip {i + 1}") for i in range(clips)]
    roles += [(explorer, f"explorer {i + 1}") for i in range(explorers)]
    with ExitStack() as stack:
        seen = stack.enter_context(Cameras(address, browsers, SAMPLE)) if browsers else None
        streams = stack.enter_context(Streams(address, cameras)) if cameras else None
        threads = [watched(role, address, end, told, who) for role, who in roles]
        while time.monotonic() < end or any(thread.is_alive() for thread in threads):
            most = max(most, memory(process))
            if seen is not None:
                seen.look(0.5)
            else:
                time.sleep(0.5)
        pace = seen.paces() if seen is not None else []
        told.problems += seen.problems if seen is not None else []
    if streams is not None:
        pace = [*streams.told["paces"], *pace]
        told.problems += streams.told["problems"]
        for name, seconds in streams.told["answers"]:
            told.answers.setdefault(name, []).append(seconds)
    return most, worked(process) - began, pace


def table(told: Told) -> str:
    """How long pages took to be whole, by what was done; the parts that ask by themselves are last."""
    lines = [f"{'page whole again after, in seconds':<46} {'times':>6} {'median':>7} {'95 %':>7} {'most':>7}"]
    for name, seconds in sorted(told.answers.items(), key=lambda item: (item[0].startswith("every"), item[0])):
        ordered = sorted(seconds)
        high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        lines.append(
            f"{name:<46} {len(ordered):>6} {statistics.median(ordered):>7.2f} {high:>7.2f} {ordered[-1]:>7.2f}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=5.0)
    for name, usual in (("clips", 5), ("cameras", 2), ("browsers", 1), ("explorers", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--away", type=float, default=AWAY, help="seconds to wait until visits have ended")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    crowd = {"clips": given.clips, "cameras": given.cameras, "browsers": given.browsers, "explorers": given.explorers}
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}; {given.minutes:g} minutes of {crowd}")
    with tempfile.TemporaryDirectory(prefix="load-") as place:
        folder = Path(place)
        with served(folder) as (address, process):
            idle = state(process, folder)
            first = Told()
            visit(address, process, **{k: min(v, 1) for k, v in crowd.items()}, minutes=0.2, told=first)
            time.sleep(given.away)
            before, told = state(process, folder), Told()
            most, cpu, paces = visit(address, process, **crowd, minutes=given.minutes, told=told)
            print(f"load at the end {os.getloadavg()[0]:.1f}; the server used {cpu / (60 * given.minutes):.2f} cores")
            time.sleep(given.away)
            after = state(process, folder)
        faults = (folder / "server.log").read_text(errors="replace").count("Traceback")
    problems = first.problems + told.problems
    actions = [x for name, found in told.answers.items() if not name.startswith("every") for x in found]
    slow = sum(seconds > GOAL for seconds in actions)
    print("the first visitor of each kind, on a server that has just started:")
    print(table(first))
    print("all at once, afterwards:")
    print(table(told))
    print(
        f"clips read {sum(n for who, n in told.done.items() if who.startswith('clip'))}, "
        f"cameras' pictures a second {', '.join(f'{pace:.1f}' for pace in paces) or 'none'}"
    )
    print(f"answers beyond {GOAL:g} s: {slow} of {len(actions)}")
    print(f"memory MB: idle {idle.memory:.0f}, before {before.memory:.0f}, most {most:.0f}, after {after.memory:.0f}")
    left = after.threads - before.threads
    print(f"threads: before {before.threads.total()}, left {dict(left) or 'none'}")
    print(f"files left: {list(after.files) or 'none'}")
    print(f"errors: {len(problems)}, tracebacks in the log: {faults}")
    for words in problems[:20]:
        print(f"  {words}")
    if given.json:
        given.json.write_text(json.dumps({"answers": told.answers, "problems": problems, "paces": paces}, indent=1))
    missed = [
        *(["errors"] if problems or faults else []),
        *(["answers"] if slow else []),
        *(["memory"] if after.memory > KEPT * before.memory else []),
        *(["threads"] if left else []),
        *(["files"] if after.files else []),
    ]
    print("missed: " + ", ".join(missed) if missed else "all goals met")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
