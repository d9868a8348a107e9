"""Result of a clip of a study: written as a folder that appears whole, read as what pages and exports show."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.analysis.export import ClipResult
from fer_core.analysis.key_moments import KeyMoment
from fer_core.analysis.person_names import PersonNames
from fer_core.analysis.table import person_name
from fer_core.errors import FerError
from fer_core.models.bundle import Bundle
from fer_core.models.registry import load_model
from fer_core.studies.manifest import StudyError
from fer_core.tracking.reidentification import LookalikePair
from fer_core.utils.files import atomic_file, read_object, read_plain, write_atomic
from fer_core.utils.platform import remove_folder
from fer_core.video.reader import ClipInfo

__all__ = [
    "ClipFacts",
    "StoredClip",
    "carried_names",
    "restore",
    "swap_in",
    "with_picture",
    "write_people",
    "write_result",
    "write_table",
]

MOST_JSON = 50_000_000


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is written of a clip beside its tables.

    Attributes:
        id, name: see `ClipEntry`.
        info: facts of the file.
        settings: everything that the numbers hang on.
        settings_key: of the study's settings.
        frames, damaged: number of analysed frames, and of those that could not be decoded.
        faces, people: rows with a face, and tracks.
    """

    id: str
    name: str
    info: ClipInfo
    settings: dict[str, Any]
    settings_key: str
    frames: int
    damaged: int
    faces: int
    people: int


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all."""
    with atomic_file(path) as file:
        table.to_parquet(file, index=False, compression="zstd")


def write_result(
    folder: Path,
    facts: ClipFacts,
    tables: Mapping[str, pd.DataFrame],
    moments: Sequence[KeyMoment],
    portraits: Mapping[int, bytes],
    alike: Sequence[LookalikePair],
    names: Mapping[int, str],
) -> None:
    """Write everything of a clip into an empty folder.

    Args:
        folder: to be swapped in later.
        facts: of the clip.
        tables: file name to table.
        moments: the key moments.
        portraits: the best picture of each track.
        alike: pairs of tracks that may be one person.
        names: given by the person, by track.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir()
    (folder / "moments").mkdir()
    for name, table in tables.items():
        write_table(folder / name, table)
    listed = []
    for i, moment in enumerate(moments):
        file = f"moments/{i:03d}.jpg"
        write_atomic(folder / file, moment.jpeg)
        listed.append({**{k: v for k, v in asdict(moment).items() if k != "jpeg"}, "picture": file})
    for track, jpeg in portraits.items():
        write_atomic(folder / f"moments/person-{track}.jpg", jpeg)
    write_atomic(folder / "moments.json", json.dumps(listed, indent=1))
    write_people(folder, names, alike)
    write_atomic(folder / "clip.json", json.dumps(asdict(facts), indent=1, ensure_ascii=False))


def write_people(folder: Path, names: Mapping[int, str], alike: Sequence[LookalikePair]) -> None:
    """Write the names given to tracks; tracks of one name are one person."""
    given = {str(track): name for track, name in sorted(names.items())}
    content = {"names": given, "alike": [asdict(pair) for pair in alike]}
    write_atomic(folder / "people.json", json.dumps(content, indent=1, ensure_ascii=False))


def swap_in(made: Path, place: Path) -> None:
    """Put a finished folder in the place of an older one, which stays until then.

    A crash between the two steps leaves the older one as `.old-...`; `restore` puts it back.
    """
    old = place.with_name(f".old-{place.name}")
    remove_folder(old)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(old)
    made.rename(place)
    remove_folder(old)


def restore(clips: Path) -> None:
    """Undo swaps that a crash cut in half."""
    for old in clips.glob(".old-*"):
        place = old.with_name(old.name.removeprefix(".old-"))
        if place.exists():
            remove_folder(old)
        else:
            old.rename(place)


