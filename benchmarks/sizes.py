"""The films that people have: 360p, 1080p and 2160p, sampled, annotated, with ten faces; each beside decoding alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import av

from benchmarks.clips import RATE, make
from benchmarks.rounds import Run, in_rounds, say, speed, table, timed, whole
from fer_core.faces.detector import FaceDetector
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.models.classifier import Classifier

__all__ = ["goals", "measure", "show"]


@dataclass(frozen=True, slots=True)
class Film:
    """One kind of clip and how it is analysed.

    Attributes:
        width: pixels of a row, 16:9.
        seconds: length.
        codec: see `benchmarks.clips.CODECS`.
        faces: 1 or 10.
        sample_fps: frames analysed in a second; None for all.
        annotated: also write the annotated clip.
        goals: what is wanted of frames a second, of their ratio to decoding alone, of times real time; and at most of
            milliseconds of processor time a frame.
    """

    width: int
    seconds: float
    codec: str = "libx264"
    faces: int = 1
    sample_fps: float | None = None
    annotated: bool = False
    goals: tuple[tuple[str, float], ...] = ()


FILMS = {
    "640x360": Film(640, 20, goals=(("frames/s", 700), ("CPU ms/frame", 2.2))),
    "640x360, annotated": Film(640, 20, annotated=True, goals=(("frames/s", 300),)),
    "1920x1080": Film(1920, 12, goals=(("of decoding", 0.7), ("CPU ms/frame", 5.0))),
    "1920x1080, 10 frames/s": Film(1920, 12, sample_fps=10.0, goals=(("times real time", 45),)),
    "3840x2160, HEVC": Film(3840, 4, "libx265", goals=(("of decoding", 0.8),)),
    "1280x720, ten faces": Film(1280, 8, faces=10, goals=(("frames/s", 250),)),
}


def measure(folder: Path, rounds: int, *, quick: bool) -> dict[str, dict[str, list[Run]]]:
    """Runs of each film: the analysis, and decoding alone."""
    recognizer = ExpressionRecognizer(Classifier(), FaceDetector())
    works: dict[str, Callable[[], Run]] = {}
    for number, (name, film) in enumerate(FILMS.items()):
        say(f"making {name}")
        clip = folder / f"{number}.mp4"
        make(clip, film.seconds / 5 if quick else film.seconds, width=film.width, codec=film.codec, faces=film.faces)
        output = folder / "drawn.mp4" if film.annotated else None
        works[name] = lambda clip=clip, output=output, film=film: timed(  # type: ignore[misc]
            lambda: whole(clip, recognizer, output, film.sample_fps)
        )
        works[f"{name}: decoding"] = lambda clip=clip: timed(lambda: decode(clip))  # type: ignore[misc]
    works["640x360"]()  # prepares the networks
    runs = in_rounds(works, rounds)
    return {name: {"analysis": runs[name], "decoding": runs[f"{name}: decoding"]} for name in FILMS}


def decode(clip: Path) -> dict[str, int]:
    """Decode all of a clip and do nothing with it."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return {"frames": sum(1 for _ in container.decode(stream))}


def figures(runs: dict[str, list[Run]]) -> dict[str, float]:
    """Medians over the rounds; the ratio to decoding is taken within a round."""
    analysis, alone = runs["analysis"], runs["decoding"]
    return {
        "frames/s": median(map(speed, analysis)),
        "CPU ms/frame": median(1000 * run["cpu"] / run["frames"] for run in analysis),
        "decoding, CPU ms": median(1000 * run["cpu"] / run["frames"] for run in alone),
        "of decoding": median(speed(a) / speed(b) for a, b in zip(analysis, alone, strict=True)),
        "times real time": median(map(speed, analysis)) / RATE,
    }


def goals(films: dict[str, dict[str, list[Run]]]) -> list[tuple[str, float, float, bool]]:
    """(name, measured, bound, whether more is better) of what is wanted of each film."""
    return [
        (f"{name}, {what}", figures(films[name])[what], float(bound), not what.startswith("CPU"))
        for name, film in FILMS.items()
        for what, bound in film.goals
    ]


def show(films: dict[str, dict[str, list[Run]]]) -> None:
    """Print a line for each film."""
    rows: list[tuple[Any, ...]] = [(name, *figures(runs).values()) for name, runs in films.items()]
    table(("film", *figures(next(iter(films.values())))), rows)
