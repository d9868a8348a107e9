"""Rounds of measurements: each thing once a round in turn, and tables of what came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fer_core.analysis.clip import ClipAnalysis
from fer_core.analysis.pipeline import AnalysisOptions
from fer_core.faces.recognizer import ExpressionRecognizer

__all__ = ["Run", "in_rounds", "say", "speed", "table", "timed", "whole"]

Run = dict[str, Any]
"""One pass over a clip: frames, wall and cpu seconds (of all threads), and what else is worth telling."""


def timed(work: Callable[[], dict[str, int]]) -> Run:
    """Do the work; its figures with the time it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    figures = work()
    return {**figures, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def speed(run: Run) -> float:
    """Frames per second."""
    return run["frames"] / run["wall"]


def in_rounds(works: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """Each work once a round, in turn."""
    done: dict[str, list[Run]] = {name: [] for name in works}
    for number in range(rounds):
        for name, work in works.items():
            say(f"round {number + 1} of {rounds}: {name}")
            done[name].append(work())
    return done


def whole(
    clip: Path, recognizer: ExpressionRecognizer, annotated: Path | None = None, sample_fps: float | None = None
) -> dict[str, int]:
    """The whole pipeline over a clip: what the page and the command line run. Each frame is analysed, or some a second.

    Returns:
        frames (of the clip), and how many of them were found with a face.
    """
    threshold = recognizer.classifier.bundle.confidence_threshold  # type: ignore[attr-defined]
    options = AnalysisOptions(confidence_threshold=threshold, sample_fps=sample_fps)
    analysis = ClipAnalysis(clip, recognizer, options, annotated=annotated)
    analysis.run()
    found = analysis.recorder.table()
    with_face = int(found.loc[found["face_count"] > 0, "frame"].nunique())
    assert analysis.info is not None
    frames = analysis.analyzed_frames if sample_fps is None else analysis.info.frames or 0
    return {"frames": frames, "frames_with_face": with_face}


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print rows under a head; numbers to the right."""
    texts = [head, *(tuple(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print(
            "  ".join(
                [row[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(row[1:], widths[1:], strict=True))]
            ).rstrip()
        )
    print()


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