class _StoredTable:
    """The native table of a clip, read once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _table(self) -> pd.DataFrame:
        try:
            table = pd.read_parquet(self._path)
        except (OSError, ValueError) as error:  # pyarrow's errors are of these
            raise StudyError(f"{self._path} is missing or damaged. Analyse the clip again.") from error
        for name in ("person", "label", "quality"):
            column = table[name].astype(object)
            table[name] = column.where(column.notna(), None)
        return table

    def table(self, names: Mapping[int, str] | None = None) -> pd.DataFrame:
        """Return the native long table, with these names."""
        table = self._table.copy()
        if names:
            tracks = table["track_id"]
            named = {int(t): person_name(int(t), names) for t in tracks.dropna().unique()}
            people = [None if pd.isna(t) else named[int(t)] for t in tracks]
            table["person"] = pd.Series(people, dtype=object, index=table.index)
        return table

    def tracks(self) -> list[int]:
        """Return the ids of all tracks."""
        return [int(track) for track in sorted(self._table["track_id"].dropna().unique())]

    def overlaps(self) -> set[tuple[int, int]]:
        """Return the pairs of tracks that are on screen together in at least one frame, the lower id first."""
        seen = self._table.dropna(subset=["track_id"])
        crowded = seen[seen.duplicated("frame", keep=False)]
        found: set[tuple[int, int]] = set()
        for _, tracks in crowded.groupby("frame")["track_id"]:
            found |= set(itertools.combinations(sorted(int(track) for track in tracks), 2))
        return found


class _StoredMoments:
    """Key moments and portraits of a clip, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def found(self) -> list[KeyMoment]:
        """Return the moments in order of time; those whose picture is gone are left out."""
        moments = []
        try:
            listed = json.loads(read_plain(self._folder / "moments.json", MOST_JSON))
            for moment in listed:
                picture = self._folder / moment.pop("picture")
                if picture.is_file():
                    moments.append(KeyMoment(**moment, jpeg=picture.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return moments
        return moments

    @cached_property
    def portraits(self) -> dict[int, tuple[float, bytes]]:
        """The best picture of each track."""
        found = {}
        for path in (self._folder / "moments").glob("person-*.jpg"):
            track = path.stem.removeprefix("person-")
            if track.isdecimal():
                found[int(track)] = (1.0, path.read_bytes())
        return found


class _StoredPairs:
    """Tracks that may be one person."""

    def __init__(self, alike: list[LookalikePair]) -> None:
        self._alike = alike

    def pairs(self) -> list[LookalikePair]:
        """Return the pairs, the likest first."""
        return self._alike


class StoredClip:
    """A clip's result as it lies in a study; shown as a `ClipAnalysis` is.

    Attributes:
        name: what the clip is called.
        info: facts of the file.
        recorder, key_moments, person_grouper: the table, the key moments, and who may be one person.
        annotated: the annotated clip, where there is one.
        damaged: number of frames that could not be decoded.
        names: people's names by track; `rename` keeps them.
        kept_names: those that are kept.
    """

    complete = True

    def __init__(self, folder: Path) -> None:
        """Read the facts; tables and pictures are read when they are asked for.

        Args:
            folder: of the clip in the study.

        Raises:
            StudyError: there is no whole result.
        """
        self.folder = folder
        try:
            facts = read_object(folder / "clip.json", MOST_JSON)
            self.facts = ClipFacts(**{**facts, "info": ClipInfo(**facts["info"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StudyError(f"The result in {folder} is missing or damaged. Analyse the clip again.") from error
        self.name, self.info, self.damaged = self.facts.name, self.facts.info, self.facts.damaged
        self.recorder = _StoredTable(folder / "table.parquet")
        self.key_moments = _StoredMoments(folder)
        self.annotated: Path | None = folder / "annotated.mp4"
        self.kept_names, self._alike = self._people()
        self.names = PersonNames(self.recorder, self.kept_names)
        self.person_grouper = _StoredPairs(self._alike)

    def _people(self) -> tuple[dict[int, str], list[LookalikePair]]:
        try:
            found = read_object(self.folder / "people.json", MOST_JSON)
            names = {int(track): str(name) for track, name in found["names"].items()}
            return names, [LookalikePair(**pair) for pair in found["alike"]]
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}, []

    @property
    def model(self) -> Bundle | None:
        """The model that read the clip; None where it is not here any more, or was trained again."""
        try:
            bundle = load_model(str(self.facts.settings.get("model")))
        except FerError:
            return None
        return bundle if bundle.card.get("sha256") == self.facts.settings.get("model_sha256") else None

    @property
    def preview(self) -> bytes | None:
        """JPEG of a frame with its boxes."""
        path = self.folder / "preview.jpg"
        return path.read_bytes() if path.is_file() else None

    def rename(self, names: Mapping[int, str]) -> None:
        """Keep names given to tracks.

        Raises:
            StudyError: they cannot be written.
        """
        try:
            write_people(self.folder, names, self._alike)
        except OSError as error:
            raise StudyError(
                f"The names could not be kept: {error.strerror}. Free some room, or write there."
            ) from error
        self.kept_names = dict(names)
        if self.names != self.kept_names:
            self.names = PersonNames(self.recorder, names)

    def result(self, names: Mapping[int, str] | None = None) -> ClipResult:
        """Return what was found, for exports; with the names that are kept where no others are given."""
        facts = self.facts
        clip: dict[str, Any] = {"name": self.name, "complete": True, "frames_damaged": self.damaged, "id": facts.id}
        info = {name: getattr(self.info, name) for name in ("width", "height", "seconds", "codec")}
        return ClipResult(self.recorder.table(self.names if names is None else names), clip | info, facts.settings)


def carried_names(old: StoredClip, table: pd.DataFrame) -> dict[int, str]:
    """Return the names of an older result for the tracks of a new one.

    A track has the name of the old track with which it shares most of its moments and places: faces of the same time
    whose centers lie within half a face.
    """
    if not old.names:
        return {}
    before = old.recorder.table().dropna(subset=["track_id"])
    now = table.dropna(subset=["track_id"])
    both = now.merge(before, on="frame", suffixes=("", "_old"))
    away = np.hypot(
        both["x"] + both["w"] / 2 - both["x_old"] - both["w_old"] / 2,
        both["y"] + both["h"] / 2 - both["y_old"] - both["h_old"] / 2,
    )
    both = both[away < both["h"] / 2]
    shared = both.groupby(["track_id", "track_id_old"]).size().reset_index(name="often").sort_values("often")
    best = {int(row.track_id): int(row.track_id_old) for row in shared.itertuples()}  # the most often comes last
    return {track: old.names[source] for track, source in best.items() if source in old.names}


def with_picture(moment: KeyMoment, jpeg: bytes) -> KeyMoment:
    """Return the moment with its picture."""
    return replace(moment, jpeg=jpeg)
