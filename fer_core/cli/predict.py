"""`predict`: faces and expressions of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.annotation.overlays import overlays
from fer_core.cli.common import each, print_json, reading_options, recognizer
from fer_core.errors import MediaError
from fer_core.video.limits import Limits
from fer_core.video.reader import probe

__all__ = ["HELP", "add_arguments", "run"]

HELP = "faces and expressions of pictures"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    reading_options(command)


def run(args: argparse.Namespace) -> int:
    """Print the faces of pictures."""
    read = recognizer(args, picture=True)
    options = AnalysisOptions(confidence_threshold=read.classifier.bundle.confidence_threshold)  # type: ignore[attr-defined]

    def one(path: Path) -> dict[str, Any]:
        if not probe(path).is_image:
            raise MediaError("This is a clip, not a picture. Use the command analyze for clips.")
        faces = next(analyze(path, read, options, limits=Limits())).faces
        found = []
        for face, mark in zip(faces, overlays(faces), strict=True):
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

    done, status = each(args.images, one)
    if args.json:
        print_json(done)
    return status
