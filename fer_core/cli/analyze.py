"""`analyze`: clips to tables and annotated clips."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.export import FORMATS
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.cli.common import each, reading_options, recognizer, say
from fer_core.errors import Cancelled, FerError, MediaError
from fer_core.utils.files import write_export
from fer_core.video.reader import probe

__all__ = ["HELP", "add_arguments", "run"]

HELP = "clips to tables and annotated clips"

CLIP_SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".flv", ".ogv"),
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp"),
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="files or folders (default: videos/)")
    command.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="for the results (results/)")
    rate = command.add_mutually_exclusive_group()
    rate.add_argument("--fps", type=float, metavar="F", help="frames analysed in a second (default: every frame)")
    rate.add_argument("--every", type=int, default=1, metavar="N", help="analyse every n-th frame")
    command.add_argument("--start", type=float, default=0.0, metavar="S", help="first second")
    command.add_argument("--end", type=float, metavar="S", help="last second")
    command.add_argument("--annotate", action="store_true", help="also write the clip with boxes and expressions")
    command.add_argument("--blur", action="store_true", help="make faces unrecognisable in the annotated clip")

    reading_options(command)


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
        text = f"{self.clip.name}:{share} {self.clip.analyzed_frames} frames{rest}"
        text = f"\r{text:<70}" if terminal else text
        print(text, end="\n" if end or not terminal else "", file=sys.stderr, flush=True)


def run(args: argparse.Namespace) -> int:
    """Analyse clips into files."""
    paths = _clips(args.clips)
    read = recognizer(args)
    options = AnalysisOptions(
        sample_fps=args.fps,
        frame_stride=args.every,
        start=args.start,
        end=args.end,
        confidence_threshold=read.classifier.bundle.confidence_threshold,  # type: ignore[attr-defined]
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
        reads = recognizer(args, picture=True) if picture else read
        clip = ClipAnalysis(path, reads, options, annotated=None if picture else annotated, blur=args.blur)
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
                write_export(annotated, [clip.preview])
        table = clip.recorder.table()
        return {
            "input": str(path),
            "files": [str(f) for f in files],
            "frames": clip.analyzed_frames,
            "frames_damaged": clip.damaged,
            "tracks": int(table["track_id"].nunique()),
        }

    handlers = {n: signal.signal(n, lambda n, _: stopped.append(n)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        done, status = each(paths, one)
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
    result, files = clip.result(), []
    for suffix, write in FORMATS.items():
        files.append(folder / f"{name}.{suffix}")
        write_export(files[-1], write(result))
    return files
