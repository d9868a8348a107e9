"""Names of a result's people: nobody is on screen twice at once, and each change can be taken back."""

from __future__ import annotations

import pytest
from helpers.fakes import GONE, make_results

from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.table import ResultTable
from fer_core.errors import OptionError
from fer_core.labels import FER7
from fer_core.tracking.reidentification import LookalikePair

# Tracks 0 and 1 are on screen together; 2 comes after 0 has left, and 3 after 2.
SEEN = {
    0: ["happy", "happy", GONE, GONE],
    1: [GONE, "sad", "sad", GONE],
    2: [GONE, GONE, "happy", GONE],
    3: [GONE, GONE, GONE, "sad"],
}


@pytest.fixture
def recorder() -> ResultTable:
    table = ResultTable(FER7)
    for result in make_results(SEEN):
        table.add(result)
    return table


@pytest.fixture
def names(recorder: ResultTable) -> PersonNames:
    return PersonNames(recorder)


def test_the_table_knows_who_is_on_screen_together(recorder: ResultTable) -> None:
    assert recorder.overlaps() == {(0, 1), (1, 2)}
    assert recorder.tracks() == [0, 1, 2, 3]


def test_results_come_back_as_they_were_recorded(recorder: ResultTable) -> None:
    again = ResultTable(FER7)
    for result in recorder.results():
        again.add(result)
    assert again.table().equals(recorder.table())


def test_two_on_screen_together_cannot_share_a_name(names: PersonNames, recorder: ResultTable) -> None:
    names.rename([0], "Grace")
    with pytest.raises(OptionError, match="Grace"):
        names.rename([1], " Grace ")
    with pytest.raises(OptionError, match="Person 2"):
        names.rename([0], "Person 2")  # the other's number is a name too
    with pytest.raises(OptionError):
        names.join(0, 1)
    assert dict(names) == {0: "Grace"}
    assert set(recorder.table(names)["person"].dropna()) == {"Grace", "Person 2", "Person 3", "Person 4"}


def test_a_join_takes_those_along_who_were_joined_before(names: PersonNames) -> None:
    names.join(2, 3)
    names.join(0, 2)
    assert dict(names) == {2: "Person 1", 3: "Person 1"}
    with pytest.raises(OptionError):
        names.join(1, 3)  # 3 is with 2 now, who is seen together with 1


def test_each_change_is_taken_back_one_by_one(names: PersonNames) -> None:
    assert not names.can_undo
    names.join(0, 2)
    names.rename([0, 2], "Grace")
    names.rename([0, 2], "Grace")  # no change
    names.undo()
    assert dict(names) == {2: "Person 1"}
    names.undo()
    assert dict(names) == {} and not names.can_undo
    names.undo()
    names.join(0, 2)
    names.reset()
    assert dict(names) == {}
    names.undo()
    assert dict(names) == {2: "Person 1"}


def test_an_empty_name_gives_the_numbers_back(names: PersonNames) -> None:
    names.rename([0, 2], "Grace")
    names.rename([0, 2], "  ")
    assert dict(names) == {}


def test_what_is_answered_or_impossible_is_not_proposed(names: PersonNames) -> None:
    pairs = [LookalikePair(*pair, likeness=0.9) for pair in ((0, 1), (0, 2), (2, 3), (0, 3))]
    assert [(p.one, p.other) for p in names.proposals(pairs)] == [(0, 2), (2, 3), (0, 3)]
    names.join(0, 2)
    assert [(p.one, p.other) for p in names.proposals(pairs)] == [(2, 3)], "0 and 3 are the same question now"
    names.keep_apart(2, 3)
    assert names.proposals(pairs) == []
    names.undo()
    assert [(p.one, p.other) for p in names.proposals(pairs)] == [(2, 3)]
