"""`predict`: faces and expressions of pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.episodes import summary
from fer_core.analysis.pipeline import AnalysisOptions, analyze
from fer_core.annotation.overlays import Overlay, overlays
from fer_core.cli.common import each, print_json, reading_options, recognizer
from fer_core.errors import MediaError
from fer_core.labels import UNSURE
from fer_core.types import FaceQuality, Faces
from fer_core.video.images import PICTURE_SUFFIXES
from fer_core.video.reader import probe

__all__ = ["HELP", "add_arguments", "run"]

HELP = "faces and expressions of pictures, of a folder of them, or in short of a clip"

BLANK: dict[str, Any] = {"kind": None, "faces": [], "people": [], "notes": [], "problems": []}
"""What is reported of a file that could not be used; one that could has the same keys."""

CLIP_FPS = 2.0
"""Frames of a second that are looked at in a clip: enough for its summary."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="pictures or folders of pictures")
    reading_options(command)


def run(args: argparse.Namespace) -> int:
    """Print the faces of pictures."""
    read = recognizer(args, picture=True)
    options = AnalysisOptions(confidence_threshold=read.classifier.bundle.confidence_threshold)  # type: ignore[attr-defined]

    def one(path: Path) -> dict[str, Any]:
        info = probe(path)
        if not info.is_image:
            return _clip(path, args, options)
        faces = next(analyze(path, read, options)).faces
        found = [_face(face, mark) for face, mark in zip(faces, overlays(faces), strict=True)]
        if not args.json:
            print(f"{path}: {len(found)} face{'' if len(found) == 1 else 's'}")
            for entry in found:
                print(f"  {_words(entry)} at {entry['box']}")
        return {"kind": "picture", "faces": found, "notes": list(info.notes)}

    done, status = each(_pictures(args.images), one, BLANK)
    if args.json:
        print_json(done)
    return status


def _pictures(given: Sequence[Path]) -> list[Path]:
    paths: list[Path] = []
    for path in given:
        if not path.is_dir():
            paths.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.suffix.lower().lstrip(".") in PICTURE_SUFFIXES and p.is_file())
        if not inside:
            raise MediaError(f"The folder {path} holds no pictures. Pictures end in {', '.join(PICTURE_SUFFIXES)}.")
        paths += inside
    return paths


def _face(face: Faces, mark: Overlay) -> dict[str, Any]:
    x0, y0, x1, y1 = mark.box
    shares = zip(face.labels, face.probabilities[0], strict=True)
    return {
        "box": [round(v, 1) for v in (x0, y0, x1 - x0, y1 - y0)],
        "score": round(float(face.scores[0]), 4),
        "label": mark.label,
        "confidence": round(mark.confidence, 4),
        "quality": FaceQuality(int(face.quality[0])).words,
        "probabilities": {name: round(float(p), 4) for name, p in shares},
    }


def _words(entry: dict[str, Any]) -> str:
    if entry["label"] != UNSURE:
        return f"{entry['label']} {entry['confidence']:.0%}"
    best = max(entry["probabilities"].items(), key=lambda item: item[1])
    why = "no expression is likely enough" if entry["quality"] == "good" else entry["quality"].replace("+", ", ")
    return f"unsure ({why}; most like {best[0]}, {best[1]:.0%})"


def _clip(path: Path, args: argparse.Namespace, options: AnalysisOptions) -> dict[str, Any]:
    """Return the people of a clip and what they show most; the command `analyze` says when."""
    work = ClipAnalysis(
        path, recognizer(args), replace(options, sample_fps=CLIP_FPS), automatic_detail=args.detail is None
    )
    work.run()
    found = summary(work.recorder.table())
    people: list[dict[str, Any]] = []
    for _, row in found.iterrows():
        shares = {name: round(float(row[name]), 4) for name in (*work.recognizer.labels, UNSURE)}
        people.append({"person": str(row["person"]), "seconds": round(float(row["seconds"]), 2), "shares": shares})
    if not args.json:
        print(f"{path}: a clip with {len(people)} {'person' if len(people) == 1 else 'people'}; see also `analyze`")
        for person in people:
            name, share = max(person["shares"].items(), key=lambda item: item[1])
            print(f"  {person['person']}: {name} for {share:.0%} of {person['seconds']:.1f} s")
    return {"kind": "clip", "people": people, "notes": work.notes, "problems": work.problems}
