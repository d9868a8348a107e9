"""What commands share: how they speak, how they find a recognizer, and how one bad input of several is reported."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from fer_core.errors import Cancelled, FerError
from fer_core.faces.detector import DETECTORS, STILL, FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
from fer_core.models.registry import active_bundle, load_bundle

__all__ = ["each", "print_json", "quiet", "reading_options", "recognizer", "say"]


def say(text: str) -> None:
    """A line for the person."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print a result as JSON, with escapes where the output has no sign for every letter."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not unicode, indent=2))


@contextlib.contextmanager
def quiet() -> Iterator[TextIO]:
    """LiteRT announces its kernels on the process's standard error, past Python; nobody asked.

    Gives a file that still writes there.
    """
    with open(os.devnull, "wb") as nothing:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        try:
            with open(kept, "w", encoding="utf-8", errors="replace", closefd=False) as open_still:
                yield open_still
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def reading_options(command: argparse.ArgumentParser) -> None:
    """Add the options of what reads faces."""
    command.add_argument("--model", metavar="NAME", help="see `models` (the one in use)")
    command.add_argument("--detector", choices=DETECTORS, default="yunet", help="finds the faces (yunet)")
    command.add_argument(
        "--detail",
        type=int,
        metavar="PX",
        help="longer side that the detector sees; 640 finds smaller faces (320; for pictures, 320 and 1280)",
    )


def recognizer(args: argparse.Namespace, *, picture: bool = False) -> ExpressionRecognizer:
    """Detector and model as the options say; of a picture that stands alone, smaller faces are found."""
    bundle = load_bundle(args.model or active_bundle())
    usual = STILL if picture else 320
    with quiet():
        return ExpressionRecognizer(Classifier(bundle), FaceDetector(args.detector, side=args.detail or usual))


def each(paths: Sequence[Path], work: Callable[[Path], Any]) -> tuple[list[Any], int]:
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
