"""The models of a comparison side by side: a row each, the figures as they are written, the best of them marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import FERPLUS, LABELS, Evaluation, SubsetKey
from fer_core.reports.wording import difference

__all__ = ["NONE", "Cell", "Scoreboard", "class_board", "differences", "figure_board", "model_titles", "vote_board"]

NONE = "–"
"""Stands where there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is written, and whether it is the best of its kind."""

    text: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """A table.

    Attributes:
        columns: their names; the first is that of the rows' titles.
        rows: (title, a cell for each further column).
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


Write = Callable[[float], str]


def percent(value: float) -> str:
    """Such as 69.8%."""
    return f"{value:.1%}"


FIGURES: dict[str, tuple[str, Write, bool]] = {
    "Macro-F1": ("macro_f1", "{:.3f}".format, True),
    "Within two": ("top2", percent, True),
    "NLL": ("nll", "{:.3f}".format, False),
    "ECE": ("ece", "{:.3f}".format, False),
    "AURC": ("aurc", "{:.3f}".format, False),
}
"""Column -> its figure, how it is written, and whether more is better."""


def model_titles(evaluations: Iterable[Evaluation]) -> dict[str, str]:
    """Return what each model is called, by name; the name is added where two are titled alike."""
    titles = {e.predictor.name: e.predictor.title for e in evaluations}
    count = Counter(titles.values())
    return {name: title if count[title] == 1 else f"{title} ({name})" for name, title in titles.items()}


def figure_board(work: Comparison, kind: str = LABELS, *, clean: bool = False, cost: bool = True) -> Scoreboard:
    """Return how good each model is against a kind of truth, and with `cost` how fast and how large it is."""
    given = [e.figures.get(SubsetKey(kind, clean)) for e in work.evaluations]
    columns: dict[str, Sequence[Cell]] = {"Right": _best(_each(given, "accuracy"), percent, True)}
    columns["95 % interval"] = [
        Cell(NONE if g is None else f"{g['accuracy_interval'][0]:.1%} to {g['accuracy_interval'][1]:.1%}")
        for g in given
    ]
    for name, (key, write, more) in FIGURES.items():
        columns[name] = _best(_each(given, key), write, more)
    if cost:
        columns["One face"] = _best([e.speed["one_ms"] for e in work.evaluations], "{:.2f} ms".format, False)
        columns["Images/s"] = _best([e.speed["images_per_second"] for e in work.evaluations], "{:,.0f}".format, True)
        columns["Size"] = _best([e.predictor.size / 1e6 for e in work.evaluations], "{:.1f} MB".format, False)
    return _board(work, columns)


def vote_board(work: Comparison, *, clean: bool = False) -> Scoreboard | None:
    """Return each model against every single vote of FER+; None where there are none."""
    votes = [e.votes.get(SubsetKey(FERPLUS, clean), {}) for e in work.evaluations]
    if not any(own.get("n") for own in votes):
        return None
    first = next(own for own in votes if own.get("n"))
    agreement = f"Votes that agree (at best {first['ceiling']:.1%})"
    distance = f"Cross-entropy (at best {first['entropy']:.3f})"
    return _board(
        work,
        {
            agreement: _best([own.get("agreement") for own in votes], percent, True),
            distance: _best([own.get("cross_entropy") for own in votes], "{:.3f}".format, False),
        },
    )


def class_board(work: Comparison, figure: str, kind: str = LABELS, *, clean: bool = False) -> Scoreboard:
    """Return one of a model's figures for each class, a row each, models side by side.

    Args:
        work: the comparison.
        figure: per_class for the recall, precision for that.
        kind: as for `figure_board`.
        clean: as for `figure_board`.
    """
    titles = model_titles(work.evaluations)
    given = [e.figures.get(SubsetKey(kind, clean)) for e in work.evaluations]
    names = next((list(g[figure]) for g in given if g is not None), [])
    rows = tuple(
        (name, tuple(_best([None if g is None else g[figure][name] for g in given], "{:.0%}".format, True)))
        for name in names
    )
    return Scoreboard(("Expression", *(titles[e.predictor.name] for e in work.evaluations)), rows)


def differences(work: Comparison, kind: str = LABELS, *, clean: bool = False) -> list[str]:
    """Sentences on the model that is right most often against each other one."""
    subset, titles = work.subset(kind, clean=clean), model_titles(work.evaluations)
    able = [e for e in work.evaluations if subset.probabilities(e) is not None]
    order = sorted(able, key=lambda e: -int(subset.right(e).sum()))
    return [
        difference(titles[order[0].predictor.name], titles[e.predictor.name], subset.against(order[0], e))
        for e in order[1:]
    ]


def _each(given: Sequence[dict[str, Any] | None], key: str) -> list[float | None]:
    return [None if g is None else g[key] for g in given]


def _best(values: Sequence[float | None], write: Write, more: bool) -> list[Cell]:
    """Return the values as written, the best of several marked; what is written alike is equally good."""
    known = [value for value in values if value is not None]
    words = [NONE if value is None else write(value) for value in values]
    if len(known) < 2 or len({w for w in words if w != NONE}) < 2:
        return [Cell(word) for word in words]
    top = write(max(known) if more else min(known))
    return [Cell(word, word == top) for word in words]


def _board(work: Comparison, columns: dict[str, Sequence[Cell]]) -> Scoreboard:
    titles = model_titles(work.evaluations)
    rows = tuple(
        (titles[e.predictor.name], tuple(cells[i] for cells in columns.values()))
        for i, e in enumerate(work.evaluations)
    )
    return Scoreboard(("Model", *columns), rows)
