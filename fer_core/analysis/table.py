"""Results of frames become a table; the table becomes people, episodes and a summary."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from fer_core.labels import UNSURE
from fer_core.types import FaceMeasures, FaceQuality, Faces, FrameResult, MeasureGap

__all__ = ["NOT_MEASURED", "ResultTable", "columns", "label_names", "measure_names", "person_name", "to_table"]

SMOOTHED = "_smoothed"

NOT_MEASURED = "not_measured"
"""Column that says why measures are missing, in the words of `MeasureGap`; there where there are measures."""


def columns(labels: tuple[str, ...], measures: tuple[str, ...] = ()) -> list[str]:
    """Columns of the native table, in order; those of the measures come last, where there are any."""
    place = ["frame", "time_s", "face_count", "track_id", "person", "x", "y", "w", "h", "det_score"]
    reading = [*labels, "label", "confidence", *(name + SMOOTHED for name in labels)]
    return [*place, *reading, "quality", "shot", *measures, *((NOT_MEASURED,) if measures else ())]


class ResultTable:
    """Keeps the results of a clip in about 130 bytes a face, and gives the table at any time, from any thread."""

    def __init__(self, labels: tuple[str, ...], measures: tuple[str, ...] = ()):
        """Set up.

        Args:
            labels: expressions that results name.
            measures: names of the measures to keep, see `FaceMeasures`; none by default.
        """
        k = len(labels)
        self.labels, self.measures = labels, measures
        self._lock = threading.Lock()
        self._size = 0
        self._rows = np.zeros(
            1024,
            np.dtype(
                [
                    ("frame", "i8"),
                    ("time_s", "f8"),
                    ("shot", "i4"),
                    ("face_count", "i4"),
                    ("track_id", "i4"),
                    ("box", "f4", 4),
                    ("det_score", "f4"),
                    ("raw", "f4", k),
                    ("smoothed", "f4", k),
                    ("predicted", "i4"),
                    ("quality", "u1"),
                    ("measures", "f4", len(measures)),
                    ("gaps", "u1"),
                ]
            ),
        )

    def add(self, result: FrameResult) -> None:
        """Append a frame: a row for each face, or one with face_count 0."""
        faces, n = result.faces, max(1, len(result.faces))
        with self._lock:
            if self._size + n > len(self._rows):
                # A new array, not a resize: a table that is being made still reads the old one.
                grown = np.zeros(2 * len(self._rows) + n, self._rows.dtype)
                grown[: self._size] = self._rows[: self._size]
                self._rows = grown
            rows = self._rows[self._size : self._size + n]
            rows["frame"], rows["time_s"], rows["shot"] = result.index, result.seconds, result.shot
            rows["face_count"] = len(faces)
            if len(faces):
                rows["track_id"], rows["box"], rows["det_score"] = faces.track_ids, faces.boxes, faces.scores
                rows["raw"], rows["smoothed"] = faces.probabilities, faces.smoothed
                rows["predicted"], rows["quality"] = faces.predicted, faces.quality
            rows["measures"] = np.nan
            if self.measures and faces.measures is not None and len(faces):
                rows["measures"], rows["gaps"] = faces.measures.values, faces.measures.gaps
            self._size += n

    def table(self, names: Mapping[int, str] | None = None) -> pd.DataFrame:
        """Return the native long table; what does not apply to a row without a face is missing there.

        Args:
            names: people by track id; tracks that share a name are one person. Others are called "Person 1" and so on.
        """
        with self._lock:
            rows = self._rows[: self._size].copy()
        here = rows["face_count"] > 0
        names = names or {}
        track = pd.array(rows["track_id"], dtype="Int64")
        track[~here] = pd.NA
        box = rows["box"].astype(np.float64)
        data: dict[str, object] = {
            "frame": rows["frame"],
            "time_s": rows["time_s"],
            "face_count": rows["face_count"],
            "track_id": track,
            "person": pd.Series(
                [person_name(t, names) if ok else None for t, ok in zip(rows["track_id"].tolist(), here, strict=True)],
                dtype="object",
            ),
            "x": _where(here, box[:, 0]),
            "y": _where(here, box[:, 1]),
            "w": _where(here, box[:, 2] - box[:, 0]),
            "h": _where(here, box[:, 3] - box[:, 1]),
            "det_score": _where(here, rows["det_score"]),
        }
        for i, name in enumerate(self.labels):
            data[name] = _where(here, rows["raw"][:, i])
            data[name + SMOOTHED] = _where(here, rows["smoothed"][:, i])
        words = np.array([*self.labels, UNSURE], dtype=object)  # -1, the last, is "unsure"
        data["label"] = pd.Series(np.where(here, words[rows["predicted"]], None), dtype="object")
        data["confidence"] = _where(here, rows["smoothed"].max(1, initial=0.0))
        flags = {int(q): FaceQuality(int(q)).words for q in np.unique(rows["quality"])}
        quality = [flags[int(q)] if ok else None for q, ok in zip(rows["quality"], here, strict=True)]
        data["quality"] = pd.Series(quality, dtype="object")
        data["shot"] = rows["shot"]
        for i, name in enumerate(self.measures):
            data[name] = rows["measures"][:, i].astype(np.float64)
        if self.measures:
            gaps = {int(g): MeasureGap(int(g)).words or None for g in np.unique(rows["gaps"])}
            data[NOT_MEASURED] = pd.Series([gaps[int(g)] for g in rows["gaps"]], dtype="object")
        return pd.DataFrame(data, columns=columns(self.labels, self.measures))

    def results(self) -> Iterator[FrameResult]:
        """Return the results of the frames again; where the detector's landmarks were is no longer known."""
        with self._lock:
            rows = self._rows[: self._size].copy()
        starts = np.flatnonzero(np.diff(rows["frame"], prepend=-1))
        for part in np.split(rows, starts[1:]):
            first = part[0]
            here = part if first["face_count"] else part[:0]
            faces = Faces(
                boxes=here["box"],
                scores=here["det_score"],
                landmarks=np.full((len(here), 5, 2), np.nan, np.float32),
                probabilities=here["raw"],
                labels=self.labels,
                track_ids=here["track_id"].astype(np.int64),
                smoothed=here["smoothed"],
                predicted=here["predicted"].astype(np.int64),
                quality=here["quality"],
                measures=FaceMeasures(self.measures, here["measures"], here["gaps"]) if self.measures else None,
            )
            yield FrameResult(int(first["frame"]), float(first["time_s"]), faces, int(first["shot"]))

    def tracks(self) -> list[int]:
        """Ids of all tracks so far."""
        with self._lock:
            rows = self._rows[: self._size]
            return [int(track) for track in np.unique(rows["track_id"][rows["face_count"] > 0])]

    def overlaps(self) -> set[tuple[int, int]]:
        """Return the pairs of tracks that are on screen together in at least one frame, the lower id first."""
        with self._lock:
            rows = self._rows[: self._size]
            frame, track, most = rows["frame"].copy(), rows["track_id"].copy(), int(rows["face_count"].max(initial=0))
        found: set[tuple[int, int]] = set()
        for apart in range(1, most):
            one, other = track[:-apart], track[apart:]
            together = (frame[:-apart] == frame[apart:]) & (one >= 0) & (other >= 0)
            pairs = np.unique(np.sort(np.stack([one[together], other[together]], 1), 1), axis=0)
            found |= {(int(a), int(b)) for a, b in pairs}
        return found


