"""Speed and memory of analysing a clip, stage by stage and against the `fer` package, in one run.

    python -m benchmarks.video [--quick] [--json FILE] [--peer-python PYTHON]

Everything is measured in rounds, each thing once a round in turn, so that a busier minute of the machine meets all of
them; ratios are taken within a round, and what is printed is the median over the rounds. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from benchmarks import sizes
from benchmarks.clips import make
from benchmarks.rounds import Run, in_rounds, say, speed, table, timed, whole
from fer_core.annotation.draw import draw_overlays
from fer_core.annotation.overlays import overlays
from fer_core.faces.alignment import crop_faces
from fer_core.faces.detector import FaceDetector
from fer_core.faces.quality import assess_quality
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
from fer_core.tracking.tracker import Tracker
from fer_core.types import Faces
from fer_core.video.reader import FrameReader
from fer_core.video.writer import ClipWriter

ROOT = Path(__file__).parent.parent
PEER = Path(__file__).with_name("peer_fer.py")
PACKAGES = ("opencv-python-headless", "ai-edge-litert", "av", "numpy", "pandas")
CORES = 2
HELD = 250
"""Frames kept in memory to feed the stages that come after decoding."""

FASTEST_ANNOTATING, FASTEST, TIMES_PEER, TIMES_PEER_ANNOTATING = 300.0, 700.0, 12.0, 6.0
GROWTH, PEAK_MB = 1.15, 250.0


def stages(clip: Path, folder: Path) -> dict[str, Callable[[], Run]]:
    """Every stage by itself, and the whole; each is fed with what the stages before it made."""
    with FrameReader(clip) as reader:
        info = reader.info
        frames = [(frame.index, frame.seconds, frame.image()) for frame in itertools.islice(reader, HELD)]
    n = {"frames": len(frames)}
    detector, classifier = FaceDetector(), Classifier()
    recognizer = ExpressionRecognizer(classifier, detector)
    found = [detector(image) for *_, image in frames]

    def decode(picture: bool) -> dict[str, int]:
        count = 0
        with FrameReader(clip) as reader:
            for frame in reader:
                count += 1
                if picture:
                    frame.image()
        return {"frames": count}

    def detect() -> dict[str, int]:
        for *_, image in frames:
            detector(image)
        return n

    def classify() -> list[Faces]:
        faces = []
        for (*_, image), seen in zip(frames, found, strict=True):
            if not len(seen.boxes):
                faces.append(Faces.none(classifier.labels))
                continue
            crops = crop_faces(image, seen.boxes, seen.landmarks)
            quality = assess_quality(crops, seen.boxes, seen.scores, seen.landmarks)
            faces.append(Faces.detected(*seen, classifier(crops), classifier.labels, quality))
        return faces

    recognised = classify()

    def track() -> list[Faces]:
        tracker = Tracker(classifier.labels)
        return [
            tracker.update(*frame[:2], faces, frame[2]).faces for frame, faces in zip(frames, recognised, strict=True)
        ]

    tracked = track()

    def draw_all() -> dict[str, int]:
        for image, faces in zip(canvases, tracked, strict=True):
            draw_overlays(image, overlays(faces))
        return n

    def encode() -> dict[str, int]:
        size = {"width": info.width, "height": info.height, "frame_rate": info.frame_rate}
        with ClipWriter(folder / "encoded.mp4", **size) as writer:
            for _, seconds, image in frames:
                writer.write(image, seconds)
        return n

    canvases = [image.copy() for *_, image in frames]
    whole(clip, recognizer)
    works: dict[str, Callable[[], dict[str, int]]] = {
        "decode": lambda: decode(False),
        "decode + BGR image": lambda: decode(True),
        "detect (YuNet, 320)": detect,
        "crop + classify": lambda: (classify(), n)[1],
        "track": lambda: (track(), n)[1],
        "draw": draw_all,
        "encode": encode,
        "whole": lambda: whole(clip, recognizer),
        "whole, annotated": lambda: whole(clip, recognizer, folder / "annotated.mp4"),
    }
    return {name: (lambda work=work: timed(work)) for name, work in works.items()}


class Peer:
    """The `fer` package in a process of its own; it waits while ours runs."""

    def __init__(self, process: subprocess.Popen[str], errors: Path):
        self._process, self._errors = process, errors
        self.versions: dict[str, str] = self._answer()["versions"]

    def __call__(self, work: str) -> Run:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{work}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Run:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": self._errors.read_text()[-2000:]}
        if "error" in answer:
            raise RuntimeError(f"The peer stopped: {answer['error']}")
        return answer


@contextlib.contextmanager
def peer(python: Path, clip: Path, folder: Path) -> Iterator[Peer]:
    """The peer, loaded and warm, until the block ends."""
    errors = folder / "peer.log"
    with open(errors, "w") as log:
        process = subprocess.Popen(
            [python, PEER, clip], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder
        )
        try:
            yield Peer(process, errors)
        finally:
            process.communicate(timeout=60)


def against(python: Path, clip: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """The peer and ours in turn; ratios pair by pair."""
    yunet, haar = (ExpressionRecognizer(Classifier(), FaceDetector(kind)) for kind in ("yunet", "haar"))
    output = folder / "annotated.mp4"
    with peer(python, clip, folder) as fer:
        works: dict[str, Callable[[], Run]] = {
            "fer, Haar, detect_emotions": lambda: fer("frames"),
            "ours, Haar": lambda: timed(lambda: whole(clip, haar)),
            "ours, YuNet": lambda: timed(lambda: whole(clip, yunet)),
            "fer, Haar, Video.analyze, annotated": lambda: fer("analyze"),
            "ours, Haar, annotated": lambda: timed(lambda: whole(clip, haar, output)),
            "ours, YuNet, annotated": lambda: timed(lambda: whole(clip, yunet, output)),
        }
        runs = in_rounds(works, rounds)
        versions = fer.versions
    names = list(works)
    pairs = {ours: peers for i, peers in ((1, names[0]), (4, names[3])) for ours in names[i : i + 2]}
    ratios = {o: [speed(a) / speed(b) for a, b in zip(runs[o], runs[p], strict=True)] for o, p in pairs.items()}
    return {"versions": versions, "runs": runs, "against": pairs, "ratios": ratios}


def peak_mb(arguments: list[str | Path]) -> tuple[float, float]:
    """Peak memory in MB of `python -m fer_core ...` in its own process, and its seconds from start to end."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(
        [sys.executable, "-m", "fer_core", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    # The system keeps the peak itself (VmHWM), so only the last reading before the end counts. getrusage would not do:
    # its figure for a child begins with the memory of the parent it was forked from.
    while process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        time.sleep(0.005)
    if process.returncode:
        raise RuntimeError(f"fer_core ended with {process.returncode}: {process.stderr.read().decode()}")
    return peak * 1024 / 1e6, time.perf_counter() - started


def memory(folder: Path, short: float, long: float) -> dict[str, Any]:
    """Peak memory of the command line for a short and a ten times longer clip."""
    one, ten = folder / "short.mp4", folder / "long.mp4"
    frames = {one: make(one, short), ten: make(ten, long)}
    found: dict[str, Any] = {}
    for name, arguments in {
        "start (lists the models)": ["models"],
        f"{length(short)}": ["analyze", one, "--every", "1", "--out", folder / "a"],
        f"{length(short)}, annotated": ["analyze", one, "--every", "1", "--out", folder / "b", "--annotate"],
        f"{length(long)}": ["analyze", ten, "--every", "1", "--out", folder / "c"],
    }.items():
        say(f"memory: {name}")
        peak, seconds = peak_mb(arguments)
        count = frames[arguments[1]] if len(arguments) > 1 else None
        found[name] = {"peak_mb": peak, "wall": seconds, "frames": count}
    _, first, _, last = found.values()
    return {"runs": found, "ratio": last["peak_mb"] / first["peak_mb"]}


def length(seconds: float) -> str:
    """A clip's length in words."""
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def goals(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wanted and what came, for the parts that were measured."""
    found: list[tuple[str, float, float, bool]] = []
    if "stages" in result:
        fps = {name: median(map(speed, runs)) for name, runs in result["stages"].items()}
        found.append(("whole pipeline, frames/s", fps["whole"], FASTEST, True))
        found.append(("whole pipeline, annotated, frames/s", fps["whole, annotated"], FASTEST_ANNOTATING, True))
    if "peer" in result:
        ratios = result["peer"]["ratios"]
        found.append(("times fer with Haar", median(ratios["ours, YuNet"]), TIMES_PEER, True))
        annotating = median(ratios["ours, YuNet, annotated"])
        found.append(("times fer with Haar, annotated", annotating, TIMES_PEER_ANNOTATING, True))
    if "sizes" in result:
        found += sizes.goals(result["sizes"])
    if "memory" in result:
        peaks = [run["peak_mb"] for run in result["memory"]["runs"].values()]
        found.append(("memory, long over short clip", result["memory"]["ratio"], GROWTH, False))
        found.append(("peak memory, MB", max(peaks), PEAK_MB, False))
    return [
        {
            "goal": name,
            "value": value,
            "bound": bound,
            "at_least": more,
            "met": value >= bound if more else value <= bound,
        }
        for name, value, bound, more in found
    ]


def show(result: dict[str, Any]) -> None:
    """Print everything as plain text."""
    machine = result["machine"]
    print(
        f"{machine['cpu']}, {machine['cores']} core(s) used, load {machine['load']:.1f} before; "
        f"{result['rounds']} rounds"
    )
    print(f"clip: {result['clip']}\n")

    def row(runs: list[Run]) -> tuple[float, float]:
        return median(map(speed, runs)), median(1000 * run["cpu"] / run["frames"] for run in runs)

    if "stages" in result:
        base = result["stages"]["decode"]
        table(
            ("stage", "frames/s", "CPU ms/frame", "ratio to decode"),
            [
                (name, *row(runs), median(speed(a) / speed(b) for a, b in zip(runs, base, strict=True)))
                for name, runs in result["stages"].items()
            ],
        )
    if "sizes" in result:
        sizes.show(result["sizes"])
    if "peer" in result:
        ratios = result["peer"]["ratios"]
        table(
            ("against fer", "frames/s", "CPU ms/frame", "with a face", "times fer", "from", "to"),
            [
                (name, *row(runs), f"{runs[0]['frames_with_face']}/{runs[0]['frames']}", *spread(ratios.get(name)))
                for name, runs in result["peer"]["runs"].items()
            ],
        )
    if "memory" in result:
        rows = [
            (name, run["peak_mb"], run["wall"], "" if run["frames"] is None else run["frames"] / run["wall"])
            for name, run in result["memory"]["runs"].items()
        ]
        table(("python -m fer_core", "peak MB", "seconds", "frames/s"), rows)
    signs = {True: ">=", False: "<="}
    table(
        ("goal", "measured", "", "wanted", "met"),
        [
            (g["goal"], g["value"], signs[g["at_least"]], g["bound"], "yes" if g["met"] else "NO")
            for g in result["goals"]
        ],
    )


def spread(values: list[float] | None) -> tuple[Any, Any, Any]:
    """Median, least and most; blank where there is nothing to compare with."""
    return (median(values), min(values), max(values)) if values else ("", "", "")


def use_cores() -> dict[str, Any]:
    """Hold this process and its children to at most two cores; `taskset` may have left fewer."""
    allowed = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, allowed)
    cv2.setNumThreads(1)  # as the command line does
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": len(allowed),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def main() -> int:
    """Measure, print, and say by the exit status whether all goals were met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peer-python", type=Path, default=Path(".venv-fer/bin/python"), help="a Python that has fer")
    parser.add_argument("--rounds", type=int, default=5, help="at least 3 (5)")
    parser.add_argument("--only", choices=("stages", "sizes", "peer", "memory"), action="append", help="only this part")
    parser.add_argument("--quick", action="store_true", help="short clips and 3 rounds: to see that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures there")
    args = parser.parse_args()
    parts = args.only or ["stages", "sizes", "peer", "memory"]
    seconds, rounds = (4.0, 3) if args.quick else (20.0, max(3, args.rounds))

    result: dict[str, Any] = {"machine": use_cores(), "rounds": rounds}
    with tempfile.TemporaryDirectory(prefix="fer-benchmark-") as temporary:
        folder = Path(temporary)
        clip = folder / "clip.mp4"
        result["clip"] = f"640x360, 25 frames/s, H.264, one face, {make(clip, seconds)} frames"
        if "stages" in parts:
            result["stages"] = in_rounds(stages(clip, folder), rounds)
        if "sizes" in parts:
            result["sizes"] = sizes.measure(folder, rounds, quick=args.quick)
        if "peer" in parts and args.peer_python.exists():
            result["peer"] = against(args.peer_python, clip, folder, rounds)
        elif "peer" in parts:
            say(f"No {args.peer_python}: nothing is compared with fer. See benchmarks/README.md.")
        if "memory" in parts:
            result["memory"] = memory(folder, *((6.0, 60.0) if args.quick else (60.0, 600.0)))
    result["goals"] = goals(result)
    show(result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if all(goal["met"] for goal in result["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
