"""The command line: `python -m fer_core analyze|predict|models`.

Results go to files or standard output, progress and errors to standard error. Exit status: 0 done, 1 some of several
inputs could not be used, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

from .analysis import Options, analyze
from .bundles import DEFAULT, list_bundles, load_bundle
from .classification import Classifier
from .clip import ClipAnalysis
from .detection import DETECTORS, FaceDetector
from .drawing import marks
from .errors import Cancelled, FerError, MediaError
from .export import FORMATS, write_whole
from .recognition import Recognizer
from .video import Limits, probe

CLIP_SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".flv", ".ogv"),
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp"),
}


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    about = "Read facial expressions in clips and pictures."
    top = argparse.ArgumentParser(prog="python -m fer_core", description=about)
    commands = top.add_subparsers(dest="command", required=True)

    one = commands.add_parser("analyze", help="clips to tables and annotated clips")
    one.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="files or folders (default: videos/)")
    one.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="for the results (results/)")
    rate = one.add_mutually_exclusive_group()
    rate.add_argument("--fps", type=float, metavar="F", help="frames looked at in a second (default: every frame)")
    rate.add_argument("--every", type=int, default=1, metavar="N", help="look at every n-th frame")
    one.add_argument("--start", type=float, default=0.0, metavar="S", help="first second")
    one.add_argument("--end", type=float, metavar="S", help="last second")
    one.add_argument("--annotate", action="store_true", help="also write the clip with boxes and expressions")
    one.add_argument("--blur", action="store_true", help="make faces unrecognisable in the annotated clip")

    two = commands.add_parser("predict", help="faces and expressions of pictures")
    two.add_argument("images", nargs="+", type=Path, metavar="IMAGE")

    three = commands.add_parser("models", help="the models that can be used")
    for command in (one, two):
        command.add_argument("--model", default=DEFAULT, metavar="NAME", help=f"see `models` ({DEFAULT})")
        command.add_argument("--detector", choices=DETECTORS, default="yunet", help="finds the faces (yunet)")
        command.add_argument(
            "--detail",
            type=int,
            default=320,
            metavar="PX",
            help="longer side that the detector sees; 640 finds smaller faces",
        )
    for command in (one, two, three):
        command.add_argument("--json", action="store_true", help="print JSON on standard output")
    return top


def say(text: str) -> None:
    """A line for the person."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # LiteRT announces its kernels on the process's standard error, past Python; nobody asked.
    with open(os.devnull, "w") as nothing:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def recognizer(args: argparse.Namespace) -> Recognizer:
    """Detector and model as the options say."""
    bundle = load_bundle(args.model)
    with _quiet():
        return Recognizer(Classifier(bundle), FaceDetector(args.detector, side=args.detail))


def _each(paths: Sequence[Path], work: Callable[[Path], Any]) -> tuple[list[Any], int]:
    """Do work for each path; a bad one is reported and the others go on. Returns what came, and the exit status."""
    done, bad = [], 0
    for path in paths:
        try:
            done.append(work(path))
        except Cancelled:
            raise
        except FerError as error:
            say(f"{path}: {error}")
            done.append({"input": str(path), "error": str(error)})
            bad += 1
    return done, 0 if not bad else 2 if len(paths) == 1 else 1


def _clips(given: Sequence[Path]) -> list[Path]:
    paths: list[Path] = []
    for path in given or [Path("videos")]:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in CLIP_SUFFIXES and p.is_file())
            if not inside:
                raise MediaError(f"The folder {path} holds no clips. Put one there, such as an MP4 file.")
            paths += inside
        else:
            paths.append(path)
    return paths


def _names(paths: Sequence[Path]) -> list[str]:
    """A name for the results of each clip: its own without suffix, numbered where two would meet."""
    taken: set[str] = set()
    names = []
    for path in paths:
        name, n = path.stem, 2
        while name.lower() in taken:
            name, n = f"{path.stem}-{n}", n + 1
        taken.add(name.lower())
        names.append(name)
    return names


class Progress:
    """One line on standard error that is rewritten on a terminal, and now and then a line elsewhere."""

    def __init__(self, clip: ClipAnalysis):
        self.clip, self.last = clip, 0.0

    def show(self, *, end: bool = False) -> None:
        """Show how far it is, at most twice a second on a terminal, every ten seconds elsewhere."""
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if not end and now - self.last < (0.5 if terminal else 10.0):
            return
        self.last = now
        done, left = self.clip.progress, self.clip.seconds_left
        share = "" if done is None else f" {done:4.0%}"
        rest = "" if left is None or end else f", {left:.0f} s left"
        text = f"{self.clip.name}:{share} {self.clip.looked_at} frames{rest}"
        text = f"\r{text:<70}" if terminal else text
        print(text, end="\n" if end or not terminal else "", file=sys.stderr, flush=True)