def person_name(track_id: int, names: Mapping[int, str]) -> str:
    """Return what a track's person is called."""
    return names.get(track_id) or ("Person" if track_id < 0 else f"Person {track_id + 1}")


def to_table(results: Iterable[FrameResult], names: Mapping[int, str] | None = None) -> pd.DataFrame:
    """Return the native long table of results; needs at least one, to know the labels.

    Example:
        >>> from fer_core import Faces, FrameResult
        >>> results = [FrameResult(0, 0.0, Faces.none(("happy", "sad")))]
        >>> int(to_table(results)["face_count"].iloc[0])
        0
    """
    recorder = None
    for result in results:
        measures = result.faces.measures
        recorder = recorder or ResultTable(result.faces.labels, measures.names if measures is not None else ())
        recorder.add(result)
    if recorder is None:
        raise ValueError("results must hold at least one frame; received none")
    return recorder.table(names)


def _where(here: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(here, np.asarray(values, np.float64), np.nan)


def label_names(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the expressions of a native table, in its order."""
    return tuple(name.removesuffix(SMOOTHED) for name in table.columns if name.endswith(SMOOTHED))


def measure_names(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the measures of a native table, in its order; none where they were not asked for."""
    if NOT_MEASURED not in table:
        return ()
    names = list(table.columns)
    return tuple(names[names.index("shot") + 1 : names.index(NOT_MEASURED)])
