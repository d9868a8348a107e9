"""`analyze`: clips to tables and annotated clips."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.export import FORMATS
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.cli.common import each, print_json, reading_options, recognizer, say
from fer_core.cli.settings import take_settings
from fer_core.errors import Cancelled, FerError, MediaError
from fer_core.exports import FORMATS as EXPORTS
from fer_core.exports import check_names, write_exports
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.utils.files import write_export
from fer_core.utils.platform import portable_name, stop_signals
from fer_core.video.formats import MEDIA_SUFFIXES
from fer_core.video.reader import probe

__all__ = ["HELP", "add_arguments", "run"]

HELP = "clips to tables and annotated clips"

BLANK: dict[str, Any] = {
    "files": [],
    "frames": 0,
    "frames_damaged": 0,
    "tracks": 0,
    "read_until_s": None,
    "notes": [],
    "problems": [],
}
"""What is reported of a clip that could not be used; one that could has the same keys."""

ROOM = 24
"""Bytes that are added to a clip's name: a number, `-annotated`, a suffix."""


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
    command.add_argument("--measures", action="store_true", help="also measure head pose, eyes, gaze and mouth")
    command.add_argument("--aspect", type=float, metavar="A", help="width of a pixel by its height, if squashed")
    command.add_argument("--blur", action="store_true", help="make faces unrecognisable in the annotated clip")
    command.add_argument("--export", metavar="NAMES", help=f"further files, such as excel,elan: {', '.join(EXPORTS)}")
    command.add_argument("--settings", type=Path, metavar="FILE", help="analyse as the settings.json of a bundle says")
    reading_options(command)


def _clips(given: Sequence[Path]) -> list[Path]:
    paths: list[Path] = []
    for path in given or [Path("videos")]:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower().lstrip(".") in MEDIA_SUFFIXES and p.is_file())
            if not inside:
                raise MediaError(f"The folder {path} holds no clips or pictures. Put one there, such as an MP4 file.")
            paths += inside
        else:
            paths.append(path)
    return paths


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a name for the results of each clip: its own without suffix, numbered where two would meet."""
    taken: set[str] = set()
    names = []
    for path in paths:
        stem = portable_name(path.stem, ROOM)
        name, n = stem, 2
        while name.lower() in taken:
            name, n = f"{stem}-{n}", n + 1
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
    exports = () if args.export is None else check_names(name.strip() for name in args.export.split(","))
    paths = _clips(args.clips)
    given = None if args.settings is None else take_settings(args)
    read = recognizer(args)
    options = given or AnalysisOptions(
        sample_fps=args.fps,
        frame_stride=args.every,
        start=args.start,
        end=args.end,
        pixel_aspect=args.aspect,
        confidence_threshold=read.classifier.bundle.confidence_threshold,  # type: ignore[attr-defined]
        measures=args.measures,
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
        return _analyze(path, args, read, options, names[path], stopped, exports)

    try:
        with stop_signals(stopped.append):
            done, status = each(paths, one, BLANK)
    except Cancelled:
        say("Interrupted: what was done so far is kept.")
        return 128 + stopped[0]
    if args.json:
        print_json(done)
    return status


def _analyze(
    path: Path,
    args: argparse.Namespace,
    read: ExpressionRecognizer,
    options: AnalysisOptions,
    name: str,
    stopped: list[int],
    exports: Sequence[str],
) -> dict[str, Any]:
    """Analyse one clip or picture into files of that name; `stopped` fills when somebody interrupts."""
    picture = probe(path).is_image
    annotated = args.out / f"{name}-annotated.{'jpg' if picture else 'mp4'}" if args.annotate else None
    clip = ClipAnalysis(
        path,
        recognizer(args, picture=True) if picture else read,
        options,
        annotated=None if picture else annotated,
        blur=args.blur,
        automatic_detail=args.detail is None,
    )
    progress = Progress(clip)

    def cancelled() -> bool:
        progress.show()
        return bool(stopped)

    try:
        clip.run(cancelled)
    except Cancelled:
        _write(clip, args.out, name, exports)
        raise
    progress.show(end=True)
    if clip.damaged:
        say(f"{path}: {clip.damaged} damaged frames were skipped.")
    files = _write(clip, args.out, name, exports)
    if annotated is not None and picture and clip.preview is not None:
        write_export(annotated, [clip.preview])
    if annotated is not None and annotated.exists() and not clip.annotation_failed:
        files.append(annotated)
    return {
        "files": [str(f) for f in files],
        "frames": clip.analyzed_frames,
        "frames_damaged": clip.damaged,
        "tracks": int(clip.recorder.table()["track_id"].nunique()),
        "read_until_s": None if clip.broken_off is None else round(clip.broken_off.read_s, 3),
        "notes": clip.notes,
        "problems": clip.problems,
    }


def _write(clip: ClipAnalysis, folder: Path, name: str, exports: Sequence[str]) -> list[Path]:
    result, files = clip.result(), []
    for suffix, write in FORMATS.items():
        files.append(folder / f"{name}.{suffix}")
        write_export(files[-1], write(result))
    return files + write_exports(result, folder, name, exports)
