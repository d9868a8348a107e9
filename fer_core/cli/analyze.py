"""`analyze`: clips to tables and annotated clips."""

from __future__ import annotations

import argparse
import json
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
from fer_core.cli.common import each, reading_options, recognizer, say, stop_signals
from fer_core.cli.outputs import OutputEntry, Outputs
from fer_core.cli.study import analyze_study
from fer_core.errors import Cancelled, FerError, MediaError, OptionError
from fer_core.faces.recognizer import ExpressionRecognizer, reader_settings
from fer_core.studies.adding import find_clips
from fer_core.studies.work import content_hash
from fer_core.utils.files import write_export
from fer_core.video.reader import probe

__all__ = ["HELP", "add_arguments", "run"]

HELP = "clips to tables and annotated clips"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="files or folders (default: videos/)")
    command.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="for the results (results/)")
    rate = command.add_mutually_exclusive_group()
    rate.add_argument("--fps", type=float, metavar="F", help="frames looked at in a second (default: every frame)")
    rate.add_argument("--every", type=int, default=1, metavar="N", help="look at every n-th frame")
    command.add_argument("--start", type=float, default=0.0, metavar="S", help="first second")
    command.add_argument("--end", type=float, metavar="S", help="last second")
    command.add_argument("--annotate", action="store_true", help="also write the clip with boxes and expressions")
    command.add_argument("--blur", action="store_true", help="make faces unrecognisable in the annotated clip")
    command.add_argument("--redo", action="store_true", help="analyse again what is done already")
    study = command.add_argument_group("studies", "many clips, kept: see docs/studies.md")
    study.add_argument("--study", metavar="NAME", help="put the clips into this study, and analyse what waits there")
    study.add_argument("--workers", type=int, metavar="N", help="processes (one a core, as far as the memory bears)")
    study.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler in place of own workers (FER_SCHEDULER)")
    study.add_argument("--settings", type=Path, metavar="FILE", help="JSON file with the settings of the study")
    reading_options(command)


def _clips(given: Sequence[Path]) -> list[tuple[Path, list[str]]]:
    """Return each clip, and the names that its results would have: the folders below the one that was named stay."""
    clips: list[tuple[Path, list[str]]] = []
    for path in given or [Path("videos")]:
        if not path.is_dir():
            parent = path.resolve().parent.name
            clips.append((path, [path.stem, f"{parent}/{path.stem}"] if parent else [path.stem]))
            continue
        inside, others = find_clips([path])
        if not inside:
            raise MediaError(f"The folder {path} holds no clips. Put one there, such as an MP4 file.")
        if others:
            say(f"{path}: {others} {'file is no clip' if others == 1 else 'files are no clips'}, and left out.")
        clips += [(found, [Path(name).with_suffix("").as_posix()]) for found, name in inside]
    return clips


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
    for name in ("workers", "scheduler", "settings"):
        if getattr(args, name) is not None:
            raise OptionError(f"--{name} goes with --study NAME.")
    clips = _clips(args.clips)
    outputs = Outputs(args.out)
    ids = [_id(path) for path, _ in clips]
    names = outputs.names([(wanted, i) for (_, wanted), i in zip(clips, ids, strict=True)])
    analysis = _Analysis(args, outputs)
    known = {path: (name, i) for (path, _), name, i in zip(clips, names, ids, strict=True)}
    with stop_signals() as stopped:
        try:
            done, status = each([path for path, _ in clips], lambda path: analysis.one(path, *known[path], stopped))
        except Cancelled:
            say("Interrupted: what was done so far is kept.")
            return 128 + stopped[0]
    combined = outputs.combine()
    if combined is not None:
        say(f"All tables as one: {combined}")
    if args.json:
        print(json.dumps(done, ensure_ascii=False, indent=2))
    return status


def _id(path: Path) -> str:
    try:
        return content_hash(path) if path.is_file() else ""
    except OSError:
        return ""  # what is wrong with it is said when it is its turn


class _Analysis:
    """The analysis of clips with the same options."""

    def __init__(self, args: argparse.Namespace, outputs: Outputs):
        self.args, self.outputs = args, outputs
        self.read = recognizer(args)
        self.options = AnalysisOptions(
            sample_fps=args.fps,
            frame_stride=args.every,
            start=args.start,
            end=args.end,
            confidence_threshold=self.read.classifier.bundle.confidence_threshold,  # type: ignore[attr-defined]
        )

    def one(self, path: Path, name: str, clip_id: str, stopped: Sequence[int]) -> dict[str, Any]:
        """Analyse one clip; one that is done already, with the same settings, is skipped."""
        if stopped:
            raise Cancelled("The analysis was stopped.")
        try:
            return self._one(path, name, clip_id, stopped)
        except MediaError as error:
            self.outputs.record(OutputEntry(name, clip_id, str(path), state="failed", error=str(error)), {})
            raise

    def _one(self, path: Path, name: str, clip_id: str, stopped: Sequence[int]) -> dict[str, Any]:
        args = self.args
        picture = probe(path).is_image
        reads = recognizer(args, picture=True) if picture else self.read
        wanted = {"annotate": args.annotate, "blur": args.blur}
        settings = {**reader_settings(reads), **asdict(self.options), **wanted}
        before = None if args.redo else self.outputs.done(name, clip_id, settings)
        files = [self.outputs.path(name, suffix) for suffix in FORMATS]
        if before is not None:
            say(f"{path}: done already; --redo analyses it again.")
            counts = {"frames": before.frames, "tracks": before.tracks}
            return {"input": str(path), "files": [str(f) for f in files], **counts, "skipped": True}
        clip = self._analyze(path, name, reads, picture, stopped)
        table = clip.recorder.table()
        counts = {"frames": clip.analyzed_frames, "tracks": int(table["track_id"].nunique())}
        state = "done" if clip.complete else "partial"
        entry = OutputEntry(name, clip_id, str(path), state=state, frames=counts["frames"], tracks=counts["tracks"])
        self.outputs.record(entry, settings)
        if not clip.complete:
            raise Cancelled("The analysis was stopped.")
        if args.annotate:
            files.append(self._annotated(name, picture))
        return {"input": str(path), "files": [str(f) for f in files], **counts, "frames_damaged": clip.damaged}

    def _annotated(self, name: str, picture: bool) -> Path:
        return self.outputs.folder / f"{name}-annotated.{'jpg' if picture else 'mp4'}"

    def _analyze(
        self, path: Path, name: str, reads: ExpressionRecognizer, picture: bool, stopped: Sequence[int]
    ) -> ClipAnalysis:
        annotated = self._annotated(name, picture) if self.args.annotate else None
        _make_folder(self.outputs.path(name, "csv").parent)
        clip = ClipAnalysis(path, reads, self.options, annotated=None if picture else annotated, blur=self.args.blur)
        progress = Progress(clip)

        def cancelled() -> bool:
            progress.show()
            return bool(stopped)

        with suppress(Cancelled):
            clip.run(cancelled)
            progress.show(end=True)
        if clip.damaged:
            say(f"{path}: {clip.damaged} damaged frames were skipped.")
        _write(clip, self.outputs, name)
        if annotated is not None and picture and clip.preview is not None:
            write_export(annotated, [clip.preview])
        return clip


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerError(f"The folder {folder} cannot be made: {error.strerror}. Choose another with --out.") from error


def _write(clip: ClipAnalysis, outputs: Outputs, name: str) -> None:
    result = clip.result()
    for suffix, write in FORMATS.items():
        write_export(outputs.path(name, suffix), write(result))
