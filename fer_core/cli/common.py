"""What commands share: how they speak, how they find a recognizer, and how one bad input of several is reported."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from fer_core.errors import Cancelled
from fer_core.faces.detector import DETECTORS, STILL, FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier
from fer_core.models.registry import active_bundle, load_model
from fer_core.utils.boundary import explain

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
        help="longer side that the detector sees; 640 finds smaller faces (320, or 640 where a few frames that are "
        "tried show more there; for pictures, 320 and 1280)",
    )
    command.add_argument("--contempt", action="store_true", help="also name contempt, an eighth expression")


def recognizer(args: argparse.Namespace, *, picture: bool = False) -> ExpressionRecognizer:
    """Detector and model as the options say; of a picture that stands alone, smaller faces are found."""
    bundle = load_model(args.model or active_bundle())
    usual = STILL if picture else 320
    with quiet():
        smallest = getattr(args, "smallest", 0.0)
        detector = FaceDetector(args.detector, side=args.detail or usual, smallest=smallest)
        return ExpressionRecognizer(Classifier(bundle, contempt=args.contempt), detector)


def each(
    paths: Sequence[Path], work: Callable[[Path], dict[str, Any]], blank: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], int]:
    """Do work for each path; a bad one is reported and the others go on.

    Args:
        paths: the inputs.
        work: gives what was found of one.
        blank: what is reported of an input that could not be used, so that every entry has the same keys.

    Returns:
        An entry for each input, with `input`, `error` and the keys of `blank`; and the exit status: 1 where some
        could not be used or have problems, 2 where the only one could not.
    """
    done, bad = [], 0
    for path in paths:
        entry = {"input": str(path), "error": None, **blank}
        try:
            entry |= work(path)
        except Cancelled:
            raise
        except Exception as unknown:  # no file may end a batch, whatever a library raises
            entry["error"] = str(explain(unknown))
            say(f"{path}: {entry['error']}")
            bad += 1
        for words in (*entry.get("notes", ()), *entry.get("problems", ())):
            say(f"{path}: {words}")
        done.append(entry)
    if bad:
        return done, 2 if len(paths) == 1 else 1
    return done, 1 if any(entry.get("problems") for entry in done) else 0
