"""A comparison as one HTML file that needs nothing else: it loads nothing, runs nothing, and prints well."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import altair as alt
import cv2
import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fer_core import __version__
from fer_core.charts.evaluation import condition, confusion, reliability, risk_coverage
from fer_core.charts.svg import to_svg
from fer_core.evaluation.baselines import BASELINES, CAUTION
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.corruptions import CONDITIONS, TITLES
from fer_core.evaluation.error_analysis import disagreements, highest_loss, label_loss
from fer_core.evaluation.results import FERPLUS, LABELS, Evaluation, SubsetKey
from fer_core.evaluation.saliency import CAVEAT
from fer_core.labels import FERPLUS_VOTES
from fer_core.reports.tables import class_board, differences, figure_board, model_titles, vote_board
from fer_core.reports.wording import GOOD, MEANINGS

__all__ = ["report_html"]

TEMPLATE = Path(__file__).with_name("html.html")

CARD = {
    "summary": "What it is",
    "trained_on": "Trained on",
    "selected_and_calibrated_on": "Selected and calibrated on",
    "limits": "Limits",
    "not_for": "Not for",
    "licence": "Licence",
}
"""What of a model's card is told, and under which words."""

TRUTHS = {LABELS: "Against the dataset's labels", FERPLUS: "Against what most people saw"}
WIDTH = 440
"""Of a chart, in pixels; a narrower page shrinks it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart for the file, with a title, words for those who do not see it, and how to read it."""

    title: str
    svg: Markup
    words: str
    good: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for the file: a data URL, words in its place, and the lines below it."""

    source: str
    alt: str
    lines: tuple[str, ...]


def report_html(work: Comparison, *, when: datetime, images: int = 0) -> bytes:
    """Return the report of what is evaluated so far.

    Args:
        work: with at least one evaluation.
        when: stands in the head of the report.
        images: how many of the hardest and of the contested images are shown, beside where models look if somebody
            asked. Faces are left out unless somebody asks, since a dataset's licence may not let them be passed on.

    Returns:
        UTF-8.

    Example:
        >>> from fer_core import Comparison, load_dataset
        >>> work = Comparison(load_dataset("synthetic"), "PublicTest", ["expression-s"], flip=False)
        >>> work.run()
        >>> report_html(work, when=datetime(2026, 1, 1))[:15]
        b'<!doctype html>'
    """
    charts = {e.predictor.name: title for e, title in _titled(work)}
    page = {
        "version": __version__,
        "dataset": work.dataset_name,
        "split": work.split,
        "images": f"{len(work.images):,}",
        "views": "each shown as it is and mirrored" if work.flip else "each shown once",
        "when": when.strftime("%Y-%m-%d %H:%M"),
        "failures": [f"{name} could not be asked. {sentence}" for name, sentence in work.failures],
        "truths": [
            _truth(work, kind) for kind in TRUTHS if any(SubsetKey(kind) in e.figures for e in work.evaluations)
        ],
        "hardest": _pictures(work, _hardest(work)[:images], charts) if images else [],
        "contested": _pictures(work, disagreements([e.probabilities for e in work.evaluations])[:images], charts)
        if images
        else [],
        "looks": _looks(work) if images else [],
        "look_words": f"Grad-CAM (Selvaraju et al., 2017): the brighter, the more it speaks for the answer. {CAVEAT}",
        "cards": [{"title": title, "lines": _card(e)} for e, title in _titled(work)],
        "published": BASELINES,
        "caution": CAUTION,
        "meanings": list(MEANINGS.items()),
        "notes": list(dict.fromkeys(n for notes in (*(e.notes for e in work.evaluations), work.notes) for n in notes)),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(page).strip().encode(errors="replace")


def _titled(work: Comparison) -> list[tuple[Evaluation, str]]:
    titles = model_titles(work.evaluations)
    return [(e, titles[e.predictor.name]) for e in work.evaluations]


def _truth(work: Comparison, kind: str) -> dict[str, Any]:
    """Return all of one kind of truth."""
    given = {title: e.figures[SubsetKey(kind)] for e, title in _titled(work) if SubsetKey(kind) in e.figures}
    subset = work.subset(kind)
    parts = [(False, f"All {len(subset):,} images")]
    if any(SubsetKey(kind, True) in e.figures for e in work.evaluations):
        left = len(work.subset(kind, clean=True))
        parts.append((True, f"The {left:,} images without a near copy in Training"))
    tables = [
        (figure_board(work, kind, clean=clean, cost=kind == LABELS and not clean), words) for clean, words in parts
    ]
    if kind == FERPLUS:
        boards = [
            (vote_board(work, clean=clean), "Each single vote, " + ("without near copies" if clean else "all images"))
            for clean, _ in parts
        ]
        tables += [
            (board, words.replace(f"All {len(subset):,} images", "All images")) for board, words in boards if board
        ]
    return {
        "title": TRUTHS[kind],
        "words": _truth_words(work, kind),
        "tables": tables,
        "differences": differences(work, kind),
        "classes": [
            (class_board(work, "per_class", kind), "Recall: of the images of an expression, how many are named so"),
            (class_board(work, "precision", kind), "Precision: of the images named so, how many are"),
        ],
        "confusions": [
            _drawing(
                title, confusion(g["confusion"], subset.names), _confusion_words(title, g["confusion"], subset.names)
            )
            for title, g in given.items()
        ],
        "trust": [
            _drawing(
                "How sure it is, and how often it is right",
                reliability({title: g["reliability"] for title, g in given.items()}),
                "; ".join(f"{title}: calibration error {g['ece']:.3f}" for title, g in given.items()),
                GOOD["reliability"],
            ),
            _drawing(
                "How often it is wrong on the images it is surest of",
                risk_coverage({title: g["risk_coverage"] for title, g in given.items()}),
                "; ".join(
                    f"{title}: {g['risk_at_coverage']['0.5']:.1%} wrong on the surer half, "
                    f"{g['risk_at_coverage']['1.0']:.1%} on all"
                    for title, g in given.items()
                ),
                GOOD["risk"],
            ),
        ],
        "conditions": _conditions(work, kind),
        "condition_words": _condition_words(work, kind),
    }


def _truth_words(work: Comparison, kind: str) -> str:
    if kind == FERPLUS:
        return (
            f"FER+ asked ten people about each image. Counted are the {int(work.known.sum()):,} images where more than "
            "half of them saw the same expression."
        )
    if work.clean is None:
        return "The labels are those of the dataset."
    copies = int((~work.clean).sum())
    return (
        f"The labels are those of the dataset. {copies:,} of the {len(work.images):,} images have a near copy in "
        "Training, which a model may know by heart."
    )


def _confusion_words(title: str, matrix: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    counts = np.array(matrix)
    words = f"{title}: {int(np.trace(counts)):,} of {int(counts.sum()):,} images are named right."
    wrong = counts - np.diag(np.diag(counts))
    if wrong.any():
        true, said = divmod(int(wrong.argmax()), len(names))
        most = int(wrong.max())
        words += f" Most often {names[true]} is taken for {names[said]} ({most:,} {'images' if most > 1 else 'image'})."
    return words


def _conditions(work: Comparison, kind: str) -> list[Drawing]:
    key = SubsetKey(kind)
    rows = {title: e.conditions[key] for e, title in _titled(work) if key in e.conditions}
    if not rows:
        return []
    found = []
    for name in CONDITIONS:
        own = {title: [r for r in given if r["condition"] == name] for title, given in rows.items()}
        words = "; ".join(
            f"{title}: " + ", ".join(f"{r['accuracy']:.0%} at {r['amount']:g}" for r in given)
            for title, given in own.items()
        )
        found.append(_drawing(TITLES[name], condition(rows, name), words, GOOD[name]))
    return found


def _condition_words(work: Comparison, kind: str) -> str:
    n = max((row["n"] for e in work.evaluations for row in e.conditions.get(SubsetKey(kind), [])), default=0)
    truth = "the label" if kind == LABELS else "what most people saw"
    return (
        f"How often each model says {truth} when {n:,} of the images are made worse, in one view, without the mirrored "
        "second look. At the dashed rule the images are as they were."
    )


def _hardest(work: Comparison) -> np.ndarray:
    return highest_loss(np.stack([label_loss(e.probabilities, work.labels) for e in work.evaluations]))


def _pictures(work: Comparison, which: Iterable[int], titles: dict[str, str]) -> list[Picture]:
    found = []
    for i in which:
        label = work.names[work.labels[i]]
        lines = [f"Image {int(work.rows[i])}: {label}"]
        for e in work.evaluations:
            said = int(e.probabilities[i].argmax())
            lines.append(f"{titles[e.predictor.name]}: {work.names[said]}\u00a0{e.probabilities[i, said]:.0%}")
        if work.votes[i].any():
            cast = sorted(zip(work.votes[i].tolist(), FERPLUS_VOTES, strict=True), key=lambda pair: -pair[0])
            lines.append("People: " + ", ".join(f"{name}\u00a0{n}" for n, name in cast if n))
        found.append(Picture(_png(work.images[i]), f"A face whose label is {label}", tuple(lines)))
    return found


def _looks(work: Comparison) -> list[Picture]:
    looks = (look for found in work.looks.values() for look in found)
    return [Picture(_png(look.overlay()), look.words, (look.title, look.words)) for look in looks]


def _card(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what is known of a model, as far as its card tells it; a card from elsewhere may hold anything."""
    model = evaluation.predictor
    data = model.card.get("data")
    known = {**model.card, **(data if isinstance(data, dict) else {})}
    lines = []
    for key, name in CARD.items():
        value = known.get(key)
        words = " ".join(map(str, value)) if isinstance(value, list) and key == "limits" else value
        words = "; ".join(map(str, words)) if isinstance(words, list) else words
        if isinstance(words, str) and words:
            lines.append((name, words))
    return [*lines, ("Where it comes from", model.origin), ("Fingerprint of the weights", model.fingerprint)]


def _drawing(title: str, chart: alt.LayerChart, words: str, good: str = "") -> Drawing:
    return Drawing(title, Markup(to_svg(chart, WIDTH)), words, good)  # the renderer escapes names


def _png(image: np.ndarray) -> str:
    done, data = cv2.imencode(".png", image)
    assert done
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode()
