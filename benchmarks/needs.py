"""What a host needs: memory and processor of the server while nobody is there, for a clip, a camera, and both at once.

    python -m benchmarks.needs [--python PATH] [--seconds 30]

`--python` names the Python of another environment, such as one with requirements-analysis.txt alone. Visitors are those
of `load`. Memory is resident, the most since the step began; processor is that of the server, 1.00 being one core.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.cameras import Cameras
from benchmarks.load import SAMPLE, Told, clip, memory, served, watched, worked


def most(process: int) -> float:
    """Largest resident memory in MB since `forget`."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) * 1024 / 1e6 if found else memory(process)


def forget(process: int) -> None:
    """Begin to look for the most anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


@contextmanager
def step(name: str, process: int) -> Iterator[None]:
    """Print what the server needed within."""
    forget(process)
    began, before = time.monotonic(), worked(process)
    yield
    cores = (worked(process) - before) / (time.monotonic() - began)
    print(f"{name:<34} {most(process):>6.0f} MB {cores:>6.2f} cores", flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, {given.python}")
    told = Told()
    with tempfile.TemporaryDirectory(prefix="needs-") as place, ExitStack() as stack:
        address, process = stack.enter_context(served(Path(place), given.python))
        time.sleep(10)  # it imports what it needs after its first visitor
        with step("started, nobody there", process):
            time.sleep(5)
        with step("one clip", process):
            watched(clip, address, 0, told, "clip").join()
        cameras = stack.enter_context(Cameras(address, 1, SAMPLE))
        with step("one camera", process):
            cameras.look(given.seconds)
        with step("one camera and one clip", process):
            reading = watched(clip, address, 0, told, "clip")
            while reading.is_alive():
                cameras.look(0.5)
        paces = cameras.paces()
        tensorflow = "tensorflow" in Path(f"/proc/{process}/maps").read_text()
    pace = f"{paces[0]:.1f}" if paces else "none"
    print(f"pictures a second: {pace}; TensorFlow in the server: {'yes' if tensorflow else 'no'}")
    problems = told.problems + cameras.problems
    for words in problems:
        print(f"  {words}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
