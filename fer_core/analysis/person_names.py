"""Names of the people of a result, and which of its tracks are one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from fer_core.analysis.table import person_name
from fer_core.errors import OptionError
from fer_core.tracking.reidentification import LookalikePair

__all__ = ["PersonNames"]


class Tracks(Protocol):
    """What names need of results: `ResultTable`, or those of a study."""

    def tracks(self) -> list[int]: ...

    def overlaps(self) -> set[tuple[int, int]]: ...


class PersonNames(Mapping[int, str]):
    """Names by track id, as a person gave them; tracks that share a name are one person.

    Nobody is on screen twice at once: a name that would say so is refused. Each change can be taken back.

    Example:
        >>> from fer_core.analysis.table import ResultTable
        >>> from fer_core.labels import FER7
        >>> names = PersonNames(ResultTable(FER7))
        >>> names.rename([0, 3], "Grace")
        >>> dict(names)
        {0: 'Grace', 3: 'Grace'}
    """

    def __init__(self, recorder: Tracks, names: Mapping[int, str] | None = None):
        """Set up.

        Args:
            recorder: the results, which know who is on screen together.
            names: that were given before.
        """
        self._recorder = recorder
        self._names: dict[int, str] = dict(names or {})
        self._apart: frozenset[frozenset[int]] = frozenset()
        self._before: list[tuple[dict[int, str], frozenset[frozenset[int]]]] = []

    def __getitem__(self, track: int) -> str:
        return self._names[track]

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def can_undo(self) -> bool:
        """There is a change to take back."""
        return bool(self._before)

    def rename(self, tracks: Iterable[int], name: str) -> None:
        """Name the person of these tracks.

        Args:
            tracks: all of one person.
            name: the new name; an empty one gives each track its own number back.

        Raises:
            OptionError: somebody of that name is on screen at the same time.
        """
        name, changed = " ".join(name.split()), dict(self._names)
        for track in tracks:
            if name and name != person_name(track, {}):
                changed[track] = name
            else:
                changed.pop(track, None)
        self._change(changed, self._apart)

    def join(self, one: int, other: int) -> None:
        """Make two tracks, with all that was joined to them, one person, who keeps the first one's name.

        Raises:
            OptionError: they are on screen together.
        """
        keeps, goes = person_name(one, self._names), person_name(other, self._names)
        moved = [track for track in self._recorder.tracks() if person_name(track, self._names) == goes]
        self.rename(moved, keeps)

    def keep_apart(self, one: int, other: int) -> None:
        """Remember that two tracks are different people: they are proposed no more."""
        self._change(self._names, self._apart | {frozenset((one, other))})

    def undo(self) -> None:
        """Take back the last change; nothing where there is none."""
        if self._before:
            self._names, self._apart = self._before.pop()

    def reset(self) -> None:
        """Give every track its own number back; this too can be taken back."""
        self._change({}, frozenset())

    def proposals(self, pairs: Iterable[LookalikePair]) -> list[LookalikePair]:
        """Return the pairs that may still be joined, each two people once.

        Args:
            pairs: of tracks, the likest first.
        """
        tracks = self._recorder.tracks()
        who = {track: person_name(track, self._names) for track in tracks}
        together = {frozenset((who[a], who[b])) for a, b in self._recorder.overlaps()}
        answered = together | {frozenset(who.get(track, "") for track in pair) for pair in self._apart}
        found = []
        for pair in pairs:
            people = frozenset(who.get(track, "") for track in (pair.one, pair.other))
            if len(people) == 2 and people not in answered:
                answered.add(people)
                found.append(pair)
        return found

    def _change(self, names: dict[int, str], apart: frozenset[frozenset[int]]) -> None:
        if (names, apart) == (self._names, self._apart):
            return
        for one, other in self._recorder.overlaps():
            shared = person_name(one, names)
            if shared == person_name(other, names):
                raise OptionError(
                    f"Two people who are on screen at the same time cannot both be called “{shared}”. "
                    "Choose another name for one of them."
                )
        self._before.append((self._names, self._apart))
        self._names, self._apart = names, apart
