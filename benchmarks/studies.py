"""Many clips: two workers against one process, one long clip in segments, and the overhead of ten thousand clips.

    python -m benchmarks.studies [--clips 60] [--minutes 10] [--many 10000] [--only clips,long,many,workers]

Clips are the sample's first seconds, forwards and backwards (`clips`), each with a content of its own. The one process
is `python -m fer_core studies run` with one worker, as the others are with two, all with the same settings and in turn;
only ratios within this run say something on a machine that others use too. `cores busy` is the processor time of all
processes of a run over its wall clock and cores, the start of the workers left in. The one process recognises two
frames at a time, so on two cores it keeps more than one of them busy. `many` has empty work: what is
measured is the manifest, the folders' states and Dask. `workers` starts a scheduler and two workers as programs of
their own on 127.0.0.1, and kills one in the middle.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.clips import make
from fer_core.studies.adding import add_clips
from fer_core.studies.library import create_study
from fer_core.studies.runner import run_study
from fer_core.studies.settings import StudySettings
from fer_core.studies.study import Study
from fer_core.studies.work import ClipJob

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("clips", "long", "many", "workers")
WORKERS = 2


def main() -> int:
    """Measure, print, and say whether the goals are met."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clips", type=int, default=60, help="clips of 10 s (60)")
    options.add_argument("--minutes", type=float, default=10.0, help="length of the long clip (10)")
    options.add_argument("--many", type=int, default=10_000, help="clips with empty work (10,000)")
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    options.add_argument("--json", type=Path, help="file for the figures")
    args = options.parse_args()
    figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="expression-lab-bench-") as folder:
        os.environ["FER_HOME"] = str(Path(folder) / "home")
        for part in args.only.split(","):
            figures[part] = globals()[f"measure_{part}"](Path(folder), args)
            print(part, json.dumps(figures[part]), flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2))
    goals = [figures[p]["ratio"] <= 0.6 for p in ("clips", "long") if p in figures]
    goals += [figures["many"]["ms_a_clip"] < 5] if "many" in figures else []
    return 0 if all(goals) else 1


def _clips(folder: Path, count: int, seconds: float) -> Path:
    """Make clips of a length: one is encoded, and each copy has a few bytes more that players skip."""
    folder.mkdir()
    first = folder.with_suffix(".mp4")
    make(first, seconds)
    for i in range(count):
        (folder / f"c{i:03d}.mp4").write_bytes(first.read_bytes() + b"\0\0\0\x0cfree" + i.to_bytes(4, "big"))
    return folder


def _run(study: Study, workers: int) -> dict[str, float]:
    """Analyse a study in processes of its own."""
    before, start = _child_seconds(), time.monotonic()
    command = [sys.executable, "-m", "fer_core", "studies", "run", study.name, "--workers", str(workers)]
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    assert all(entry.state == "done" for entry in study.clips())
    cores = len(os.sched_getaffinity(0))
    used = _child_seconds() - before
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
        "cores_busy": round(used / seconds / cores, 2),
    }


def _child_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _compare(clips: Path, name: str) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for workers in (1, WORKERS):
        study = create_study(f"{name} {workers}", StudySettings(sample_fps=None))
        add_clips(study, [clips])
        results[f"workers_{workers}"] = _run(study, workers)
    one, more = results["workers_1"]["seconds"], results[f"workers_{WORKERS}"]["seconds"]
    return {"ratio": round(more / one, 2), **results}


def measure_clips(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Compare two workers with one process over many short clips."""
    return _compare(_clips(folder / "short", args.clips, 10.0), "Clips")


def measure_long(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Compare two workers with one process over one long clip."""
    return _compare(_clips(folder / "long", 1, 60 * args.minutes), "Long")


def nothing(job: ClipJob) -> dict[str, Any]:
    """Do no work."""
    return {"state": "done", "error": "", "frames": 1, "people": 1, "faces": 1}


def measure_many(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Measure what a clip costs beside its analysis, and the list of very many."""
    study = create_study("Many")
    study.manifest.append(
        {"id": f"{i:032x}", "name": f"P{i}/face.mp4", "path": f"/none/{i}.mp4", "seconds": 10.0}
        for i in range(args.many)
    )
    memory: list[float] = []

    def listen(progress: object) -> None:
        with open("/proc/self/statm", encoding="ascii") as file:
            memory.append(int(file.read().split()[1]) * 4096 / 1e6)

    spent: list[float] = []
    start = time.monotonic()

    def first(progress: object) -> None:
        listen(progress)
        if not spent:
            spent.extend((time.monotonic() - start, time.process_time()))  # the workers are there

    run_study(study, workers=WORKERS, whole=nothing, listener=first)
    seconds, processor = time.monotonic() - start - spent[0], time.process_time() - spent[1]
    listed = time.monotonic()
    done = sum(entry.state == "done" for entry in Study(study.folder).clips())
    listed = time.monotonic() - listed
    assert done == args.many
    fifth = max(1, len(memory) // 5)
    return {
        "ms_a_clip": round(1000 * seconds / args.many, 2),
        "processor_ms_a_clip": round(1000 * processor / args.many, 2),
        "list_ms": round(1000 * listed),
        "memory_mb_at_a_fifth": round(memory[fifth - 1]),
        "memory_mb_at_the_end": round(memory[-1]),
    }


@contextmanager
def _program(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def measure_workers(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Analyse over a scheduler and two workers that are programs of their own, of which one is killed."""
    clips = _clips(folder / "cluster", 6, 10.0)
    study = create_study("Cluster", StudySettings(sample_fps=None))
    add_clips(study, [clips])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    host, port = address.split(":")
    worker = ("distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1", "--no-dashboard", "--no-nanny")
    where = ("--local-directory", str(folder / "dask"))
    with (
        _program("distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"),
        _program(*worker, *where) as doomed,
        _program(*worker, *where),
    ):
        killed: list[int] = []

        def listen(progress: object) -> None:
            if not killed and any(entry.state == "done" for entry in study.clips()):
                doomed.send_signal(signal.SIGKILL)
                killed.append(doomed.pid)

        progress = run_study(study, scheduler=f"tcp://{address}", listener=listen)
    shutil.rmtree(folder / "dask", ignore_errors=True)
    return {"killed": len(killed), "done": progress.done, "failed": progress.failed}


if __name__ == "__main__":
    sys.exit(main())
