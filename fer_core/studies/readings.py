"""What was recognised in the frames of a clip in hand, in Parquet files of a few seconds' work each.

A reading is a frame for itself alone: its faces, and what tracking measures of its picture. It hangs on no other frame,
so readings are made in any order, in any process, and are never made twice; following faces through them is quick and
always gives the same.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fer_core.studies.manifest import StudyError
from fer_core.tracking.appearance import BINS
from fer_core.tracking.features import FrameFeatures
from fer_core.types import Faces
from fer_core.utils.files import atomic_file

__all__ = ["Chunk", "Reading", "Seam", "read_chunk", "stored_chunks", "write_chunk"]

_NAME = re.compile(r"readings-(\d{4})-(\d{6})-(\d+)\.parquet")
_FLOATS = ("boxes", "scores", "landmarks", "probabilities", "descriptors")
"""Columns that are lists of float32, all faces of a frame one after the other."""


@dataclass(frozen=True, slots=True)
class Seam:
    """A frame by which two stretches of a clip are shown to fit: both must decode it alike.

    Attributes:
        index, seconds: number and time of the frame in the clip.
        digest: hash of its picture.
    """

    index: int
    seconds: float
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One analysed frame.

    Attributes:
        index, seconds: number and time of the frame in the clip.
        faces: as recognised in this frame alone.
        features: what tracking measures of its picture.
        pictures: JPEG of faces, by row, where one may become a key moment.
    """

    index: int
    seconds: float
    faces: Faces
    features: FrameFeatures
    pictures: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A file of readings, and where its part of the clip stands after it.

    Attributes:
        first: seam at the part's first frame.
        last: the last frame that was read; where the part is whole, the first one of the next part, or None at the end.
        damaged: frames of the part so far that could not be decoded.
        whole: the part is read to its end.
    """

    first: Seam | None
    last: Seam | None
    damaged: int
    whole: bool


def stored_chunks(folder: Path, part: int | None = None) -> list[tuple[int, int, float, Path]]:
    """List the files of readings in a folder, in order: part, number, last second, path."""
    found = []
    for path in folder.glob("readings-*.parquet"):
        match = _NAME.fullmatch(path.name)
        if match and (part is None or int(match[1]) == part):
            found.append((int(match[1]), int(match[2]), int(match[3]) / 1000, path))
    return sorted(found)


def write_chunk(folder: Path, part: int, number: int, readings: Sequence[Reading], chunk: Chunk) -> Path:
    """Write readings as a file that is there whole or not at all.

    Args:
        folder: of the clip in hand.
        part: number of the clip's part.
        number: of the file in it.
        readings: in order of time; may be none.
        chunk: where the part stands after them.

    Raises:
        OSError: it cannot be written.
    """
    facts = {**asdict(chunk), "labels": readings[0].faces.labels if readings else []}
    columns: dict[str, pa.Array] = {
        "frame": pa.array([r.index for r in readings], pa.int64()),
        "time_s": pa.array([r.seconds for r in readings], pa.float64()),
        "thumbnail": pa.array([r.features.thumbnail.tobytes() for r in readings], pa.binary()),
        "quality": pa.array([r.faces.quality.tolist() for r in readings], pa.list_(pa.uint8())),
        "pictures": pa.array(
            [[r.pictures.get(i, b"") for i in range(len(r.faces))] for r in readings], pa.list_(pa.binary())
        ),
    }
    for name in _FLOATS:
        columns[name] = _lists([_values(reading, name) for reading in readings])
    table = pa.table(columns).replace_schema_metadata({"fer_core": json.dumps(facts)})
    last = max((r.seconds for r in readings), default=chunk.last.seconds if chunk.last else 0.0)
    path = folder / f"readings-{part:04d}-{number:06d}-{round(1000 * last)}.parquet"
    with atomic_file(path) as file:
        pq.write_table(table, file, compression="zstd")
    return path


def _values(reading: Reading, name: str) -> np.ndarray:
    source = reading.features if name == "descriptors" else reading.faces
    return np.asarray(getattr(source, name), np.float32).ravel()


def _lists(values: Sequence[np.ndarray]) -> pa.Array:
    ends = np.cumsum([0, *(len(one) for one in values)]).astype(np.int32)
    flat = np.concatenate(values) if values else np.empty(0, np.float32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat, pa.float32()))


def read_chunk(path: Path) -> tuple[list[Reading], Chunk]:
    """Read a file of readings.

    Raises:
        StudyError: it is damaged.
    """
    try:
        table = pq.read_table(path)
        facts = json.loads(table.schema.metadata[b"fer_core"])
        labels = tuple(facts.pop("labels"))
        seams = {name: Seam(**facts.pop(name)) if facts[name] else facts.pop(name) for name in ("first", "last")}
        return list(_readings(table, labels)), Chunk(seams["first"], seams["last"], facts["damaged"], facts["whole"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{path} is damaged. Delete it; its part of the clip is then analysed again.") from error


def _readings(table: pa.Table, labels: tuple[str, ...]) -> Iterator[Reading]:
    lists = {name: _split(table[name].combine_chunks()) for name in _FLOATS}
    plain = {name: table[name].to_pylist() for name in ("frame", "time_s", "thumbnail", "quality", "pictures")}
    for i in range(table.num_rows):
        quality = np.array(plain["quality"][i], np.uint8)
        n = len(quality)
        faces = Faces.detected(
            lists["boxes"][i].reshape(n, 4),
            lists["scores"][i],
            lists["landmarks"][i].reshape(n, 5, 2),
            lists["probabilities"][i].reshape(n, len(labels)),
            labels,
            quality,
        )
        thumbnail = np.frombuffer(plain["thumbnail"][i], np.uint8).reshape(27, 48, 3)
        features = FrameFeatures(lists["descriptors"][i].reshape(n, 2, BINS), thumbnail)
        pictures = {row: jpeg for row, jpeg in enumerate(plain["pictures"][i]) if jpeg}
        yield Reading(plain["frame"][i], plain["time_s"][i], faces, features, pictures)


def _split(column: pa.ListArray) -> list[np.ndarray]:
    ends = column.offsets.to_numpy()
    flat = column.values.to_numpy(zero_copy_only=False)
    return [flat[a:b] for a, b in itertools.pairwise(ends)]