def run_analyze(args: argparse.Namespace) -> int:
    """Analyse clips into files."""
    paths = _clips(args.clips)
    read = recognizer(args)
    options = Options(
        fps=args.fps,
        every=args.every,
        start=args.start,
        end=args.end,
        unsure_below=read.classifier.bundle.unsure_below,  # type: ignore[attr-defined]
    )
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerError(f"The folder {args.out} cannot be made: {error.strerror}. Choose another with --out.") from error
    names = dict(zip(paths, _names(paths), strict=True))
    stopped: list[int] = []

    def one(path: Path) -> dict[str, Any]:
        if stopped:
            raise Cancelled("The analysis was stopped.")
        picture = probe(path).is_image
        annotated = args.out / f"{names[path]}-annotated.{'jpg' if picture else 'mp4'}" if args.annotate else None
        clip = ClipAnalysis(path, read, options, annotated=None if picture else annotated, blur=args.blur)
        progress = Progress(clip)

        def cancelled() -> bool:
            progress.show()
            return bool(stopped)

        try:
            clip.run(cancelled)
        except Cancelled:
            _write(clip, args.out, names[path])
            raise
        progress.show(end=True)
        if clip.damaged:
            say(f"{path}: {clip.damaged} damaged frames were skipped.")
        files = _write(clip, args.out, names[path])
        if annotated is not None:
            files.append(annotated)
            if picture and clip.preview is not None:
                write_whole(annotated, [clip.preview])
        table = clip.recorder.table()
        return {
            "input": str(path),
            "files": [str(f) for f in files],
            "frames": clip.looked_at,
            "frames_damaged": clip.damaged,
            "tracks": int(table["track_id"].nunique()),
        }

    handlers = {n: signal.signal(n, lambda n, _: stopped.append(n)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        done, status = _each(paths, one)
    except Cancelled:
        say("Interrupted: what was done so far is kept.")
        return 128 + stopped[0]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if args.json:
        print(json.dumps(done, ensure_ascii=False, indent=2))
    return status


def _write(clip: ClipAnalysis, folder: Path, name: str) -> list[Path]:
    findings, files = clip.findings(), []
    for suffix, write in FORMATS.items():
        files.append(folder / f"{name}.{suffix}")
        write_whole(files[-1], write(findings))
    return files


def run_predict(args: argparse.Namespace) -> int:
    """Print the faces of pictures."""
    read = recognizer(args)
    options = Options(unsure_below=read.classifier.bundle.unsure_below)  # type: ignore[attr-defined]

    def one(path: Path) -> dict[str, Any]:
        if not probe(path).is_image:
            raise MediaError("This is a clip, not a picture. Use the command analyze for clips.")
        faces = next(analyze(path, read, options, limits=Limits())).faces
        found = []
        for face, mark in zip(faces, marks(faces), strict=True):
            x0, y0, x1, y1 = mark.box
            found.append(
                {
                    "box": [round(v, 1) for v in (x0, y0, x1 - x0, y1 - y0)],
                    "score": round(float(face.scores[0]), 4),
                    "label": mark.label,
                    "confidence": round(mark.confidence, 4),
                    "probabilities": {
                        name: round(float(p), 4) for name, p in zip(faces.labels, face.probabilities[0], strict=True)
                    },
                }
            )
        if not args.json:
            print(f"{path}: {len(found)} face{'' if len(found) == 1 else 's'}")
            for face_ in found:
                print(f"  {face_['label']} {face_['confidence']:.0%} at {face_['box']}")
        return {"image": str(path), "faces": found}

    done, status = _each(args.images, one)
    if args.json:
        print(json.dumps(done, ensure_ascii=False, indent=2))
    return status


def run_models(args: argparse.Namespace) -> int:
    """Print the models."""
    bundles = list_bundles()
    if args.json:
        print(json.dumps([{"name": b.name, "default": b.name == DEFAULT, "card": b.card} for b in bundles], indent=2))
        return 0
    for bundle in bundles:
        print(f"{bundle.name}{' (default)' if bundle.name == DEFAULT else ''}: {bundle.card.get('summary', '')}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    args = parser().parse_args(arguments)
    cv2.setNumThreads(1)  # two frames are in work at a time; a tenth faster than two threads for each
    try:
        return {"analyze": run_analyze, "predict": run_predict, "models": run_models}[args.command](args)
    except FerError as error:
        say(f"Error: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output, such as `head`, has left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
