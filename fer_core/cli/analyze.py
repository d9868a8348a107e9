"""`analyze`: clips to tables and annotated clips."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.export import FORMATS
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.cli.common import each, print_json, reading_options, recognizer, say
from fer_core.cli.outputs import OutputEntry, Outputs
from fer_core.cli.settings import take_settings
from fer_core.cli.study import analyze_study
from fer_core.errors import Cancelled, FerError, MediaError, OptionError
from fer_core.exports import FORMATS as EXPORTS
from fer_core.exports import check_names, write_exports
from fer_core.faces.recognizer import ExpressionRecognizer, reader_settings
from fer_core.studies.adding import find_clips
from fer_core.studies.work import content_hash
from fer_core.utils.files import write_export
from fer_core.utils.platform import portable_name, stop_signals
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
    command.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="analyse as the settings.json of a bundle says; with --study, the settings of the study",
    )
    command.add_argument("--redo", action="store_true", help="analyse again what is done already")
    study = command.add_argument_group("studies", "many clips, kept: see docs/studies.md")
    study.add_argument("--study", metavar="NAME", help="put the clips into this study, and analyse what waits there")
    study.add_argument("--workers", type=int, metavar="N", help="processes (one a core, as far as the memory bears)")
    study.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler in place of own workers (FER_SCHEDULER)")
    reading_options(command)


def _clips(given: Sequence[Path]) -> list[tuple[Path, list[str]]]:
    """Return each clip, and the names that its results would have: the folders below the one that was named stay."""
    clips: list[tuple[Path, list[str]]] = []
    for path in given or [Path("videos")]:
        if not path.is_dir():
            stem, parent = portable_name(path.stem, ROOM), path.resolve().parent.name
            clips.append((path, [stem, f"{portable_name(parent, ROOM)}/{stem}"] if parent else [stem]))
            continue
        inside, others = find_clips([path])
        if not inside:
            raise MediaError(f"The folder {path} holds no clips or pictures. Put one there, such as an MP4 file.")
        if others:
            say(f"{path}: {others} {'file is no clip' if others == 1 else 'files are no clips'}, and left out.")
        clips += [(found, [_portable(Path(name).with_suffix(""))]) for found, name in inside]
    return clips


def _portable(name: Path) -> str:
    return "/".join(portable_name(part, ROOM) for part in name.parts)


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
    """Analyse clips into files, or into a study."""
    if args.study is not None:
        return analyze_study(args)
    for name in ("workers", "scheduler"):
        if getattr(args, name) is not None:
            raise OptionError(f"--{name} goes with --study NAME.")
    exports = () if args.export is None else check_names(name.strip() for name in args.export.split(","))
    clips = _clips(args.clips)
    stopped: list[int] = []
    analysis = _Analysis(args, exports, stopped)
    outputs = analysis.outputs
    ids = [_id(path) for path, _ in clips]
    names = outputs.names([(wanted, i) for (_, wanted), i in zip(clips, ids, strict=True)])
    known = {path: (name, i) for (path, _), name, i in zip(clips, names, ids, strict=True)}
    try:
        with stop_signals(stopped.append):
            done, status = each([path for path, _ in clips], lambda path: analysis.one(path, *known[path]), BLANK)
    except Cancelled:
        say("Interrupted: what was done so far is kept.")
        return 128 + stopped[0]
    combined = outputs.combine()
    if combined is not None:
        say(f"All tables as one: {combined}")
    if args.json:
        print_json(done)
    return status


def _id(path: Path) -> str:
    try:
        return content_hash(path) if path.is_file() else ""
    except OSError:
        return ""  # what is wrong with it is said when it is its turn


class _Analysis:
    """The analysis of clips with the same options."""

    def __init__(self, args: argparse.Namespace, exports: Sequence[str], stopped: Sequence[int]):
        """Set up; `stopped` fills when somebody interrupts."""
        given = None if args.settings is None else take_settings(args)
        self.args, self.exports, self.stopped = args, exports, stopped
        self.read = recognizer(args)
        self.options = given or AnalysisOptions(
            sample_fps=args.fps,
            frame_stride=args.every,
            start=args.start,
            end=args.end,
            pixel_aspect=args.aspect,
            confidence_threshold=self.read.classifier.bundle.confidence_threshold,  # type: ignore[attr-defined]
            measures=args.measures,
        )
        self.outputs = Outputs(args.out)

    def one(self, path: Path, name: str, clip_id: str) -> dict[str, Any]:
        """Analyse one clip; one that is done already, with the same settings, is skipped."""
        if self.stopped:
            raise Cancelled("The analysis was stopped.")
        try:
            return self._one(path, name, clip_id)
        except MediaError as error:
            self.outputs.record(OutputEntry(name, clip_id, str(path), state="failed", error=str(error)), {})
            raise

    def _one(self, path: Path, name: str, clip_id: str) -> dict[str, Any]:
        args = self.args
        picture = probe(path).is_image
        reads = recognizer(args, picture=True) if picture else self.read
        wanted = {
            "annotate": args.annotate,
            "blur": args.blur,
            "detail": args.detail,
            "contempt": args.contempt,
            "export": list(self.exports),
        }
        settings = {**reader_settings(reads), **asdict(self.options), **wanted}
        before = None if args.redo else self.outputs.done(name, clip_id, settings)
        if before is not None:
            say(f"{path}: done already; --redo analyses it again.")
            there = [str(self.outputs.path(name, suffix)) for suffix in FORMATS]
            return {"files": there, "frames": before.frames, "tracks": before.tracks, "skipped": True}
        clip, files = self._analyze(path, name, reads, picture)
        found: dict[str, Any] = {
            "files": [str(f) for f in files],
            "frames": clip.analyzed_frames,
            "frames_damaged": clip.damaged,
            "tracks": int(clip.recorder.table()["track_id"].nunique()),
            "read_until_s": None if clip.broken_off is None else round(clip.broken_off.read_s, 3),
            "notes": clip.notes,
            "problems": clip.problems,
        }
        state = "done" if clip.ended and not clip.problems else "partial"
        frames, tracks = clip.analyzed_frames, found["tracks"]
        self.outputs.record(OutputEntry(name, clip_id, str(path), "", state, frames, tracks), settings)
        if not clip.ended:
            raise Cancelled("The analysis was stopped.")
        return found

    def _analyze(
        self, path: Path, name: str, reads: ExpressionRecognizer, picture: bool
    ) -> tuple[ClipAnalysis, list[Path]]:
        """Analyse one clip or picture into files of that name; where somebody interrupts, as far as it came."""
        folder = self.outputs.folder
        _make_folder(self.outputs.path(name, "csv").parent)
        annotated = folder / f"{name}-annotated.{'jpg' if picture else 'mp4'}" if self.args.annotate else None
        clip = ClipAnalysis(
            path,
            reads,
            self.options,
            annotated=None if picture else annotated,
            blur=self.args.blur,
            automatic_detail=self.args.detail is None,
        )
        progress = Progress(clip)

        def cancelled() -> bool:
            progress.show()
            return bool(self.stopped)

        with suppress(Cancelled):
            clip.run(cancelled)
            progress.show(end=True)
        if clip.damaged:
            say(f"{path}: {clip.damaged} damaged frames were skipped.")
        files = _write(clip, folder, name, self.exports)
        if annotated is not None and picture and clip.preview is not None:
            write_export(annotated, [clip.preview])
        if annotated is not None and annotated.exists() and not clip.annotation_failed:
            files.append(annotated)
        return clip, files


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerError(f"The folder {folder} cannot be made: {error.strerror}. Choose another with --out.") from error


def _write(clip: ClipAnalysis, folder: Path, name: str, exports: Sequence[str]) -> list[Path]:
    result, files = clip.result(), []
    for suffix, write in FORMATS.items():
        files.append(folder / f"{name}.{suffix}")
        write_export(files[-1], write(result))
    return files + write_exports(result, folder, name, exports)
