"""Models side by side: what stands in the table, which is marked as best, and what is called what."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import made
from helpers.comparisons import TRUTH, WRONG, compare, votes

from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.results import FERPLUS, SubsetKey
from fer_core.labels import FER7
from fer_core.models.bundle import Head
from fer_core.reports.tables import NONE, class_board, differences, figure_board, model_titles, vote_board

SEEN = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "happiness", "surprise"]


@pytest.fixture(scope="module")
def work() -> Comparison:
    data = made.dataset(TRUTH, votes=votes(SEEN))
    pets = made.Scripted("pets", made.saying([0] * 8, 2), (Head("a", ("angry", "dog")),))
    return compare(data, made.Scripted("good", made.saying(TRUTH)), made.Scripted("bad", made.saying(WRONG)), pets)


def column(board, name):
    place = board.columns.index(name) - 1
    return [(cells[place].text, cells[place].best) for _, cells in board.rows]


def test_the_best_is_marked(work):
    board = figure_board(work)
    assert [title for title, _ in board.rows] == ["Good", "Bad", "Pets"]
    assert column(board, "Right") == [("100.0%", True), ("75.0%", False), ("12.5%", False)]
    low, high = work.evaluations[1].figures[SubsetKey("labels")]["accuracy_interval"]
    assert column(board, "95 % interval")[1] == (f"{low:.1%} to {high:.1%}", False)
    assert [best for _, best in column(board, "NLL")].count(True) == 1
    assert column(board, "One face") == [("2.50 ms", False)] * 3, "what is written alike is not better"
    assert "One face" not in figure_board(work, cost=False).columns


def test_of_votes_the_model_is_best_that_says_what_people_say(work):
    board = figure_board(work, FERPLUS)
    assert column(board, "Right") == [("75.0%", False), ("100.0%", True), ("12.5%", False)]
    agreement, distance = vote_board(work).columns[1:]
    assert agreement == "Votes that agree (at best 90.0%)" and distance.startswith("Cross-entropy (at best 0.3")
    assert column(vote_board(work), agreement)[1] == ("90.0%", True)


def test_each_class(work):
    board = class_board(work, "per_class")
    assert board.columns == ("Expression", "Good", "Bad", "Pets") and [name for name, _ in board.rows] == list(FER7)
    assert [(c.text, c.best) for c in dict(board.rows)["surprise"]] == [("100%", True), ("0%", False), ("0%", False)]
    assert [c.text for c in dict(class_board(work, "precision").rows)["disgust"]] == ["100%", "100%", NONE]


def test_sentences_begin_with_the_best(work):
    first, second = differences(work)
    assert first.startswith("Good alone is right on 2 images, Bad alone on 0.") and second.startswith("Good alone")
    assert differences(work, FERPLUS)[0].startswith("Bad alone")


def test_nothing_to_compare():
    work = compare(made.dataset(TRUTH), made.Scripted("one", made.saying(TRUTH)))
    assert differences(work) == [] and vote_board(work) is None
    assert not any(cell.best for _, cells in figure_board(work).rows for cell in cells)
    assert column(figure_board(work, FERPLUS), "Right") == [(NONE, False)]
    assert class_board(work, "per_class", FERPLUS).rows == ()


def test_models_of_one_title_are_told_apart():
    one, two = made.Scripted("one", made.saying(TRUTH)), made.Scripted("two", made.saying(WRONG))
    one.title = two.title = "Mine"
    work = compare(made.dataset(TRUTH), one, two, made.Scripted("three", np.zeros((8, 7))))
    assert model_titles(work.evaluations) == {"one": "Mine (one)", "two": "Mine (two)", "three": "Three"}
